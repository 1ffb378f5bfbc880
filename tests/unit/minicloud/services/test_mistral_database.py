# SPDX-License-Identifier: Apache-2.0
"""The indexes that Mistral's database gets, and its way to another version."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from trove_minicloud.services.mistral_database import index_executions, take_over_rows


def test_mistrals_executions_get_an_index_once_that_sqlite_uses(tmp_path: Path) -> None:
    file = tmp_path / "database.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        columns = "id, workflow_name, project_id, scope, state, created_at, updated_at"
        connection.execute(f"CREATE TABLE workflow_executions_v2 ({columns})")
        for column in ("project_id", "scope", "state", "updated_at"):
            name = f"workflow_executions_v2_{column}"
            connection.execute(f"CREATE INDEX {name} ON workflow_executions_v2 ({column})")
    for _ in range(2):
        index_executions(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        asked = (
            "SELECT id FROM workflow_executions_v2 WHERE (project_id = 'p' OR scope = 'public') "
            "AND workflow_name = 'w' AND updated_at >= '2026' ORDER BY created_at DESC, id LIMIT 3"
        )
        plan = connection.execute(f"EXPLAIN QUERY PLAN {asked}").fetchall()
    assert "workflow_name_updated_at (workflow_name=? AND updated_at>?)" in plan[0][3]


def test_rows_go_into_the_columns_and_tables_that_there_are(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(
            "CREATE TABLE both (id, gone, state); INSERT INTO both VALUES (1, 'x', 'kept');"
            "CREATE TABLE gone (id); INSERT INTO gone VALUES (1);"
        )
    with closing(sqlite3.connect(new)) as connection:
        connection.executescript(
            "CREATE TABLE both (state, id PRIMARY KEY, added DEFAULT 7);"
            "INSERT INTO both VALUES ('made anew', 1, 1); CREATE TABLE added (id);"
        )
    take_over_rows(old, new)
    with closing(sqlite3.connect(new)) as connection:
        assert connection.execute("SELECT id, state, added FROM both").fetchall() == [
            (1, "kept", 7)
        ]


def test_rows_that_a_new_table_does_not_take_are_an_error(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for file, table in ((old, "both (id)"), (new, "both (id, needed NOT NULL)")):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"CREATE TABLE {table}")
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("INSERT INTO both VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError, match="needed"):
        take_over_rows(old, new)
