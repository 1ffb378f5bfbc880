# SPDX-License-Identifier: Apache-2.0
"""``drill``: now, and awaited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trove_schedules.cli.openstack import following
from trove_schedules.cli.openstack.drill import DrillPolicy, DrillSchedule


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


@pytest.mark.parametrize("instance", [None, "orders"])
def test_of_a_policy_one_instance_is_drilled(take, schedules, running, instance):
    schedules.policy_drill.return_value = running
    words = ["nightly", *(["--instance", instance] if instance else [])]
    columns, data = take(DrillPolicy, *words)
    schedules.policy_drill.assert_called_once_with("nightly", instance)
    shown = dict(zip(columns, data, strict=True))
    assert (shown["id"], shown["instance"]) == (running.id, running.instance)


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


@pytest.mark.parametrize("gone", [["--every", "0 4 * * 0"], ["--no-every"], ["--force"]])
def test_it_repeats_nothing_itself(take, schedules, gone, capsys):
    with pytest.raises(SystemExit):
        take(DrillSchedule, "s", *gone)
    assert "unrecognized arguments" in capsys.readouterr().err
    assert schedules.mock_calls == []


def test_it_waits_no_longer_than_it_was_told(app, connect, schedules, running):
    schedules.schedule_drill.return_value = schedules.execution_show.return_value = running
    command = DrillSchedule(app, None)
    parsed = command.get_parser("drill").parse_args(["s", "--wait", "--timeout", "0.001"])
    assert command.run(parsed) == 2
