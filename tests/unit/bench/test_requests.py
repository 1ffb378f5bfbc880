# SPDX-License-Identifier: Apache-2.0
"""What is counted of requests, and shown beside the workbook before."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from bench import requests
from bench.report import Report
from bench.requests import BEFORE, Burst, Cost, Figures, Left, Mistral, Traffic
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file

LOG = """\
2026-11-27 DEBUG urllib3.connectionpool [req-1] Starting new HTTP connection (1): 127.0.0.1:7001
2026-11-27 DEBUG urllib3.connectionpool [req-1] http://127.0.0.1:7001 "GET /v1.0/p/backups?limit=5 \
HTTP/1.1" 200 812
2026-11-27 DEBUG urllib3.connectionpool [req-1] http://127.0.0.1:7001 "POST /v1.0/p/backups \
HTTP/1.1" 413 75
2026-11-27 DEBUG urllib3.connectionpool http://127.0.0.1:7002 "GET /v3 HTTP/1.1" 200 None
2026-11-27 WARNING mistral_extra http://127.0.0.1:7001/v1.0/p/backups failed
2026-11-27 DEBUG urllib3.connectionpool http://127.0.0.1:70011 "GET / HTTP/1.1" 200 1
"""


def test_requests_are_counted_by_service_and_method_and_refused_ones_apart() -> None:
    found = requests.traffic(LOG.splitlines(), trove=7001, keystone=7002)
    assert found == Traffic(Counter(GET=1, POST=1), refused=1, keystone=1)


def test_an_execution_runs_until_all_its_sub_workflows_are_over() -> None:
    rows = [
        ("a", None, "SUCCESS"),
        ("sub-of-a", "a", "RUNNING"),
        ("b", None, "SUCCESS"),
        ("sub-of-b", "b", "ERROR"),
        ("c", None, "ERROR"),
        ("sub-of-d", "d", "DELAYED"),
        ("d", None, "SUCCESS"),
    ]
    expected = {"a": "RUNNING", "b": "SUCCESS", "c": "ERROR", "d": "RUNNING"}
    assert requests.states(rows) == expected


@pytest.mark.parametrize(
    ("earliest", "due"), [("10:30", "10:31"), ("10:48", "10:49"), ("10:49", "11:00")]
)
def test_the_attempts_of_a_burst_lie_in_one_hour(earliest: str, due: str) -> None:
    at = datetime.fromisoformat(f"2026-03-01 {earliest}:10").replace(tzinfo=UTC)
    assert f"{requests.burst_minute(at):%H:%M}" == due


@pytest.fixture
def mistral(tmp_path: Path) -> Mistral:
    """Two executions: r with a task, a sub-workflow and its task and action; and another."""
    root = create_autospec(Root, instance=True)
    root.service.return_value = tmp_path
    file = database_file(tmp_path)
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(
            """
            create table workflow_executions_v2 (id, root_execution_id, input);
            create table task_executions_v2 (id, workflow_execution_id);
            create table action_executions_v2 (id, task_execution_id, output);
            create table cron_triggers_v2 (name, next_execution_time, workflow_input);
            insert into workflow_executions_v2 values
              ('r', null, 'é'), ('s', 'r', ''), ('x', null, 'other');
            insert into task_executions_v2 values ('t1', 'r'), ('t2', 's'), ('t3', 'x');
            insert into action_executions_v2 values ('a', 't2', '12345'), ('b', 't3', '');
            """
        )
    return Mistral(root)


def test_what_an_execution_left_is_counted_with_its_sub_workflows(mistral: Mistral) -> None:
    # r é, s r, t1 r, t2 s, a t2 12345
    assert mistral.left("r") == Left(rows=5, size=3 + 2 + 3 + 3 + 8)


def _cost(trove: int) -> Cost:
    return Cost(Traffic(Counter(GET=trove - 1, POST=1), 0, 3), Left(7, 20_000))


def test_each_firing_is_shown_beside_the_workbook_before_and_retention_by_itself() -> None:
    found = Report("requests")
    costs = {
        (requests.RUN_3, 30): _cost(4),
        (requests.KEEPING, 30): _cost(6),
        (requests.FURTHER, 14): _cost(2),
        (requests.FURTHER, 7): _cost(2),
    }
    requests.add(found, costs)
    rows = [(row.what, row.unit, row.ours, row.theirs) for row in found.rows]
    assert rows == [
        ("run of 3 attempts, 30 kept", "to Trove", [4], [24]),
        ("run with retention, 30 kept", "to Trove", [6], [57]),
        ("retention alone, 30 kept", "to Trove", [2], [33]),
        ("further attempt, 14 kept", "to Trove", [2], [16]),
        ("further attempt, 14 kept", "to Keystone", [3], [9]),
        ("further attempt, 14 kept", "rows", [7], [3]),
        ("further attempt, 14 kept", "KB", [20], [19.3]),
        ("further attempt, 7 kept", "to Trove", [2], ()),
    ]


def test_retention_is_what_a_run_costs_more_with_it() -> None:
    # A list, a request for each of 31 listed backups, and a deletion.
    assert requests.retention(BEFORE, 30) == 1 + 31 + 1
    assert requests.retention({(requests.KEEPING, 1): Figures(5, 0, 0, 0)}, 1) is None


def test_a_burst_that_left_an_instance_without_a_backup_or_undone_retention_is_wrong() -> None:
    burst = Burst(Traffic(Counter(GET=90), 7, 50), 1, 2, 2, 3, 0, 12.5)
    found = Report("burst")
    requests.add_burst(found, "3 schedules", burst, 3, None)
    assert found.wrong == [
        "3 schedules: instances without a backup: 1, expected 0",
        "3 schedules: retentions not done: 1, expected 0",
    ]
    shown = {row.what: row.ours for row in found.rows}
    assert shown["3 schedules: GETs to Trove"] == [90]
    assert shown["3 schedules: refused by Trove"] == [7]
    assert shown["3 schedules: with a backup after the first attempt"] == [1]
