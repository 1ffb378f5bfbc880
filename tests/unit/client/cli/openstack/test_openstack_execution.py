# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest
import yaml
from osc_lib.exceptions import CommandError

from trove_schedules.cli.openstack.execution import (
    DeleteExecution,
    ListExecution,
    ShowExecution,
)
from trove_schedules.errors import ExecutionNotFoundError, InvalidScheduleError

ATTEMPTS = (
    "Trove refused the backup. The action raised an exception [action=<x>, action_ex_id=None, "
    "msg='TroveAction.backups.create failed: Quota exceeded for resources: ['backups'] (HTTP 413)']"
)
REASON = "TroveAction.backups.create failed: Quota exceeded for resources: ['backups'] (HTTP 413)"


@pytest.fixture
def failed(execution):
    return replace(
        execution,
        state="ERROR",
        backup_id=None,
        state_info=ATTEMPTS,
        output={"result": ATTEMPTS, "status": None},
    )


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["--limit", "20"], {"limit": 20}),
        (["--marker", "an-execution"], {"marker": "an-execution"}),
        (["--all"], {"include_all": True}),
        (["--drills"], {"drills_only": True}),
    ],
)
def test_list_asks_for_what_the_arguments_say(take, schedules, execution, options, asked):
    schedules.execution_list.return_value = [execution]
    columns, rows = take(ListExecution, "a-schedule", *options)
    nothing_asked = {"marker": "", "limit": None, "include_all": False, "drills_only": False}
    schedules.execution_list.assert_called_once_with("a-schedule", **(nothing_asked | asked))
    assert columns == ("ID", "Execution Time", "State", "Output")
    assert [str(cell) for cell in rows[0]] == [
        execution.id,
        "2016-06-14 14:49:59 UTC",
        "SUCCESS",
        json.dumps(execution.output),
    ]


def test_long_adds_the_backup_and_why_there_is_none(take, schedules, execution, failed):
    by_hand = replace(execution, manual=True, started_by="ada")
    schedules.execution_list.return_value = [by_hand, failed]
    columns, rows = take(ListExecution, "a-schedule", "--long")
    assert columns[4:] == ("Updated", "Backup", "Manual", "Started By", "Reason")
    assert [str(cell) for cell in rows[0][4:]] == [
        "2016-06-14 14:50:07 UTC",
        execution.backup_id,
        "True",
        "ada",
        "None",
    ]
    assert rows[1][5:] == (None, False, None, REASON)


def test_people_read_the_reason_programs_the_whole_output(run, app, schedules, failed):
    schedules.execution_list.return_value = [failed]
    table = run(ListExecution, "a-schedule")
    assert json.dumps({"result": REASON, "status": None}) in table
    assert "action_ex_id" not in table

    app.stdout.truncate(app.stdout.seek(0))
    (row,) = json.loads(run(ListExecution, "a-schedule", "-f", "json"))
    assert row == {
        "ID": failed.id,
        "Execution Time": "2016-06-14T14:49:59+00:00",
        "State": "ERROR",
        "Output": failed.output,
    }


def test_a_limit_that_is_no_number_is_refused_before_any_request(take, schedules, capsys):
    with pytest.raises(SystemExit):
        take(ListExecution, "a-schedule", "--limit", "many")
    assert "invalid int value" in capsys.readouterr().err
    schedules.execution_list.assert_not_called()


def test_a_limit_that_the_api_refuses_is_a_command_error(run, schedules):
    schedules.execution_list.side_effect = InvalidScheduleError("the limit 0 is not …")
    with pytest.raises(CommandError, match="limit 0"):
        run(ListExecution, "a-schedule", "--limit", "0")


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_show_gives_everything_that_is_known(run, schedules, failed, form, load):
    schedules.execution_show.return_value = failed
    shown = load(run(ShowExecution, failed.id, "-f", form))
    schedules.execution_show.assert_called_once_with(failed.id)
    assert shown == {
        "backup_id": None,
        "created_at": "2016-06-14T14:49:59+00:00",
        "id": failed.id,
        "instance": None,
        "manual": False,
        "output": failed.output,
        "reason": REASON,
        "schedule_id": failed.schedule_id,
        "started_by": None,
        "state": "ERROR",
        "state_info": ATTEMPTS,
        "updated_at": "2016-06-14T14:50:07+00:00",
    }


def test_delete_goes_on_after_a_failure_and_then_fails(run, schedules, caplog):
    schedules.execution_delete.side_effect = [ExecutionNotFoundError("no execution 'a'"), None]
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(CommandError, match=r"^1 of 2 executions failed to delete\.$"),
    ):
        run(DeleteExecution, "a", "b")
    assert [call.args for call in schedules.execution_delete.call_args_list] == [("a",), ("b",)]
    assert "Failed to delete execution 'a': no execution 'a'" in caplog.text
