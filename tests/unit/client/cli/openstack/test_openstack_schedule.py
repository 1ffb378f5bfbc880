# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import io
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from osc_lib.exceptions import CommandError

from tests.examples import INSTANCE
from trove_schedules.cli.openstack.schedule import (
    CreateSchedule,
    DeleteSchedule,
    ListSchedule,
    ShowSchedule,
)
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import ScheduleConflictError, ScheduleNotFoundError, ServiceError
from trove_schedules.schedules.warnings import Remark

BACKUP = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"

PROPERTIES = (
    "attempts",
    "created_at",
    "deadline",
    "description",
    "full_every",
    "id",
    "incremental",
    "instance",
    "keep_daily",
    "keep_days",
    "keep_hourly",
    "keep_last",
    "keep_monthly",
    "keep_weekly",
    "keep_yearly",
    "name",
    "next_execution_time",
    "notify_fail",
    "notify_start",
    "notify_success",
    "notify_url",
    "parent_id",
    "pattern",
    "paused",
    "pinned",
    "retry_every",
    "storage_driver",
    "swift_container",
    "timezone",
    "webhook_format",
    "webhook_on",
    "webhook_url",
)
HEALTH = (
    "health",
    "health_reason",
    "last_success",
    "last_proven_restore",
    "proven_backup",
    "missed",
    "chain_depth",
    "backups_kept",
    "quota_left",
    "drill_every",
    "next_drill",
    "declared",
)
TABLE = """\
+--------------------------------------+--------+----------+-------------+----------+
| ID                                   | Name   | Instance | Pattern     | Next Due |
+--------------------------------------+--------+----------+-------------+----------+
| fb149a29-be9b-49c1-a2f7-ca6c1213896f | myback | 5328f62a | */2 * * * * | in 17 h  |
+--------------------------------------+--------+----------+-------------+----------+
"""
PERIODS = ["keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"]
NUMBERS = ["full_every", "keep_last", "keep_days", *PERIODS]
NUMBERS += ["attempts", "retry_every", "deadline"]
NO_NUMBERS = dict.fromkeys(NUMBERS)
NO_NOTIFY = dict.fromkeys(["notify_url", "notify_start", "notify_success", "notify_fail"])
NO_WEBHOOK = dict.fromkeys(["webhook_url", "webhook_on", "webhook_format"])
NO_OPTIONS = {
    "description": None,
    "parent_id": None,
    "timezone": None,
    "incremental": False,
    "swift_container": None,
    "storage_driver": None,
    **NO_NUMBERS,
    **NO_NOTIFY,
    **NO_WEBHOOK,
}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["--description", "every night"], {"description": "every night"}),
        (["--parent", "a-backup"], {"parent_id": "a-backup"}),
        (["--incremental"], {"incremental": True}),
        (["--incremental", "--full-every", "4"], {"incremental": True, "full_every": 4}),
        (["--keep-last", "7", "--keep-days", "30"], {"keep_last": 7, "keep_days": 30}),
        (["--keep-hourly", "24", "--keep-yearly", "2"], {"keep_hourly": 24, "keep_yearly": 2}),
        (["--swift-container", "c"], {"swift_container": "c"}),
        (["--storage-driver", "swift"], {"storage_driver": "swift"}),
        (["--attempts", "2", "--retry-every", "15"], {"attempts": 2, "retry_every": 15}),
        (["--deadline", "45"], {"deadline": 45}),
        (["--notify-url", "https://hc.test/1"], {"notify_url": "https://hc.test/1"}),
        (
            ["--notify-start", "-", "--notify-success", ""],
            {"notify_start": "-", "notify_success": ""},
        ),
        (["--notify-fail", "?status=down"], {"notify_fail": "?status=down"}),
        (
            ["--webhook-url", "https://c.test/1", "--webhook-on", "always"],
            {"webhook_url": "https://c.test/1", "webhook_on": "always"},
        ),
        (["--webhook-format", "slack"], {"webhook_format": "slack"}),
    ],
)
def test_create_asks_for_what_the_arguments_say(take, schedules, schedule, options, asked):
    schedules.schedule_create.return_value = schedule
    columns, data = take(CreateSchedule, "m", "*/2 * * * *", "myback", *options)
    schedules.schedule_create.assert_called_once_with(
        "m", "*/2 * * * *", "myback", **(NO_OPTIONS | asked)
    )
    assert columns == PROPERTIES
    assert dict(zip(columns, data, strict=True))["id"] == schedule.id


def test_what_is_to_be_said_of_a_new_schedule_goes_to_stderr(take, schedules, schedule, capsys):
    schedules.schedule_create.return_value = schedule
    schedules.schedule_remarks.return_value = [
        Remark("it has at most 8 backups", warning=False),
        Remark("it is like another one", warning=True),
    ]
    take(CreateSchedule, "m", "*/2 * * * *", "myback")
    schedules.schedule_remarks.assert_called_once_with(schedule)
    said = "note: it has at most 8 backups\nwarning: it is like another one\n"
    assert capsys.readouterr().err == said


def test_a_schedule_is_created_though_nobody_can_say_more_of_it(take, schedules, schedule, capsys):
    schedules.schedule_create.return_value = schedule
    schedules.schedule_remarks.side_effect = ServiceError("no", service="Trove", operation="ask")
    columns, data = take(CreateSchedule, "m", "*/2 * * * *", "myback")
    assert dict(zip(columns, data, strict=True))["id"] == schedule.id
    said = capsys.readouterr().err
    assert said.startswith("warning: nobody could look for traps: Trove: ask failed: no")


def test_create_takes_either_a_parent_or_incremental(take, schedules, capsys):
    with pytest.raises(SystemExit):
        take(CreateSchedule, "m", "*/2 * * * *", "n", "--parent", "a-backup", "--incremental")
    assert "not allowed with" in capsys.readouterr().err
    schedules.schedule_create.assert_not_called()


def test_show_prints_updated_at_once_there_is_one(take, schedules, schedule):
    fired = datetime(2016, 6, 14, 14, 49, 59, tzinfo=UTC)
    schedules.schedule_show.return_value = replace(schedule, updated_at=fired)
    columns, data = take(ShowSchedule, schedule.id)
    schedules.schedule_show.assert_called_once_with(schedule.id)
    assert columns == (*PROPERTIES, "updated_at", *HEALTH)
    assert str(data[len(PROPERTIES)]) == "2016-06-14 14:49:59 UTC"


def test_show_tells_the_health_of_the_schedule_that_it_has(take, schedules, schedule):
    schedules.schedule_show.return_value = schedule
    columns, data = take(ShowSchedule, schedule.id)
    schedules.schedule_health.assert_called_once_with([schedule])
    assert columns == (*PROPERTIES, *HEALTH)
    shown = ["OK", "last backup 5 min ago", "2026-03-10 02:00:00 UTC"]
    shown += ["2026-03-08 04:00:00 UTC", BACKUP, "0", "2", "7", "43", "None", "None", "False"]
    assert [str(each) for each in data[len(PROPERTIES) :]] == shown


def test_show_tells_by_which_pattern_drills_are_done_and_when_the_next_is(
    take, schedules, schedule
):
    schedules.schedule_show.return_value = schedule
    next_drill = datetime(2026, 1, 4, 4, 7, tzinfo=UTC)
    drill = ScheduleDrill(schedule.id, "7 4 * * 0", next_drill, "t")
    schedules.schedule_drill_show.return_value = drill
    columns, data = take(ShowSchedule, schedule.id)
    shown = dict(zip(columns, map(str, data), strict=True))
    assert (shown["drill_every"], shown["next_drill"]) == ("7 4 * * 0", "2026-01-04 04:07:00 UTC")


def test_people_read_utc_times_and_no_raw_input(run, schedules, schedule):
    schedules.schedule_show.return_value = schedule
    lines = run(ShowSchedule, schedule.id).splitlines()
    cells = dict(line.strip("| ").split("|", 1) for line in lines if line.startswith("|"))
    values = {name.strip(): value.strip() for name, value in cells.items()}
    assert values["created_at"] == "2016-06-14 14:47:16 UTC"
    assert values["next_execution_time"] == "2016-06-14 07:48:00 UTC"
    assert values["parent_id"] == "None"
    assert "input" not in values
    assert "input" in run(ShowSchedule, schedule.id, "-c", "input")


def test_whom_a_schedule_tells_is_shown_with_what_is_put_behind_it(run, schedules, schedule):
    watched = replace(schedule, notify_url="https://hc.test/1", notify_start="-")
    schedules.schedule_show.return_value = watched
    shown = json.loads(run(ShowSchedule, schedule.id, "-f", "json"))
    assert {name: shown[name] for name in NO_NOTIFY} == {
        "notify_url": "https://hc.test/1",
        "notify_start": "-",
        "notify_success": "",
        "notify_fail": "/fail",
    }


def test_a_webhook_is_shown_with_what_it_is_told(run, schedules, schedule):
    told = replace(schedule, webhook_url="https://chat.test/1")
    schedules.schedule_show.return_value = told
    shown = json.loads(run(ShowSchedule, schedule.id, "-f", "json"))
    assert {name: shown[name] for name in NO_WEBHOOK} == {
        "webhook_url": "https://chat.test/1",
        "webhook_on": "failure",
        "webhook_format": "json",
    }


def test_the_next_time_is_shown_on_the_clock_of_the_zone_too(run, schedules, schedule):
    there = replace(schedule, timezone="Asia/Kathmandu")
    schedules.schedule_show.return_value = there
    schedules.schedule_list.return_value = [there]
    assert "2016-06-14 07:48:00 UTC (13:33 +0545)" in run(ShowSchedule, schedule.id)
    assert "(13:33 +0545)" in run(ListSchedule)
    assert "2016-06-14T07:48:00+00:00" in run(ShowSchedule, schedule.id, "-f", "json")


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_read_iso_times_and_objects(run, schedules, schedule, form, load):
    schedules.schedule_show.return_value = schedule
    assert load(run(ShowSchedule, schedule.id, "-f", form)) == {
        "attempts": 1,
        "created_at": "2016-06-14T14:47:16.865731+00:00",
        "deadline": None,
        "description": None,
        "full_every": None,
        "id": schedule.id,
        "incremental": False,
        "input": schedule.input,
        "instance": schedule.instance,
        "keep_days": None,
        "keep_last": None,
        **dict.fromkeys(PERIODS),
        "name": "myback",
        "next_execution_time": "2016-06-14T07:48:00+00:00",
        **NO_NOTIFY,
        "parent_id": None,
        "pattern": "*/2 * * * *",
        "paused": False,
        "pinned": None,
        "retry_every": None,
        "storage_driver": None,
        "swift_container": None,
        "timezone": "UTC",
        "webhook_format": None,
        "webhook_on": None,
        "webhook_url": None,
        "health": "OK",
        "health_reason": "last backup 5 min ago",
        "last_success": "2026-03-10T02:00:00+00:00",
        "last_proven_restore": "2026-03-08T04:00:00+00:00",
        "proven_backup": BACKUP,
        "drill_every": None,
        "next_drill": None,
        "declared": False,
        "missed": 0,
        "chain_depth": 2,
        "backups_kept": 7,
        "quota_left": 43,
    }


@pytest.mark.parametrize(("paused", "told"), [(True, "paused"), (False, "—")])
def test_where_there_is_no_next_time_people_read_why_and_programs_null(
    run, app, schedules, schedule, paused, told
):
    schedules.schedule_show.return_value = replace(
        schedule, paused=paused, next_execution_time=None
    )
    shown = run(ShowSchedule, schedule.id)
    assert f"| next_execution_time | {told} " in shown
    app.stdout.truncate(app.stdout.seek(0))
    assert json.loads(run(ShowSchedule, schedule.id, "-f", "json"))["next_execution_time"] is None


def test_a_form_of_texts_alone_holds_objects_as_json(run, schedules, schedule):
    schedules.schedule_show.return_value = schedule
    printed = run(ShowSchedule, schedule.id, "-f", "value", "-c", "input")
    assert json.loads(printed) == schedule.input


def test_list_asks_for_one_instance_or_for_all(take, schedules, schedule):
    schedules.schedule_list.return_value = [schedule, replace(schedule, next_execution_time=None)]
    columns, rows = take(ListSchedule, "--instance", "m")
    schedules.schedule_list.assert_called_once_with("m")
    assert columns == ("ID", "Name", "Instance", "Pattern", "Next Due")
    assert (rows[0][:2], rows[0][3]) == ((schedule.id, "myback"), "*/2 * * * *")
    assert str(rows[1][4]) == "—"

    take(ListSchedule)
    schedules.schedule_list.assert_called_with(None)


def test_list_takes_its_instance_by_an_option_only(take, schedules, capsys):
    with pytest.raises(SystemExit):
        take(ListSchedule, "m")
    assert "unrecognized arguments: m" in capsys.readouterr().err
    schedules.schedule_list.assert_not_called()


@pytest.mark.parametrize(
    ("instance", "told"), [(INSTANCE, INSTANCE[:8]), ("an-instance-by-hand", "an-instance-by-hand")]
)
def test_people_read_the_first_part_of_an_instance_s_id_and_programs_all(
    run, app, schedules, schedule, instance, told
):
    schedules.schedule_list.return_value = [replace(schedule, instance=instance)]
    assert f"| {told} |" in run(ListSchedule)
    assert f"| {instance} |" in run(ListSchedule, "--long", "--max-width", "0")
    app.stdout.truncate(app.stdout.seek(0))
    [row] = json.loads(run(ListSchedule, "-f", "json"))
    assert row["Instance"] == instance


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, ["full", "None", "1", "None"]),
        ({"incremental": True, "keep_last": 3}, ["incremental", "last 3", "1", "None"]),
        (
            {"incremental": True, "full_every": 4, "keep_days": 30, "deadline": 45},
            ["full every 4", "30 days", "1", "45"],
        ),
        (
            {"parent_id": "b", "keep_last": 3, "keep_days": 9, "attempts": 3, "retry_every": 20},
            ["backup b", "last 3 or 9 days", "3, every 20 min", "None"],
        ),
    ],
)
def test_long_adds_what_else_is_set(take, schedules, schedule, values, told):
    fired = datetime(2016, 6, 14, 14, 49, 59, tzinfo=UTC)
    schedules.schedule_list.return_value = [replace(schedule, updated_at=fired, **values)]
    columns, (row,) = take(ListSchedule, "--long")
    assert columns[5:] == (
        *("Description", "Paused", "Builds On", "Retention", "Attempts", "Deadline"),
        *("Last Firing", "State", "Last Backup", "Reason", "Last Proven Restore"),
    )
    assert (row[2], *row[5:7]) == (schedule.instance, None, False)
    cells = [getattr(cell, "machine_readable", lambda cell=cell: cell)() for cell in row[7:]]
    assert [str(cell) for cell in cells] == [
        *told,
        "2016-06-14T14:49:59+00:00",
        *("OK", "2026-03-10T02:00:00+00:00", "last backup 5 min ago", "2026-03-08T04:00:00+00:00"),
    ]
    schedules.schedule_health.assert_called_once_with(schedules.schedule_list.return_value)


def test_long_asks_for_no_health_where_there_is_no_schedule(take, schedules):
    schedules.schedule_list.return_value = []
    assert take(ListSchedule, "--long")[1] == []
    schedules.schedule_health.assert_not_called()


def test_list_prints_a_table_for_people(run, schedules, schedule):
    soon = datetime.now(UTC) + timedelta(hours=17, minutes=5)
    schedules.schedule_list.return_value = [replace(schedule, next_execution_time=soon)]
    assert run(ListSchedule) == TABLE


def test_list_prints_csv_for_programs(run, schedules, schedule):
    schedules.schedule_list.return_value = [schedule]
    rows = list(csv.DictReader(io.StringIO(run(ListSchedule, "-f", "csv"))))
    assert rows[0]["Next Due"] == "2016-06-14T07:48:00+00:00"


def test_list_sorts_by_time_even_where_one_is_missing(run, schedules, schedule):
    later = replace(schedule, next_execution_time=datetime(2016, 6, 15, tzinfo=UTC), name="later")
    never = replace(schedule, next_execution_time=None, name="never")
    schedules.schedule_list.return_value = [never, later, schedule]
    printed = run(ListSchedule, "-f", "value", "-c", "Name", "--sort-column", "Next Due")
    assert printed.split() == ["myback", "later", "never"]


@pytest.mark.parametrize(("options", "force"), [([], False), (["--force"], True)])
def test_delete_deletes_every_schedule_given(take, schedules, options, force):
    assert take(DeleteSchedule, "a", "b", *options) is None
    deleted = [(call.args, call.kwargs) for call in schedules.schedule_delete.call_args_list]
    assert deleted == [(("a",), {"force": force}), (("b",), {"force": force})]


def test_delete_goes_on_after_a_failure_and_then_fails(run, schedules, caplog):
    schedules.schedule_delete.side_effect = [
        ScheduleNotFoundError("no backup schedule has the id 'a'"),
        None,
        ScheduleConflictError("schedule c has a run in progress"),
    ]
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(CommandError, match=r"^2 of 3 schedules failed to delete\.$"),
    ):
        run(DeleteSchedule, "a", "b", "c")
    assert schedules.schedule_delete.call_count == 3
    assert [record.getMessage() for record in caplog.records] == [
        "Failed to delete schedule 'a': no backup schedule has the id 'a'",
        "Failed to delete schedule 'c': schedule c has a run in progress",
    ]
