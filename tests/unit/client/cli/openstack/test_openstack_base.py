# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from osc_lib.exceptions import CommandError

from trove_schedules.cli import openstack
from trove_schedules.cli.openstack import base
from trove_schedules.cli.openstack.schedule import DeleteSchedule, ShowSchedule
from trove_schedules.errors import ScheduleNotFoundError, ServiceUnavailableError

PROJECT = tomllib.loads(Path(__file__).parents[5].joinpath("client", "pyproject.toml").read_text())
ENTRY_POINTS = PROJECT["project"]["entry-points"]["openstack.database.v1"]


def test_every_command_has_an_entry_point_and_says_what_it_does():
    commands = set()
    for found in pkgutil.iter_modules(openstack.__path__, f"{openstack.__name__}."):
        module = importlib.import_module(found.name)
        for each in vars(module).values():
            own = getattr(each, "__module__", None) == module.__name__ != base.__name__
            if own and isinstance(each, type) and issubclass(each, base.Command):
                commands.add(f"{module.__name__}:{each.__name__}")
                assert each._description
    assert commands == set(ENTRY_POINTS.values())
    ours = ("database_backup_schedule_", "database_backup_policy_")
    others = {each for each in ENTRY_POINTS if not each.startswith(ours)}
    assert others == {"database_backup_coverage"}


@pytest.mark.parametrize("entry", ENTRY_POINTS.values())
def test_schedules_and_instances_are_named_alike_everywhere(app, entry):
    module, _, name = entry.partition(":")
    command = getattr(importlib.import_module(module), name)(app, None)
    for each in command.get_parser("openstack")._actions:
        noun = {"policies": "policy"}.get(each.dest, each.dest.removesuffix("s"))
        if noun in ("schedule", "policy", "instance"):
            assert each.metavar == f"<{noun}>"
            assert "(name or ID" in each.help
            # As with the other commands of the host, what a list is narrowed to is an option.
            assert noun != "instance" or each.option_strings or not name.startswith("List")


def test_the_api_uses_the_session_region_and_interface_of_the_program(run, app, connect, schedule):
    connect.return_value.schedule_show.return_value = schedule
    run(ShowSchedule, "an-id")
    cloud = app.client_manager
    connect.assert_called_once_with(
        session=cloud.session, region_name=cloud.region_name, interface=cloud.interface
    )


@pytest.mark.parametrize(
    "error",
    [
        ScheduleNotFoundError("no backup schedule of this project has the id 'x'"),
        ServiceUnavailableError("refused", service="Mistral", operation="list cron triggers"),
    ],
)
def test_errors_of_the_api_become_command_errors_with_the_same_text(run, schedules, error):
    schedules.schedule_show.side_effect = error
    with pytest.raises(CommandError) as caught:
        run(ShowSchedule, "x")
    assert str(caught.value) == str(error)


def test_other_errors_are_not_disguised(run, schedules):
    schedules.schedule_delete.side_effect = TypeError("a bug")
    with pytest.raises(TypeError):
        run(DeleteSchedule, "x")


def test_loading_the_commands_imports_neither_the_api_nor_its_libraries():
    """``openstack`` loads the commands of all plugins, whatever it is asked to do."""
    ours = [each.partition(":")[0] for each in ENTRY_POINTS.values()]
    code = (
        "import importlib, json, sys\n"
        f"for module in {sorted(set(ours))!r}: importlib.import_module(module)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert "trove_schedules.cli.openstack.schedule" in loaded
    heavy = {
        "croniter",
        "eventlet",
        "keystoneauth1.session",
        "mistralclient",
        "openstack.config",
        "trove_schedules.manager",
        "trove_schedules.schedules.schedule",
        "troveclient",
    }
    assert heavy.isdisjoint(loaded)
    assert done.stderr == ""
