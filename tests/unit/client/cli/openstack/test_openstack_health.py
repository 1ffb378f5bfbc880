# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from trove_schedules.cli.openstack import columns
from trove_schedules.cli.openstack.health import CheckSchedule, ScheduleHealth, span
from trove_schedules.cli.openstack.prometheus import PrometheusFormatter
from trove_schedules.errors import ScheduleNotFoundError
from trove_schedules.health import BLOCKED_AFTER, Limits, State
from trove_schedules.health.preflight import Check


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
def test_health_asks_for_what_the_arguments_say(take, schedules, good, options, asked) -> None:
    schedules.schedule_health.return_value = [good]
    headers, rows = take(ScheduleHealth, *options)
    given = {"schedules": [], "instance": None, "limits": Limits(None, BLOCKED_AFTER)} | asked
    schedules.schedule_health.assert_called_once_with(
        given["schedules"], instance=given["instance"], limits=given["limits"]
    )
    assert headers[:4] == ("ID", "Name", "State", "Reason")
    assert rows[0][:4] == (good.schedule_id, good.name, "OK", "last backup 5 min ago")


def test_health_is_asked_of_one_choice_only(take, schedules, capsys) -> None:
    with pytest.raises(SystemExit):
        take(ScheduleHealth, "one", "--instance", "m")
    assert "not allowed with" in capsys.readouterr().err
    schedules.schedule_health.assert_not_called()


@pytest.mark.parametrize("text", ["26", "h", "0h", "1.5h", "-1h", "1w", ""])
def test_a_span_that_is_none_is_refused(text) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="26h"):
        span(text)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([], 3),
        ([State.OK, State.RUNNING], 0),
        ([State.PAUSED, State.OK], 1),
        ([State.PAUSED, State.UNKNOWN], 3),
        ([State.UNKNOWN, State.LOST, State.OK], 2),
    ],
)
def test_the_exit_status_is_that_of_the_worst(
    app, connect, schedules, good, states, status
) -> None:
    schedules.schedule_health.return_value = [replace(good, state=state) for state in states]
    command = ScheduleHealth(app, None)
    assert command.run(command.get_parser("health").parse_args(["-f", "json"])) == status


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
    assert command.run(command.get_parser("health").parse_args(["x", "-f", "prometheus"])) == 3
    assert app.stdout.getvalue() == ""
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == [
        "no backup schedule of id x"
    ]


def test_prometheus_reads_that_there_are_no_schedules(run, schedules) -> None:
    schedules.schedule_health.return_value = []
    written = run(ScheduleHealth, "-f", "prometheus")
    families = list(text_string_to_metric_families(written))
    assert families
    assert not [each for family in families for each in family.samples]


@pytest.mark.parametrize("columns", [["-c", "ID"], ["-c", "ID", "-c", "State"], ["-c", "nonsense"]])
def test_prometheus_takes_no_columns_away(run, schedules, columns):
    whole = run(ScheduleHealth, "-f", "prometheus")
    assert run(ScheduleHealth, "-f", "prometheus", *columns) == whole * 2


def test_prometheus_reads_what_is_written_for_it(good) -> None:
    row = (
        good.schedule_id, good.name, "OK", good.reason, columns.time(good.last_success), 300,
        columns.time(good.next_execution_time), 0, 2, 7, None, good.instance,
        columns.time(good.last_proven), 0.25, "a-project",
    )  # fmt: skip
    names = (
        "ID", "Name", "State", "Reason", "Last Success", "Age", "Next Execution Time", "Missed",
        "Chain Depth", "Kept", "Quota Left", "Instance", "Last Proven Restore", "Last Size",
        "Project",
    )  # fmt: skip
    written = io.StringIO()
    PrometheusFormatter().emit_list(names, [row], written, argparse.Namespace())
    families = {each.name: each for each in text_string_to_metric_families(written.getvalue())}
    samples = {
        each.name: each
        for family in families.values()
        for each in family.samples
        if each.labels.get("state", "OK") == "OK"
    }
    prefix = "trove_backup_schedule_"
    assert samples[f"{prefix}state"].value == 1
    assert samples[f"{prefix}kept"].value == 7
    assert samples[f"{prefix}chain_depth"].value == 2
    assert samples[f"{prefix}last_success_timestamp_seconds"].value == (
        good.last_success.timestamp()
    )
    assert samples[f"{prefix}last_proven_restore_timestamp_seconds"].value == (
        good.last_proven.timestamp()
    )
    assert samples[f"{prefix}kept"].labels == {
        "schedule": good.schedule_id,
        "name": good.name,
        "instance_id": good.instance,
        "project_id": "a-project",
    }
    assert samples[f"{prefix}last_backup_size_gigabytes"].value == 0.25
    assert not families[f"{prefix}quota_left"].samples
    assert {family.type for family in families.values()} == {"gauge"}
    assert sum(sample.value for sample in families[f"{prefix}state"].samples) == 1


BACKUPS = [
    ([], ["BACKUPS UNKNOWN: no schedules"]),
    (
        [("nightly", State.OK, "fine"), ("hourly", State.RUNNING, "fine")],
        ["BACKUPS OK: 2 schedules | ok=2 warning=0 critical=0 unknown=0 missed=0"],
    ),
    (
        [("a|b\n", State.FAILED, "no | space"), ("p", State.PAUSED, "paused"), ("o", State.OK, "")],
        [
            "BACKUPS CRITICAL: a/b\\n (s) is FAILED: no / space, and 1 more"
            " | ok=1 warning=1 critical=1 unknown=0 missed=0",
            "a/b\\n (s) is FAILED: no / space",
            "p (s) is PAUSED: paused",
        ],
    ),
]


@pytest.mark.parametrize(("found", "lines"), BACKUPS, ids=["none", "fine", "troubles"])
def test_a_monitoring_plugins_first_line_is_the_status_a_text_and_figures(
    run, schedules, good, found, lines
) -> None:
    schedules.schedule_health.return_value = [
        replace(good, schedule_id="s", name=name, state=state, reason=reason)
        for name, state, reason in found
    ]
    assert run(ScheduleHealth, "-f", "nagios", "-c", "ID").splitlines() == lines


def test_a_monitoring_plugins_first_line_tells_why_nothing_can_be_told(
    app, connect, schedules
) -> None:
    schedules.schedule_health.side_effect = ScheduleNotFoundError("no schedule | x")
    command = ScheduleHealth(app, None)
    assert command.run(command.get_parser("health").parse_args(["x", "-f", "nagios"])) == 3
    assert app.stdout.getvalue() == "BACKUPS UNKNOWN: no schedule / x\n"


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
