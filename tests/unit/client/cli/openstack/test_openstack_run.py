# SPDX-License-Identifier: Apache-2.0
"""``run`` and ``create --trial``: progress, deadlines and exit statuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from osc_lib.exceptions import CommandError

from trove_schedules.cli.openstack import following
from trove_schedules.cli.openstack.run import RunSchedule
from trove_schedules.cli.openstack.schedule import CreateSchedule
from trove_schedules.errors import (
    AuthenticationError,
    ExecutionNotFoundError,
    PermissionDeniedError,
    ServiceError,
    ServiceUnavailableError,
)
from trove_schedules.schedules.schedule import ScheduleTrial


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(following, "time", clock)
    return clock


@pytest.fixture
def running(execution):
    return replace(execution, state="RUNNING", backup_id=None, output={}, manual=True)


@pytest.fixture
def command(app, connect):
    """Run a command as ``openstack`` does; return its exit status."""

    def command(command_class, *arguments):
        ready = command_class(app, None)
        return ready.run(ready.get_parser("openstack").parse_args(arguments))

    return command


ENDS = [
    ({"output": {"status": "Backup complete"}}, 0),
    ({"output": {"status": "Backup complete, full because its parent b is gone"}}, 0),
    ({"state": "ERROR", "state_info": "msg='no'", "output": {}}, 1),
    ({"state": "CANCELLED", "output": {}}, 1),
    ({"output": {"status": "Skipped: backup b is running"}}, 2),
    ({"output": {"status": "Backup in progress"}}, 2),
]


class TestRun:
    def test_without_wait_it_starts_and_shows_the_run(self, app, command, schedules, running):
        schedules.schedule_run.return_value = running
        assert command(RunSchedule, "a-schedule", "-f", "json") == 0
        schedules.schedule_run.assert_called_once_with("a-schedule")
        schedules.execution_show.assert_not_called()
        shown = json.loads(app.stdout.getvalue())
        assert (shown["id"], shown["state"], shown["manual"]) == (running.id, "RUNNING", True)

    @pytest.mark.parametrize(("end", "status"), ENDS)
    def test_with_wait_the_exit_status_tells_how_it_went(
        self, app, command, schedules, execution, running, end, status
    ):
        schedules.schedule_run.return_value = running
        schedules.execution_show.side_effect = [running, running, replace(execution, **end)]
        assert command(RunSchedule, "a-schedule", "--wait", "-f", "json") == status
        assert json.loads(app.stdout.getvalue())["output"] == end["output"]

    def test_progress_goes_to_stderr_once_where_nothing_is_new(
        self, command, schedules, execution, running, capsys
    ):
        schedules.schedule_run.return_value = running
        schedules.execution_show.side_effect = [running, running, execution]
        command(RunSchedule, "a-schedule", "--wait")
        lines = capsys.readouterr().err.splitlines()
        assert [line.split("  ", 1)[1] for line in lines] == [
            f"execution {running.id}: RUNNING (0 s)",
            f"execution {running.id}: SUCCESS Backup complete (6 s)",
        ]

    def test_progress_does_nothing_to_the_terminal(
        self, command, schedules, execution, running, capsys
    ):
        schedules.schedule_run.return_value = running
        schedules.execution_show.return_value = replace(execution, output={"status": "\x1b[2J\n"})
        command(RunSchedule, "a-schedule", "--wait")
        assert r"SUCCESS \x1b[2J\n (0 s)" in capsys.readouterr().err

    @pytest.mark.parametrize(("options", "waited"), [([], 3600), (["--timeout", "0.5"], 30)])
    def test_it_waits_no_longer_than_it_was_told(
        self, command, schedules, running, clock, options, waited
    ):
        schedules.schedule_run.return_value = running
        schedules.execution_show.return_value = running
        assert command(RunSchedule, "a-schedule", "--wait", *options) == 2
        assert clock.now == 1000 + waited

    def test_a_long_silence_is_broken_twice_a_minute(self, command, schedules, running, capsys):
        schedules.schedule_run.return_value = running
        schedules.execution_show.return_value = running
        command(RunSchedule, "a-schedule", "--wait", "--timeout", "5")
        assert len(capsys.readouterr().err.splitlines()) == 11

    def test_a_look_that_fails_is_repeated(self, command, schedules, execution, running, capsys):
        down = ServiceUnavailableError("refused", service="Mistral", operation="show execution")
        schedules.schedule_run.return_value = running
        schedules.execution_show.side_effect = [down, running, down, execution]
        assert command(RunSchedule, "a-schedule", "--wait") == 0
        assert "Mistral: show execution failed: refused" in capsys.readouterr().err

    @pytest.mark.parametrize("service", ["Mistral", "Keystone"])
    @pytest.mark.parametrize("status", [None, 408, 413, 429, 500, 501, 502, 503, 504, 200])
    def test_what_says_nothing_about_the_run_is_said_and_looked_past(
        self, command, schedules, execution, running, capsys, status, service
    ):
        trouble = ServiceError("busy", service=service, operation="look", status=status)
        schedules.schedule_run.return_value = running
        schedules.execution_show.side_effect = [running, trouble, trouble, execution]
        assert command(RunSchedule, "a-schedule", "--wait") == 0
        said = f"can't read it now; trying again: {service}: look failed: busy"
        assert capsys.readouterr().err.count(said) == 1

    def test_but_not_longer_than_it_was_told(self, command, schedules, running, clock):
        trouble = ServiceError("busy", service="Mistral", operation="look", status=500)
        schedules.schedule_run.return_value = running
        schedules.execution_show.side_effect = trouble
        assert command(RunSchedule, "a-schedule", "--wait", "--timeout", "1") == 2
        assert clock.now == 1060

    @pytest.mark.parametrize(
        "trouble",
        [
            AuthenticationError("Mistral refused the login"),
            PermissionDeniedError("no", service="Mistral", operation="look", status=403),
            ServiceError("no such path", service="Mistral", operation="look", status=404),
            ExecutionNotFoundError("no execution"),
        ],
        ids=["401", "403", "404", "gone"],
    )
    def test_what_no_later_look_will_change_ends_it(self, command, schedules, running, trouble):
        schedules.schedule_run.return_value = running
        schedules.execution_show.side_effect = trouble
        with pytest.raises(CommandError, match=re.escape(str(trouble))):
            command(RunSchedule, "a-schedule", "--wait")
        assert schedules.execution_show.call_count == 1

    @pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "soon"])
    def test_a_timeout_that_is_no_time_is_refused(self, command, schedules, minutes):
        with pytest.raises(SystemExit):
            command(RunSchedule, "a-schedule", "--wait", f"--timeout={minutes}")
        schedules.schedule_run.assert_not_called()


class TestTrial:
    @pytest.fixture
    def trial(self, schedules, schedule):
        trial = ScheduleTrial(schedule.id, "a-trigger", datetime(2026, 1, 1, 0, 3, tzinfo=UTC))
        schedules.schedule_create.return_value = schedule
        schedules.schedule_trial.return_value = trial
        return trial

    @pytest.mark.parametrize(("end", "status"), ENDS)
    def test_the_exit_status_tells_how_it_went_and_nothing_is_left(
        self, app, command, schedules, schedule, execution, running, trial, end, status
    ):
        schedules.trial_execution.side_effect = [None, running, replace(execution, **end)]
        asked = ("m", "*/2 * * * *", "myback", "--trial", "-f", "json")
        assert command(CreateSchedule, *asked) == status
        schedules.schedule_trial.assert_called_once_with(schedule)
        schedules.trial_end.assert_called_once_with(trial)
        assert json.loads(app.stdout.getvalue())["id"] == schedule.id

    @pytest.mark.parametrize(
        ("waiting", "why"),
        [
            (True, "Mistral did not fire a trigger for 00:03 UTC: start its periodic server"),
            (False, "Mistral fired the trigger at 00:03 UTC, but left no execution: it can't use"),
        ],
    )
    def test_one_that_brings_no_run_fails_after_five_minutes_and_says_which_link_is_missing(
        self, command, schedules, trial, clock, capsys, waiting, why
    ):
        schedules.trial_execution.return_value = None
        schedules.trial_end.return_value = waiting
        assert command(CreateSchedule, "m", "*/2 * * * *", "myback", "--trial") == 1
        assert clock.now == 1300
        schedules.trial_end.assert_called_once_with(trial)
        told = capsys.readouterr().err
        assert "waiting for Mistral to fire at 00:03 UTC" in told
        assert f"trial failed: {why}" in told

    @pytest.mark.parametrize(
        ("end", "told"),
        [
            ({}, "trial passed: Backup complete"),
            ({"state": "ERROR", "state_info": "x [msg='HTTP 403']"}, "trial failed: HTTP 403"),
            ({"output": {"status": "Skipped: x"}}, "trial undecided: Skipped: x"),
        ],
    )
    def test_the_outcome_is_told_in_words(
        self, command, schedules, execution, trial, capsys, end, told
    ):
        schedules.trial_execution.return_value = replace(execution, **end)
        command(CreateSchedule, "m", "*/2 * * * *", "myback", "--trial")
        said = capsys.readouterr().err
        assert told in said
        assert f"schedule execution show {execution.id}' has the rest" in said

    @pytest.mark.parametrize(
        "trouble",
        [KeyboardInterrupt, ServiceError("no", service="Mistral", operation="list", status=403)],
    )
    def test_it_is_ended_whatever_ends_the_wait(self, command, schedules, trial, trouble):
        schedules.trial_execution.side_effect = trouble
        with pytest.raises(BaseException):  # noqa: B017 - which one is another test's
            command(CreateSchedule, "m", "*/2 * * * *", "myback", "--trial")
        schedules.trial_end.assert_called_once_with(trial)

    def test_without_the_option_there_is_none(self, command, schedules, trial):
        assert command(CreateSchedule, "m", "*/2 * * * *", "myback") == 0
        schedules.schedule_trial.assert_not_called()
