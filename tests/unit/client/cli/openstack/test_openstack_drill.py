# SPDX-License-Identifier: Apache-2.0
"""``drill``: now, awaited, by a pattern, and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from trove_schedules.cli.openstack import following
from trove_schedules.cli.openstack.drill import DrillSchedule
from trove_schedules.drills.drill import ScheduleDrill


@pytest.fixture
def running(execution):
    return replace(execution, state="RUNNING", backup_id=None, output={}, manual=True)


def test_a_drill_is_started_and_shown(take, schedules, running):
    schedules.schedule_drill.return_value = running
    columns, data = take(DrillSchedule, "s")
    schedules.schedule_drill.assert_called_once_with("s")
    shown = dict(zip(columns, data, strict=True))
    assert (shown["id"], shown["state"]) == (running.id, "RUNNING")
    schedules.execution_show.assert_not_called()


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ({"state": "SUCCESS", "output": {"status": "Drill passed: backup b restored in 7 s"}}, 0),
        ({"state": "ERROR", "state_info": "damaged"}, 1),
        ({"state": "SUCCESS", "output": {"status": "Skipped: drill x is running"}}, 2),
    ],
)
def test_awaited_it_ends_with_how_it_went(
    app, connect, schedules, running, monkeypatch, end, status
):
    monkeypatch.setattr(following, "_POLL", 0)
    schedules.schedule_drill.return_value = running
    schedules.execution_show.side_effect = [running, replace(running, **end)]
    command = DrillSchedule(app, None)
    assert command.run(command.get_parser("drill").parse_args(["s", "--wait"])) == status


def test_by_a_pattern_the_next_drill_is_told(take, schedules, schedule):
    next_time = datetime(2026, 1, 4, 4, 7, tzinfo=UTC)
    drill = ScheduleDrill("s", "7 4 * * 0", next_time, "t")
    schedules.schedule_drill_every.return_value = drill
    schedules.schedule_show.return_value = schedule
    columns, data = take(DrillSchedule, "nightly", "--every", "H 4 * * 0")
    schedules.schedule_show.assert_called_once_with("nightly")
    schedules.schedule_drill_every.assert_called_once_with(schedule, "H 4 * * 0", force=False)
    assert dict(zip(columns, map(str, data), strict=True)) == {
        "next_execution_time": "2026-01-04 04:07:00 UTC",
        "pattern": "7 4 * * 0",
        "schedule_id": schedule.id,
    }
    schedules.schedule_drill.assert_not_called()


def test_no_more_drills(take, schedules, schedule):
    schedules.schedule_show.return_value = schedule
    schedules.schedule_drill_every.return_value = None
    columns, data = take(DrillSchedule, "nightly", "--no-every", "--force")
    schedules.schedule_drill_every.assert_called_once_with(schedule, None, force=True)
    assert dict(zip(columns, data, strict=True)) == {
        "next_execution_time": None,
        "pattern": None,
        "schedule_id": schedule.id,
    }


@pytest.mark.parametrize("both", [["--wait", "--every", "0 4 * * 0"], ["--wait", "--no-every"]])
def test_what_contradicts_itself_is_refused(take, both, capsys):
    with pytest.raises(SystemExit):
        take(DrillSchedule, "s", *both)
    assert "not allowed with" in capsys.readouterr().err


def test_it_waits_no_longer_than_it_was_told(app, connect, schedules, running):
    schedules.schedule_drill.return_value = schedules.execution_show.return_value = running
    command = DrillSchedule(app, None)
    parsed = command.get_parser("drill").parse_args(["s", "--wait", "--timeout", "0.001"])
    assert command.run(parsed) == 2
