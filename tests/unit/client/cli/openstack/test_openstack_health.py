# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.examples import INSTANCE
from trove_schedules.cli.openstack.health import CheckSchedule, ScheduleHealth
from trove_schedules.cli.openstack.metrics import ScheduleMetrics
from trove_schedules.errors import ScheduleNotFoundError
from trove_schedules.health import BLOCKED_AFTER, Limits, State
from trove_schedules.health.check import Check

#: What looks at the health of schedules, for people, for plugins and for Prometheus.
LOOKING = [ScheduleHealth, ScheduleMetrics]
#: A terminal of 90 columns holds this and its reasons, which wrap.
TABLE = """\
+--------+---------+----------+-------------+-----------+--------------------------------+
| State  | Name    | Instance | Last Backup | Next Due  | Reason                         |
+--------+---------+----------+-------------+-----------+--------------------------------+
| LOST   | hourly  | 5328f62a | 3 d ago     | in 20 min | Mistral left no execution: it  |
|        |         |          |             |           | may have lost the firing; last |
|        |         |          |             |           | backup 3 d 2 h ago             |
| PAUSED | weekly  | 5328f62a | None        | paused    | paused; no backup yet          |
| OK     | nightly | 5328f62a | 3 h ago     | in 20 h   | last backup 3 h 5 min ago      |
+--------+---------+----------+-------------+-----------+--------------------------------+
"""


@pytest.mark.parametrize("command", LOOKING)
@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["one", "two"], {"schedules": ["one", "two"]}),
        (["--instance", "m"], {"instance": "m"}),
        (["--max-age", "26h"], {"limits": Limits(max_age=timedelta(hours=26))}),
        (["--blocked-after", "90m"], {"limits": Limits(blocked_after=timedelta(minutes=90))}),
    ],
)
def test_it_asks_for_what_the_arguments_say(take, schedules, good, command, options, asked) -> None:
    take(command, *options)
    given = {"schedules": [], "instance": None, "limits": Limits(None, BLOCKED_AFTER)} | asked
    schedules.schedule_health.assert_called_once_with(
        given["schedules"], instance=given["instance"], limits=given["limits"]
    )


@pytest.mark.parametrize("command", LOOKING)
def test_it_is_asked_of_one_choice_only(take, schedules, capsys, command) -> None:
    with pytest.raises(SystemExit):
        take(command, "one", "--instance", "m")
    assert "not allowed with" in capsys.readouterr().err
    schedules.schedule_health.assert_not_called()


def test_people_read_six_columns_that_fit_a_terminal(run, schedules, good) -> None:
    now = datetime.now(UTC)
    schedules.schedule_health.return_value = [
        replace(
            good,
            name="hourly",
            state=State.LOST,
            reason="Mistral left no execution: it may have lost the firing; "
            "last backup 3 d 2 h ago",
            last_success=now - timedelta(days=3, hours=2),
            next_execution_time=now + timedelta(minutes=20, seconds=30),
        ),
        replace(
            good,
            name="weekly",
            state=State.PAUSED,
            reason="paused; no backup yet",
            last_success=None,
            next_execution_time=None,
        ),
        replace(
            good,
            name="nightly",
            reason="last backup 3 h 5 min ago",
            last_success=now - timedelta(hours=3, minutes=5),
            next_execution_time=now + timedelta(hours=20, minutes=55),
        ),
    ]
    assert run(ScheduleHealth, "--max-width", "90") == TABLE


def test_programs_read_times_and_long_has_the_rest(run, app, schedules, good) -> None:
    [row] = json.loads(run(ScheduleHealth, "-f", "json"))
    short = {
        "State": "OK",
        "Name": good.name,
        "Instance": INSTANCE,
        "Last Backup": "2026-03-10T02:00:00+00:00",
        "Next Due": "2026-03-11T02:00:00+00:00",
        "Reason": "last backup 5 min ago",
    }
    assert row == short
    app.stdout.truncate(app.stdout.seek(0))
    [row] = json.loads(run(ScheduleHealth, "-f", "json", "--long"))
    assert row == short | {
        "ID": good.schedule_id,
        "Age": 300,
        "Missed": 0,
        "Chain Depth": 2,
        "Kept": 7,
        "Quota Left": 43,
        "Last Proven Restore": "2026-03-08T04:00:00+00:00",
        "Proven Backup": good.proven_backup,
        "Last Size": 0.25,
        "Project": "a-project",
    }
    app.stdout.truncate(app.stdout.seek(0))
    table = run(ScheduleHealth, "--long", "--max-width", "0")
    assert f"| {INSTANCE} |" in table
    assert "| 5 min " in table


STATES = [
    ([], 3),
    ([State.OK, State.RUNNING], 0),
    ([State.PAUSED, State.OK], 1),
    ([State.UNKNOWN, State.PAUSED], 3),
    ([State.LOST, State.UNKNOWN, State.OK], 2),
]


@pytest.mark.parametrize("arguments", [[], ["-f", "nagios"]])
@pytest.mark.parametrize(("states", "status"), STATES)
def test_the_exit_status_is_that_of_the_worst(
    app, connect, schedules, good, arguments, states, status
) -> None:
    schedules.schedule_health.return_value = [replace(good, state=state) for state in states]
    taken = ScheduleHealth(app, None)
    assert taken.run(taken.get_parser("health").parse_args(arguments)) == status


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "no schedules in this project"), (["--instance", "m"], "no schedules of instance m")],
)
def test_that_there_are_no_schedules_is_said_and_is_not_health(
    app, connect, schedules, caplog, arguments, told
) -> None:
    schedules.schedule_health.return_value = []
    command = ScheduleHealth(app, None)
    assert command.run(command.get_parser("health").parse_args([*arguments, "-f", "csv"])) == 3
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [told]


def test_what_keeps_it_from_being_told_is_said_and_is_no_warning(
    app, connect, schedules, caplog
) -> None:
    schedules.schedule_health.side_effect = ScheduleNotFoundError("no backup schedule of id x")
    command = ScheduleHealth(app, None)
    assert command.run(command.get_parser("health").parse_args(["x"])) == 3
    assert app.stdout.getvalue() == ""
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == [
        "no backup schedule of id x"
    ]


@pytest.mark.parametrize(
    ("ok", "word", "status"), [(True, "OK", 0), (False, "WRONG", 1), (None, "?", 0)]
)
def test_check_says_what_to_do_and_fails_if_something_is_wrong(
    app, take, schedules, ok, word, status
) -> None:
    schedules.check.return_value = [Check("Mistral", ok, "what was found")]
    _, rows = take(CheckSchedule, "m")
    schedules.check.assert_called_once_with("m")
    assert rows == [("Mistral", word, "what was found")]
    command = CheckSchedule(app, None)
    assert command.run(command.get_parser("check").parse_args([])) == status


def test_check_proves_if_it_is_asked_to_and_says_what_it_waits_for(
    app, connect, schedules, capsys
) -> None:
    def prove(*, report):
        report("waiting for Mistral")
        yield Check("firing", False, "nobody fires")

    schedules.check.return_value = [Check("Mistral", True, "answers")]
    schedules.prove.side_effect = prove
    command = CheckSchedule(app, None)
    assert command.run(command.get_parser("check").parse_args(["--prove", "-f", "value"])) == 1
    assert app.stdout.getvalue().splitlines()[-1] == "firing WRONG nobody fires"
    assert "waiting for Mistral (0 s)" in capsys.readouterr().err
