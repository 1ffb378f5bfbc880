# SPDX-License-Identifier: Apache-2.0
"""The patches of contrib/ for Kolla and kolla-ansible, applied to copies, and what they change."""

from __future__ import annotations

import configparser
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.conftest import BIN, REPOSITORY, run
from tests.deploy.kolla_ansible import Deployment

#: Of OpenStack 2026.2. It needs a newer Python than may be here, and only its files are used.
KOLLA_ANSIBLE = "kolla-ansible==23.0.0"
#: What `kolla-ansible deploy` does for Mistral, less what asks a database and a container engine.
PLAYBOOK = """\
- import_playbook: gather-facts.yml
- hosts: mistral-periodic
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: mistral, tasks_from: config.yml}
    - ansible.builtin.import_role: {name: mistral, tasks_from: check-containers.yml}
"""


def _apply(project: str, folder: Path) -> None:
    [patch] = (REPOSITORY / "contrib" / project).glob("*.patch")
    # Not as a part of a repository that the folder may lie in.
    run("git", "apply", patch, cwd=folder, GIT_CEILING_DIRECTORIES=str(folder.parent))


def test_kolla_gives_mistral_the_actions(tmp_path: Path) -> None:
    found = importlib.util.find_spec("kolla")
    assert found is not None and found.origin is not None
    shutil.copytree(Path(found.origin).parent, tmp_path / "kolla")
    _apply("kolla", tmp_path)
    script = (
        "from oslo_config import cfg; from kolla.common import config;"
        "conf = cfg.ConfigOpts(); config.parse(conf, [], prog='kolla-build');"
        "print(conf['mistral-base-plugin-mistral-extra'].location)"
    )
    said = run(BIN / "python", "-c", script, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert said.strip().endswith("/openstack/mistral-extra/mistral-extra-stable-2026.2.tar.gz")


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder = tmp_path_factory.mktemp("patched")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
            "--only-binary", ":all:", "--python-version", "3.13", KOLLA_ANSIBLE,
        ],
        check=True, timeout=120,
    )  # fmt: skip
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "wheel")
    [share] = folder.glob("wheel/*.data/data/share/kolla-ansible")
    _apply("kolla-ansible", share)
    deployment = Deployment(folder, share)
    deployment.playbooks.joinpath("mistral.yml").write_text(PLAYBOOK)
    deployment.deploy("mistral.yml")
    return deployment


def test_kolla_ansible_runs_the_periodic_server(patched: Deployment, periodic: list[str]) -> None:
    config = json.loads(patched.node.joinpath("mistral-periodic", "config.json").read_text())
    assert sorted(config["command"].split()) == sorted(["mistral-server", *periodic[1:]])
    [started] = [
        each for each in patched.containers
        if each["name"] == "mistral_periodic" and each["action"].startswith("recreate")
    ]  # fmt: skip
    assert "/mistral-engine:" in started["image"]
    assert any("/mistral-periodic/:" in volume for volume in started["volumes"])


@pytest.mark.parametrize("service", ["api", "engine", "executor", "periodic"])
def test_then_the_api_fires_no_triggers(patched: Deployment, service: str) -> None:
    options = configparser.ConfigParser(interpolation=None, strict=False)
    options.read(patched.node / f"mistral-{service}" / "mistral.conf")
    assert options["cron_trigger"]["run_in_api"] == "false"
    assert options["DEFAULT"]["log_file"].endswith(f"/mistral-{service}.log")


def test_each_inventory_has_the_group_that_the_play_needs(patched: Deployment) -> None:
    for name in ("all-in-one", "multinode"):
        text = patched.playbooks.joinpath("inventory", name).read_text()
        assert "[mistral-periodic:children]\nmistral\n" in text
    site = patched.playbooks.joinpath("site.yml").read_text()
    assert "    - mistral-event-engine\n    - mistral-periodic\n" in site
