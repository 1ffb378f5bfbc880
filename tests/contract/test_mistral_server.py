# SPDX-License-Identifier: Apache-2.0
"""What the mini cloud's cluster assumes of Mistral's stock programs."""

import subprocess
import sys
from pathlib import Path

import pytest
from mistral import config
from mistral.engine import engine_server
from mistral.executors import executor_server
from mistral.services import periodic_server
from oslo_config import cfg

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("component", ["api", "engine", "executor", "periodic"])
def test_mistral_server_can_be_one_component(component: str) -> None:
    conf = cfg.ConfigOpts()
    conf.register_cli_opts(config.CLI_OPTS)
    conf(["--server", component])
    assert conf.server == [component]


def test_mistral_server_knows_no_other_component() -> None:
    done = subprocess.run(
        [BIN / "mistral-server", "--server", "scheduler"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    assert "scheduler" in done.stderr


def test_the_last_of_two_configuration_files_has_the_last_word(tmp_path: Path) -> None:
    """`mistral-server` sorts its arguments anew."""
    first, second = tmp_path / "first.conf", tmp_path / "second.conf"
    first.write_text("[DEFAULT]\ntransport_url = first://\n")
    second.write_text("[DEFAULT]\ntransport_url = second://\n")
    files = ["--config-file", str(first), "--config-file", str(second)]
    code = (
        "import sys; from mistral.cmd import launch\n"
        "print(*launch.get_properly_ordered_parameters())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *files, "--server", "engine"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split() == [*files, "--server", "engine"]


@pytest.mark.parametrize("module", [engine_server, executor_server, periodic_server])
def test_a_server_says_when_it_has_started(module: object) -> None:
    source = Path(module.__file__).read_text()  # type: ignore[attr-defined]
    assert " server started.'" in source


@pytest.mark.parametrize("command", ["upgrade", "populate"])
def test_the_tables_are_made_by_mistral_db_manage(command: str) -> None:
    done = subprocess.run(
        [BIN / "mistral-db-manage", command, "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert f"mistral-db-manage {command}" in done.stdout


def test_actions_run_in_executors_and_triggers_in_periodic_servers_by_these_options() -> None:
    assert config.executor_opts
    names = {option.name: option for option in config.executor_opts}
    assert {"local", "remote"} <= set(names["type"].type.choices)
    triggers = {option.name for option in config.cron_trigger_opts}
    assert {"run_in_api", "execution_interval"} <= triggers
