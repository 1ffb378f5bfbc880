# One command per check. Everything is installed into $(VENV); nothing outside it is touched.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints/minicloud.txt
WHAT_IS_INSTALLED := pyproject.toml constraints/minicloud.txt

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-unit test-contract test-end-to-end lint types format bench \
        constraints clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

quickstart: $(BIN)/.minicloud ## Start the mini cloud, make a scheduled backup, restore and compare it
	@$(BIN)/python -m trove_minicloud.quickstart

test: lint types test-unit test-contract test-end-to-end ## Everything that CI runs

test-unit: $(BIN)/.test ## Tests without servers, in seconds
	$(BIN)/pytest tests/unit

test-contract: $(BIN)/.test ## What the code assumes of other projects, checked against them
	$(BIN)/pytest tests/contract

test-end-to-end: $(BIN)/.test ## Real Keystone, Mistral, Trove and PostgreSQL on a mini cloud of their own
	$(BIN)/pytest tests/end_to_end

lint: $(BIN)/.test ## Style, and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/reno --quiet lint

types: $(BIN)/.test ## Type check
	$(BIN)/mypy

format: $(BIN)/.test ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(BIN)/.test ## Side-by-side benchmarks, as a table of ratios
	$(BIN)/python bench/history.py

constraints: ## Pin anew what the mini cloud and the checks run
	rm -rf build/constraints-venv
	$(PYTHON) -m venv build/constraints-venv
	build/constraints-venv/bin/pip install --quiet --editable '.[test,lint]'
	build/constraints-venv/bin/pip freeze --exclude-editable > constraints/minicloud.txt

clean: ## Remove what was installed and built here (not a mini cloud's data)
	rm -rf $(VENV) build dist

$(BIN)/python:
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(BIN)/.minicloud: $(BIN)/python $(WHAT_IS_INSTALLED)
	@echo "Installing the mini cloud into $(VENV) (about a minute the first time) ..."
	@$(PIP) --editable '.[minicloud]'
	@touch $@

$(BIN)/.test: $(BIN)/python $(WHAT_IS_INSTALLED)
	@echo "Installing the mini cloud and the test tools into $(VENV) ..."
	@$(PIP) --editable '.[test,lint]'
	@touch $@ $(BIN)/.minicloud
