# SPDX-License-Identifier: Apache-2.0
"""Ansible writes the unit for OpenStack-Ansible, and reads our variables."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import BIN, DEPLOY, run

FILES = DEPLOY / "openstack-ansible"


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        (["-e", "venv_tag=33.0.0"], "mistral-33.0.0"),
        (["-e", "venv_tag=33.0.0", "-e", "mistral_venv_tag=testing"], "mistral-testing"),
    ],
)
def test_the_unit_is_that_of_packages_with_the_programs_of_the_venv(
    tmp_path: Path, periodic: list[str], options: list[str], folder: str
) -> None:
    inventory = tmp_path / "inventory"
    inventory.write_text("[mistral_engine]\nlocalhost ansible_connection=local\n")
    run(
        BIN / "ansible-playbook", "-i", inventory, "-e", f"unit_folder={tmp_path}", *options,
        "-e", f"ansible_python_interpreter={BIN / 'python'}", "--skip-tags", "start",
        FILES / "mistral-periodic.yml", cwd=tmp_path,
    )  # fmt: skip
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(tmp_path / "mistral-periodic.service")
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert program == f"/openstack/venvs/{folder}/bin/mistral-server"
    assert arguments == periodic[1:]
    assert unit["Service"]["User"] == "mistral"


def test_the_variables_turn_cron_triggers_on_and_leave_them_to_the_periodic_server() -> None:
    text = (FILES / "user_variables_trove_schedules.yml").read_text()
    [(name, overrides)] = yaml.safe_load(text).items()
    assert name == "mistral_mistral_conf_overrides"
    assert overrides["cron_trigger"] == {"enabled": True, "run_in_api": False}
