# SPDX-License-Identifier: Apache-2.0
"""kolla-ansible runs our playbook on this machine; a stand-in records the container."""

from __future__ import annotations

import configparser
import json
import shutil
from pathlib import Path

import pytest

from tests.deploy.conftest import DEPLOY
from tests.deploy.kolla_ansible import SHARE, Deployment

FILES = DEPLOY / "kolla-ansible"
PLAYBOOK = "mistral-periodic.yml"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """After what README.md says to type."""
    deployment = Deployment(tmp_path_factory.mktemp("kolla-ansible"), SHARE)
    shutil.copytree(FILES / "config", deployment.etc / "config")
    shutil.copy(FILES / PLAYBOOK, deployment.playbooks)
    assert "failed=0" in deployment.deploy(PLAYBOOK)
    return deployment


def test_a_container_runs_the_engine_s_image_with_a_folder_of_its_own(
    deployment: Deployment,
) -> None:
    container = deployment.containers[0]
    assert container["name"] == "mistral_periodic"
    assert container["action"] == "recreate_or_restart_container"
    assert "/mistral-engine:" in container["image"]
    [config] = [each for each in container["volumes"] if str(deployment.node) in each]
    assert config == f"{deployment.node}/mistral-periodic/:/var/lib/kolla/config_files/:ro"


def test_it_starts_the_periodic_server(deployment: Deployment, periodic: list[str]) -> None:
    config = json.loads(deployment.node.joinpath("mistral-periodic", "config.json").read_text())
    program, *arguments = config["command"].split()
    assert program == Path(periodic[0]).name
    pairs = [set(zip(each[::2], each[1::2], strict=True)) for each in (arguments, periodic[1:])]
    assert pairs[0] == pairs[1]
    assert {each["dest"] for each in config["config_files"]} == {"/etc/mistral/mistral.conf"}


def test_it_has_mistral_s_options_and_ours(deployment: Deployment) -> None:
    options = configparser.ConfigParser(interpolation=None, strict=False)
    options.read(deployment.node / "mistral-periodic" / "mistral.conf")
    assert options["cron_trigger"]["run_in_api"] == "false"
    assert options["DEFAULT"]["log_file"] == "/var/log/kolla/mistral/mistral-periodic.log"
    assert options["database"]["connection"].startswith("mysql+pymysql://mistral:")
    assert options["keystone_authtoken"]["username"] == "mistral"


def test_a_second_run_restarts_nothing(deployment: Deployment) -> None:
    count = len(deployment.containers)
    deployment.deploy(PLAYBOOK)
    [again] = deployment.containers[count:]
    assert again["action"] == "start_container"
