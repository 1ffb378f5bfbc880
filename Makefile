# One command per check. Everything is installed into $(VENV); nothing outside it is touched.
VENV ?= .venv
# A distribution builds its Python for speed. Another one may be built without that, as pyenv's are
# unless it is told to, and takes a fourth more processor time for all that follows.
PYTHON ?= $(shell /usr/bin/python3 -c "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))" \
	2>/dev/null && echo /usr/bin/python3 || echo python3)
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints/minicloud.txt
DASHBOARD_VENV := $(VENV)-dashboard
DASHBOARD_BIN := $(DASHBOARD_VENV)/bin
DASHBOARD_PIP := $(DASHBOARD_BIN)/pip install --quiet --disable-pip-version-check \
	--constraint constraints/dashboard.txt
DEPLOY_VENV := $(VENV)-deploy
DEPLOY_BIN := $(DEPLOY_VENV)/bin
DEPLOY_PIP := $(DEPLOY_BIN)/pip install --quiet --disable-pip-version-check \
	--constraint constraints/deploy.txt
ANSIBLE_VENV := $(VENV)-ansible
ANSIBLE_BIN := $(ANSIBLE_VENV)/bin
ANSIBLE_PIP := $(ANSIBLE_BIN)/pip install --quiet --disable-pip-version-check \
	--constraint constraints/ansible.txt
AXE := build/axe/node_modules/axe-core/axe.min.js
MINICLOUD := --editable client --editable 'minicloud[mariadb,swift]'
# Horizon's environment holds the mini cloud's program that serves it, and no service.
DASHBOARD := --editable client --editable dashboard cheroot
# The OpenStack releases that `test-releases` is for; RELEASE=2025.1 is for one of them.
RELEASE ?= 2025.1 2025.2 2026.1 2026.2
# Of `nights`: up to 20, which have every fault.
NIGHTS ?= 14
WHAT_IS_INSTALLED := $(wildcard */pyproject.toml) pyproject.toml constraints/minicloud.txt
# Some environments set it. Then each of the hundreds of Python processes that the tests start would
# compile the modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help quickstart dashboard test test-beside test-unit test-contract test-dashboard test-deploy test-ansible test-browser test-end-to-end \
        test-releases test-python test-debian-python lint types docs package format messages ansible-options bench bench-full bench-requests bench-rate-limit bench-cluster cluster chaos clock-changes nights screenshots constraints clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

quickstart: $(BIN)/.minicloud ## Start the mini cloud, make a scheduled backup, restore and compare it
	@$(BIN)/python -m trove_minicloud.commands.quickstart

dashboard: $(BIN)/.minicloud $(DASHBOARD_BIN)/.dashboard ## Horizon with the panels, on the mini cloud
	@$(BIN)/trove-minicloud up --detach
	@eval "$$($(BIN)/trove-minicloud env --admin)" && \
	    $(BIN)/openstack database backup schedule workbook load --public -f value -c action
	@test "$$($(BIN)/trove-minicloud instance list -f json)" != "[]" || \
	    $(BIN)/trove-minicloud instance create orders
	@$(BIN)/trove-minicloud up --detach --dashboard

# The servers of the end-to-end tests leave much of a processor idle: the other checks run beside them.
# These tests take longest, so what they need is installed before anything else.
test: ## Everything that CI runs
	@$(MAKE) --jobs 2 --output-sync=line --no-print-directory $(BIN)/.test $(DASHBOARD_BIN)/.dashboard $(ANSIBLE_BIN)/.ansible
	@$(MAKE) --jobs 2 --keep-going --output-sync=line --no-print-directory test-end-to-end test-beside

test-beside: lint types docs package test-browser test-unit test-contract test-dashboard test-deploy test-ansible ## All of it but the end-to-end tests

test-unit: $(BIN)/.test ## Tests without servers, in seconds
	$(BIN)/pytest tests/unit --numprocesses 2

test-contract: $(BIN)/.test ## What the code assumes of other projects, checked against them
	$(BIN)/pytest tests/contract --numprocesses 2 --dist loadfile

test-dashboard: $(DASHBOARD_BIN)/.test ## Horizon's panels, with the services mocked
	$(DASHBOARD_BIN)/pytest tests/dashboard

test-deploy: $(DEPLOY_BIN)/.deploy ## The files for deployment tools, rendered or run by these
	$(DEPLOY_BIN)/pytest tests/deploy

test-ansible: $(BIN)/.test $(ANSIBLE_BIN)/.ansible ## The Ansible collection, built, checked and run by Ansible
	$(BIN)/pytest tests/ansible

test-browser: $(BIN)/.test $(DASHBOARD_BIN)/.dashboard ## Horizon's panels in Chromium, on a mini cloud of their own
	tools/debian-packages browser && $(MAKE) --no-print-directory $(AXE) && \
	    export TROVE_SCHEDULES_NOTHING_MAY_LACK=1; \
	$(BIN)/pytest tests/end_to_end/test_dashboard.py

# Four files at a time, in the order of tests/end_to_end/conftest.py. Where the packages are there, a test
# of them that can't be run fails.
test-end-to-end: $(BIN)/.test $(ANSIBLE_BIN)/.ansible $(DASHBOARD_BIN)/.dashboard ## Real Keystone, Mistral, Trove and databases on mini clouds of their own
	tools/debian-packages mariadb monitoring && export TROVE_SCHEDULES_NOTHING_MAY_LACK=1; \
	$(BIN)/pytest tests/end_to_end --ignore tests/end_to_end/test_dashboard.py \
	    --numprocesses 4 --dist loadfile --no-loadscope-reorder

# Services and Horizon are in one environment here: a release's libraries fit both.
test-releases: $(RELEASE:%=test-release-%) ## What schedules do on RELEASE (or on all four), and the page that says so

test-release-%: $(VENV)-%/.installed
	tools/debian-packages mariadb && export TROVE_SCHEDULES_NOTHING_MAY_LACK=1; \
	$(VENV)-$*/bin/pytest tests/releases --record

test-python: $(BIN)/.test ## The client's tests and the quickstart on the Python named by PYTHON
	$(BIN)/pytest tests/unit --numprocesses 2
	$(BIN)/pytest tests/end_to_end/test_spec_sequence.py
	@$(MAKE) --no-print-directory quickstart

test-debian-python: ## The same on Debian 13's Python, in a folder of its own (root)
	tools/debian-13 $(MAKE) test-python VENV=/srv/venv PYTHON=python3

lint: $(BIN)/.test ## Style, and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PYTHONPATH=dashboard $(BIN)/lint-imports --no-logo
	$(BIN)/reno --quiet lint

types: $(BIN)/.test ## Type check
	$(BIN)/mypy

docs: $(BIN)/.test ## The documentation, in build/docs and build/man; a warning is an error
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -d build/doctrees docs build/docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -d build/doctrees -b man docs build/man
	tools/debian-packages docs && export TROVE_SCHEDULES_NOTHING_MAY_LACK=1; \
	$(BIN)/pytest tests/docs --numprocesses 2

package: $(BIN)/.test ## The wheels and source distributions, installed as a stranger does
	$(BIN)/pytest tests/packages

format: $(BIN)/.test ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

messages: $(DASHBOARD_BIN)/.test ## Bring the catalogs of the panels' texts in step with the code
	$(DASHBOARD_BIN)/python -m tools.messages

ansible-options: $(BIN)/.test ## Bring the Ansible modules' options in step with the table of options
	$(BIN)/python -m tools.ansible_options

bench: $(BIN)/.test ## Side-by-side benchmarks in their short form, as a table of ratios
	$(BIN)/python -m bench

bench-full: $(BIN)/.test ## The same with the sizes and charts of docs/benchmarks.md
	$(BIN)/python -m bench --full --charts docs/images

bench-requests: $(BIN)/.test ## What a run, a further attempt and retention cost in requests and rows (3 minutes)
	$(BIN)/python -m bench.requests

bench-rate-limit: $(BIN)/.test ## 30 schedules of one project on one minute, 30 backups each (15 to 35 minutes)
	$(BIN)/python -m bench.requests --burst 30 --kept 30

bench-cluster: $(BIN)/.test ## Bursts of 100 and 500 schedules on clusters of 1, 2 and 3 engines (half an hour)
	tools/debian-packages mariadb
	$(BIN)/python -m bench.burst --engines 1 2 3 --schedules 100 500

cluster: $(BIN)/.test ## A distributed Mistral to look at, in the folder ROOT, until Ctrl-C
	tools/debian-packages mariadb
	$(BIN)/python -m bench.cluster --root "$(ROOT)"

chaos: $(BIN)/.test ## Faults in mid-burst, and a table of what became of every firing (an hour)
	tools/debian-packages mariadb
	$(BIN)/python -m bench.chaos

clock-changes: $(BIN)/.test ## A year's changes of the clocks on real services, whose own clock is moved (4 minutes)
	$(BIN)/python -m bench.clock_changes

nights: $(BIN)/.test ## 14 nights of one machine with a fault in each, or NIGHTS=20 (half an hour; root for a small disk)
	tools/debian-packages mariadb
	$(BIN)/python -m bench.nights --nights $(NIGHTS)

screenshots: $(BIN)/.test $(DASHBOARD_BIN)/.dashboard $(AXE) ## Make the pictures of docs/images anew
	TROVE_SCHEDULES_SCREENSHOTS=docs/images $(BIN)/pytest tests/end_to_end/test_dashboard.py

constraints: ## Pin anew what the mini cloud and the checks run
	rm -rf build/constraints-venv
	$(PYTHON) -m venv build/constraints-venv
	build/constraints-venv/bin/pip install --quiet --upgrade pip
	build/constraints-venv/bin/pip install --quiet $(MINICLOUD) --editable 'minicloud[s3]' \
	    --group test --group lint --group docs --group package
	build/constraints-venv/bin/pip freeze --exclude-editable > constraints/minicloud.txt
	rm -rf build/constraints-venv
	$(PYTHON) -m venv build/constraints-venv
	build/constraints-venv/bin/pip install --quiet --upgrade pip
	build/constraints-venv/bin/pip install --quiet $(DASHBOARD) --group dashboard-test
	build/constraints-venv/bin/pip freeze --exclude-editable > constraints/dashboard.txt
	rm -rf build/constraints-venv
	$(PYTHON) -m venv build/constraints-venv
	build/constraints-venv/bin/pip install --quiet --upgrade pip
	build/constraints-venv/bin/pip install --quiet --group deploy-test
	build/constraints-venv/bin/pip freeze > constraints/deploy.txt
	rm -rf build/constraints-venv
	$(PYTHON) -m venv build/constraints-venv
	build/constraints-venv/bin/pip install --quiet --upgrade pip
	build/constraints-venv/bin/pip install --quiet --editable client --group ansible-test
	build/constraints-venv/bin/pip freeze --exclude-editable > constraints/ansible.txt

clean: ## Remove what was installed and built here (not a mini cloud's data)
	rm -rf $(VENV) $(VENV)-* build dist

$(BIN)/python:
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(BIN)/.minicloud: $(BIN)/python $(WHAT_IS_INSTALLED)
	@echo "Installing the mini cloud into $(VENV) (about a minute the first time) ..."
	@$(PIP) $(MINICLOUD)
	@touch $@

$(BIN)/.test: $(BIN)/python $(WHAT_IS_INSTALLED)
	@echo "Installing the mini cloud and the test tools into $(VENV) ..."
	@$(PIP) --upgrade pip
	@$(PIP) $(MINICLOUD) --editable 'minicloud[s3]' --group test --group lint --group docs --group package
	@touch $@ $(BIN)/.minicloud

$(DASHBOARD_BIN)/python:
	@echo "Setting up $(DASHBOARD_VENV) ..."
	$(PYTHON) -m venv $(DASHBOARD_VENV)

$(DASHBOARD_BIN)/.dashboard: $(DASHBOARD_BIN)/python $(wildcard */pyproject.toml) constraints/dashboard.txt
	@echo "Installing Horizon into $(DASHBOARD_VENV) (about a minute the first time) ..."
	@$(DASHBOARD_PIP) $(DASHBOARD)
	@$(DASHBOARD_PIP) --no-deps --editable minicloud
	@touch $@

$(DASHBOARD_BIN)/.test: $(DASHBOARD_BIN)/.dashboard pyproject.toml
	@echo "Installing the test tools into $(DASHBOARD_VENV) ..."
	@$(DASHBOARD_PIP) --upgrade pip
	@$(DASHBOARD_PIP) --group dashboard-test
	@touch $@

$(DEPLOY_BIN)/.deploy: pyproject.toml constraints/deploy.txt
	@echo "Installing the deployment tools into $(DEPLOY_VENV) ..."
	@$(PYTHON) -m venv $(DEPLOY_VENV)
	@$(DEPLOY_PIP) --upgrade pip
	@$(DEPLOY_PIP) --group deploy-test
	@touch $@

$(ANSIBLE_BIN)/.ansible: pyproject.toml client/pyproject.toml constraints/ansible.txt tools/ansible-checks
	@echo "Installing Ansible into $(ANSIBLE_VENV) (about a minute the first time) ..."
	@$(PYTHON) -m venv $(ANSIBLE_VENV)
	@$(ANSIBLE_PIP) --upgrade pip
	@$(ANSIBLE_PIP) --editable client --group ansible-test
	@tools/ansible-checks $(ANSIBLE_VENV)
	@touch $@

# Some of the older packages can only be built with the setuptools that the constraints name.
.PRECIOUS: $(VENV)-%/.installed
$(VENV)-%/.installed: constraints/%.txt $(wildcard */pyproject.toml) pyproject.toml
	@echo "Installing OpenStack $* into $(VENV)-$* (about two minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)-$*
	@$(VENV)-$*/bin/pip install --quiet --upgrade pip
	@$(VENV)-$*/bin/pip install --quiet --constraint $< --build-constraint $< \
	    --editable client --editable dashboard --editable 'minicloud[mariadb,swift]' --group release-test
	@touch $@

# The accessibility checks of the browser tests; without npm those say that they were not run.
$(AXE):
	@mkdir -p $(dir $@)
	@npm install --prefix build/axe --no-save --silent axe-core@4.14.1 || \
	    echo "npm can't install axe-core: the accessibility checks will not run."
