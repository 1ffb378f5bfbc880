# SPDX-License-Identifier: Apache-2.0
"""What the commands print: whole, in UTF-8 for programs in any locale, and harmless for people."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from trove_schedules import workbook
from trove_schedules.backups.retention import Verdict
from trove_schedules.cli.openstack.execution import ListExecution, ShowExecution
from trove_schedules.cli.openstack.health import CheckSchedule, ScheduleHealth
from trove_schedules.cli.openstack.metrics import ScheduleMetrics
from trove_schedules.cli.openstack.prune import PruneSchedule
from trove_schedules.cli.openstack.run import RunSchedule
from trove_schedules.cli.openstack.schedule import CreateSchedule, ListSchedule, ShowSchedule
from trove_schedules.cli.openstack.workbook import LoadWorkbook
from trove_schedules.clients.trove import Backup
from trove_schedules.health import State
from trove_schedules.health.check import Check
from trove_schedules.workbook import Loaded

NAMES = ["ночной", "é😀"]
#: Commands with the name in what they print, and the arguments that they take.
COMMANDS: dict[Any, tuple[str, ...]] = {
    ListSchedule: ("--long",),
    ShowSchedule: ("s",),
    CreateSchedule: ("m", "0 2 * * *", "n"),
    ScheduleHealth: (),
    CheckSchedule: (),
    PruneSchedule: ("s",),
    ListExecution: ("s", "--long"),
    ShowExecution: ("e",),
    RunSchedule: ("s",),
    LoadWorkbook: (),
}
LISTS = {ListSchedule, ScheduleHealth, CheckSchedule, PruneSchedule, ListExecution}


READERS = {"json": json.loads, "yaml": yaml.safe_load}


@pytest.fixture
def named(schedules: Any, schedule: Any, good: Any, execution: Any) -> Callable[[str], None]:
    """Give everything that there is this name."""

    def named(name: str) -> None:
        given = replace(schedule, name=name, input={"name": name})
        run = replace(execution, output={"status": name}, state_info=name)
        backup = Backup("b", "i", name, None, "COMPLETED", None, datetime.now(UTC), None)
        schedules.schedule_list.return_value = [given]
        schedules.schedule_show.return_value = given
        schedules.schedule_create.return_value = given
        schedules.schedule_health.return_value = [replace(good, name=name, reason=name)]
        schedules.check.return_value = [Check("pattern", True, name)]
        schedules.schedule_prune.return_value = [Verdict(backup, False, name)]
        schedules.execution_list.return_value = [run]
        schedules.execution_show.return_value = run
        schedules.schedule_run.return_value = run
        schedules.workbook_load.return_value = Loaded("unchanged", 3, name)

    return named


@pytest.fixture
def printed(app: Any, connect: Any) -> Callable[..., bytes]:
    """The bytes that a command prints in a locale."""

    def printed(command_class: Any, encoding: str, *arguments: str) -> bytes:
        raw = io.BytesIO()
        app.stdout = io.TextIOWrapper(raw, encoding=encoding)
        command = command_class(app, None)
        command.run(command.get_parser("openstack").parse_args(arguments))
        app.stdout.flush()
        return raw.getvalue()

    return printed


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "koi8-r", "utf-8"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_what_programs_read_is_whole_and_utf_8_in_any_locale(
    named, schedules, printed, command, encoding, name
):
    named(name)
    formats = ["json", "yaml", "value", "csv" if command in LISTS else "shell"]
    for each in formats:
        text = printed(command, encoding, *COMMANDS[command], "-f", each).decode("utf-8")
        assert text.endswith("\n"), each
        if each in READERS:
            text = str(READERS[each](text))
        assert name in text, each


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "koi8-r", "utf-8"])
@pytest.mark.parametrize(
    ("command", "arguments"), [(ScheduleMetrics, ()), (ScheduleHealth, ("-f", "nagios"))]
)
@pytest.mark.parametrize("name", NAMES)
def test_what_monitoring_reads_is_whole_and_utf_8_in_any_locale(
    named, schedules, printed, command, arguments, encoding, name
):
    named(name)
    # Of what is fine, the line of monitoring plugins names nothing.
    [found] = schedules.schedule_health.return_value
    schedules.schedule_health.return_value = [replace(found, state=State.FAILED)]
    text = printed(command, encoding, *arguments).decode("utf-8")
    assert text.endswith("\n")
    assert name in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_tables_are_whole_and_in_the_terminals_letters(named, printed, command, encoding, name):
    named(name)
    text = printed(command, encoding, *COMMANDS[command], "--max-width", "0").decode(encoding)
    assert text.count("+--") >= 3
    assert name.encode(encoding, "backslashreplace").decode(encoding) in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.__name__)
def test_what_a_name_would_do_to_a_terminal_is_shown_in_tables(named, printed, command):
    named("night\x1b[2J\x9b\u2028\ud800\n")
    text = printed(command, "utf-8", *COMMANDS[command], "--max-width", "0").decode()
    assert not [each for each in text.replace("\n", "") if not each.isprintable()]
    assert len({len(line) for line in text.splitlines()}) == 1
    if command is ListSchedule:
        assert r"night\x1b[2J\x9b\u2028\ud800\n" in text


@pytest.mark.parametrize("format_name", ["csv", "value"])
@pytest.mark.parametrize("command", [ListSchedule, ScheduleHealth], ids=["list", "health"])
def test_what_is_missing_is_an_empty_text_in_csv_and_value(
    schedules, schedule, good, printed, command, format_name
):
    schedules.schedule_list.return_value = [
        replace(schedule, paused=True, next_execution_time=None)
    ]
    schedules.schedule_health.return_value = [
        replace(good, next_execution_time=None, last_success=None, last_size=None)
    ]
    text = printed(command, "utf-8", "-f", format_name).decode()
    assert "None" not in text
    if format_name == "csv":
        [row] = csv.DictReader(io.StringIO(text))
        assert row["Next Due"] == ""


@pytest.mark.parametrize(("format_name", "read"), READERS.items())
def test_what_is_missing_is_null_where_there_is_one(
    schedules, schedule, printed, format_name, read
):
    schedules.schedule_list.return_value = [
        replace(schedule, paused=True, next_execution_time=None)
    ]
    [row] = read(printed(ListSchedule, "utf-8", "-f", format_name))
    assert row["Next Due"] is None


def test_an_error_on_the_way_leaves_nothing_half(app, printed, monkeypatch):
    monkeypatch.setattr(
        "trove_schedules.cli.openstack.metrics._GAUGES",
        [("kept", "Kept.", lambda each: each.no_such_field)],
    )
    with pytest.raises(AttributeError):
        printed(ScheduleMetrics, "utf-8")
    app.stdout.flush()
    assert app.stdout.buffer.getvalue() == b""


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "LC_ALL": "C"}])
def test_the_workbook_is_printed_whole_by_the_real_program(locale):
    words = ["database", "backup", "schedule", "workbook", "show"]
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "HOME") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "openstackclient.shell", *words],
        env=kept | locale,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.decode("utf-8") == workbook.text(), done.stderr
