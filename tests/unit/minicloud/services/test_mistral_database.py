# SPDX-License-Identifier: Apache-2.0
"""The indexes that Mistral's database gets."""

import sqlite3
from contextlib import closing
from pathlib import Path

from trove_minicloud.services.mistral_database import index_executions


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
