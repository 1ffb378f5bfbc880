# SPDX-License-Identifier: Apache-2.0
"""What earlier versions have left is taken to the installed Keystone, Mistral and Trove.

Mistral's migrations don't run on SQLite, so its rows go into tables that are made anew.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests import upgrades
from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services import keystone, mistral, trove
from trove_minicloud.services.backend import single_process
from trove_minicloud.services.preparation import database_file

_SERVICES = {
    "keystone": (keystone, "trove_minicloud.services.serve_keystone"),
    "mistral": (mistral, "trove_minicloud.services.serve_mistral"),
    "trove": (trove, "trove_minicloud.inside_trove.serve_trove"),
}
# What would be lost without these rows; what else there is depends on the version.
_PRECIOUS = {
    "keystone": (
        "SELECT id, password_hash FROM password",
        "SELECT id, expires_at, deleted_at FROM trust",
        "SELECT trust_id, role_id FROM trust_role",
        "SELECT id, extra FROM project",
    ),
    "mistral": (
        "SELECT id, name, next_execution_time, workflow_id, trust_id FROM cron_triggers_v2",
        "SELECT id, state, output FROM workflow_executions_v2",
        "SELECT id, state, unique_key FROM task_executions_v2",
        "SELECT id, output FROM action_executions_v2",
        "SELECT id, definition, tags FROM workbooks_v2",
        "SELECT id, spec FROM workflow_definitions_v2 WHERE NOT is_system",
    ),
    "trove": (
        "SELECT id, name, tenant_id, deleted FROM instances",
        "SELECT id, location, state, parent_id, checksum FROM backups",
        "SELECT instance_id, status_id FROM service_statuses",
        "SELECT id, name FROM datastore_versions",
    ),
}


def _make_ready(root: Root, name: str) -> subprocess.CompletedProcess[str]:
    service, module = _SERVICES[name]
    chosen = settings.load_or_create(root)
    service.configure(root, chosen, single_process(root))
    program = service.program(root, chosen)
    code = f"from pathlib import Path; from {module} import make_ready; make_ready(Path.cwd())"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=program.cwd,
        env={**os.environ, **program.env},
        text=True,
        stderr=subprocess.PIPE,
        check=False,
        timeout=300,
    )


def _schema(root: Root, name: str) -> dict[str, set[str]]:
    """The columns and indexes of each table; in which order they came doesn't matter."""
    with closing(sqlite3.connect(database_file(root.service(name)))) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: {
                str(row[1:3] + row[4:])
                for row in connection.execute("SELECT * FROM pragma_table_info(?)", (table,))
            }
            | {
                row[1] if not row[1].startswith("sqlite_") else "unique"
                for row in connection.execute("SELECT * FROM pragma_index_list(?)", (table,))
            }
            for (table,) in rows
        }


def _rows(root: Root, query: str, name: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database_file(root.service(name)))) as connection:
        return sorted(connection.execute(query))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """What the installed versions make themselves."""
    root = Root.at(tmp_path_factory.mktemp("fresh"))
    root.path.mkdir(exist_ok=True)
    for name in _SERVICES:
        assert _make_ready(root, name).returncode == 0
    return root


# 2026.1 is brought up whole in tests/end_to_end/test_upgrade.py.
@pytest.mark.parametrize("name", _SERVICES)
@pytest.mark.parametrize("before", ["2025.1", "c997e4a"])
def test_the_tables_are_as_made_anew_and_the_rows_are_kept(
    before: str, name: str, fresh: Root, tmp_path: Path
) -> None:
    root = Root.at(tmp_path / "cloud")
    upgrades.lay(before, root)
    rows = {query: _rows(root, query, name) for query in _PRECIOUS[name]}
    assert all(rows.values())
    done = _make_ready(root, name)
    assert done.returncode == 0, done.stderr[-2000:]
    assert _schema(root, name) == _schema(fresh, name)
    assert {query: _rows(root, query, name) for query in _PRECIOUS[name]} == rows
