# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging

import pytest
from osc_lib.exceptions import CommandError

from trove_schedules.cli.openstack.changes import (
    PauseSchedule,
    ResumeSchedule,
    SetSchedule,
    UnsetSchedule,
)
from trove_schedules.errors import (
    InvalidPatternError,
    InvalidScheduleError,
    ScheduleConflictError,
)

NO_CHANGE = {
    "force": False,
    "pattern": None,
    "name": None,
    "description": None,
    "parent_id": None,
    "timezone": None,
    "incremental": None,
    "full_every": None,
    "keep_last": None,
    "keep_days": None,
    "keep_hourly": None,
    "keep_daily": None,
    "keep_weekly": None,
    "keep_monthly": None,
    "keep_yearly": None,
    "swift_container": None,
    "storage_driver": None,
    "attempts": None,
    "retry_every": None,
    "deadline": None,
    "notify_url": None,
    "notify_start": None,
    "notify_success": None,
    "notify_fail": None,
    "webhook_url": None,
    "webhook_on": None,
    "webhook_format": None,
}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["--pattern", "H 3 * * *"], {"pattern": "H 3 * * *"}),
        (["--timezone", "Asia/Tokyo"], {"timezone": "Asia/Tokyo"}),
        (["--name", "n", "--description", ""], {"name": "n", "description": ""}),
        (["--parent", "a-backup"], {"parent_id": "a-backup"}),
        (["--incremental", "--full-every", "7"], {"incremental": True, "full_every": 7}),
        (["--keep-last", "3", "--keep-days", "4"], {"keep_last": 3, "keep_days": 4}),
        (["--attempts", "1"], {"attempts": 1}),
        (["--retry-every", "5", "--deadline", "30"], {"retry_every": 5, "deadline": 30}),
        (["--notify-url", "https://hc.test/1"], {"notify_url": "https://hc.test/1"}),
        (["--notify-fail", "-"], {"notify_fail": "-"}),
        (["--webhook-on", "success"], {"webhook_on": "success"}),
        (["--name", "n", "--force"], {"name": "n", "force": True}),
    ],
)
def test_set_asks_for_what_the_arguments_say(take, schedules, options, asked):
    assert take(SetSchedule, "a-schedule", *options) is None
    schedules.schedule_set.assert_called_once_with("a-schedule", **(NO_CHANGE | asked))


def test_set_takes_either_a_parent_or_incremental(take, schedules, capsys):
    with pytest.raises(SystemExit):
        take(SetSchedule, "a-schedule", "--parent", "a-backup", "--incremental")
    assert "not allowed with" in capsys.readouterr().err
    schedules.schedule_set.assert_not_called()


def test_a_change_that_is_refused_is_a_command_error(run, schedules):
    schedules.schedule_set.side_effect = InvalidScheduleError("there is nothing to change")
    with pytest.raises(CommandError, match="nothing to change"):
        run(SetSchedule, "a-schedule")


@pytest.mark.parametrize(
    ("options", "unset"),
    [
        ([], []),
        (["--description"], ["description"]),
        (["--parent"], ["parent_id"]),
        (["--incremental", "--full-every"], ["incremental", "full_every"]),
        (["--keep-last", "--keep-days", "--deadline"], ["keep_last", "keep_days", "deadline"]),
        (["--notify-url"], ["notify_url"]),
    ],
)
@pytest.mark.parametrize(("flags", "force"), [([], False), (["--force"], True)])
def test_unset_takes_away_what_the_arguments_say(take, schedules, options, unset, flags, force):
    assert take(UnsetSchedule, "a-schedule", *options, *flags) is None
    schedules.schedule_set.assert_called_once_with("a-schedule", unset=unset, force=force)


@pytest.mark.parametrize(("flags", "force"), [([], False), (["--force"], True)])
def test_drills_are_repeated_and_ended_as_an_option_is_set_and_unset(take, schedules, flags, force):
    take(SetSchedule, "nightly", "--drill-every", "H 4 * * 0", *flags)
    take(UnsetSchedule, "nightly", "--drill-every", *flags)
    asked = [(call.args, call.kwargs) for call in schedules.schedule_drill_every.call_args_list]
    assert asked == [
        (("nightly", "H 4 * * 0"), {"force": force}),
        (("nightly", None), {"force": force}),
    ]
    schedules.schedule_set.assert_not_called()


def test_drills_and_other_options_are_changed_together(take, schedules, schedule):
    schedules.schedule_set.return_value = schedule
    take(SetSchedule, "nightly", "--name", "other", "--drill-every", "0 4 * * 0")
    schedules.schedule_set.assert_called_once_with("nightly", **(NO_CHANGE | {"name": "other"}))
    take(UnsetSchedule, "other", "--deadline", "--drill-every")
    schedules.schedule_set.assert_called_with("other", unset=["deadline"], force=False)
    # Of the schedule that was changed: its old name finds nothing any more.
    asked = [call.args for call in schedules.schedule_drill_every.call_args_list]
    assert asked == [(schedule, "0 4 * * 0"), (schedule, None)]


def test_a_wrong_pattern_of_drills_is_refused_before_anything_is_changed(take, schedules):
    with pytest.raises(InvalidPatternError):
        take(SetSchedule, "nightly", "--name", "other", "--drill-every", "every sunday")
    assert schedules.mock_calls == []


@pytest.mark.parametrize(
    ("command", "method"), [(PauseSchedule, "schedule_pause"), (ResumeSchedule, "schedule_resume")]
)
@pytest.mark.parametrize(("options", "force"), [([], False), (["--force"], True)])
def test_pause_and_resume_take_several(take, schedules, command, method, options, force):
    assert take(command, "a", "b", *options) is None
    asked = [(call.args, call.kwargs) for call in getattr(schedules, method).call_args_list]
    assert asked == [(("a",), {"force": force}), (("b",), {"force": force})]


def test_pause_goes_on_after_a_failure_and_then_fails(run, schedules, caplog):
    schedules.schedule_pause.side_effect = [ScheduleConflictError("a run is in progress"), None]
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(CommandError, match=r"^1 of 2 schedules failed to pause\.$"),
    ):
        run(PauseSchedule, "a", "b")
    assert "Failed to pause schedule 'a': a run is in progress" in caplog.text
