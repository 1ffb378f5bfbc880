# SPDX-License-Identifier: Apache-2.0
"""What is read of Mistral's database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from bench.executions import Left, Mistral, states
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file


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
    assert states(rows) == expected


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
