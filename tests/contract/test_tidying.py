# SPDX-License-Identifier: Apache-2.0
"""What is removed from Keystone's and Trove's databases, and what is not."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests import upgrades
from trove_minicloud import settings
from trove_minicloud.inside_trove import purging
from trove_minicloud.root import Root
from trove_minicloud.services import keystone
from trove_minicloud.services.backend import single_process
from trove_minicloud.services.preparation import database_file

_TIDY_KEYSTONE = """\
from pathlib import Path
from trove_minicloud.services import serve_keystone
serve_keystone.make_ready(Path.cwd())
serve_keystone.initialize_public_application()
serve_keystone.flush_trusts()
"""


@pytest.fixture
def root(tmp_path: Path) -> Root:
    root = Root.at(tmp_path / "cloud")
    upgrades.lay("2026.1", root)
    return root


def _ask(root: Root, service: str, query: str) -> list[Any]:
    with closing(sqlite3.connect(database_file(root.service(service)))) as connection, connection:
        return [value for (value,) in connection.execute(query)]


def test_trusts_of_schedules_that_were_changed_go_and_those_in_use_stay(root: Root) -> None:
    alive = _ask(root, "keystone", "SELECT id FROM trust WHERE deleted_at IS NULL")
    assert 0 < len(alive) < len(_ask(root, "keystone", "SELECT id FROM trust"))
    chosen = settings.load_or_create(root)
    keystone.configure(root, chosen, single_process(root))
    program = keystone.program(root, chosen)
    subprocess.run(
        [sys.executable, "-c", _TIDY_KEYSTONE],
        cwd=program.cwd,
        env={**os.environ, **program.env},
        check=True,
        timeout=300,
    )
    assert sorted(_ask(root, "keystone", "SELECT id FROM trust")) == sorted(alive)


def _rows(days_ago: float) -> list[str]:
    at = f"{datetime.now(UTC) - timedelta(days=days_ago):%Y-%m-%d %H:%M:%S.%f}"
    name = f"{days_ago:.0f}"
    backup = "INSERT INTO backups (id, name, state, deleted, deleted_at) VALUES"
    instance = (
        "INSERT INTO instances (id, name, server_status, deleted, deleted_at, compute_instance_id,"
        " task_id, task_description, hostname, volume_size, tenant_id, datastore_version_id)"
        f" VALUES ('{name}', 'i', '', {{deleted}}, {{at}}, '', 0, '', '', 0, 't', 'v')"
    )
    return [
        f"{backup} ('gone-{name}', 'b', 'DELETED', 1, '{at}')",
        f"{backup} ('kept-{name}', 'b', 'COMPLETED', 0, NULL)",
        instance.format(deleted=1, at=f"'{at}'"),
        f"INSERT INTO service_statuses VALUES ('{name}', '{name}', 1, 's', '{at}')",
        *(
            f"INSERT INTO reservations VALUES ('{at}', '{at}', '{status}-{name}', 'u', 1,"
            f" '{status}')"
            for status in ("Committed", "Rolled Back", "Reserved")
        ),
    ]


def test_what_was_deleted_from_trove_long_ago_goes(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = database_file(root.service("trove"))
    before = {
        table: _ask(root, "trove", f"SELECT id FROM {table}")
        for table in ("backups", "instances", "service_statuses", "reservations")
    }
    with closing(sqlite3.connect(file)) as connection, connection:
        # What was left in November 2026 is as young as it was then.
        connection.execute("UPDATE reservations SET updated = datetime('now')")
        for statement in [*_rows(36), *_rows(34)]:
            connection.execute(statement)
    engine = sqlalchemy.create_engine(f"sqlite:///{file}")
    monkeypatch.setattr(purging.session, "get_engine", lambda: engine)
    purging.purge_old_rows()
    engine.dispose()
    added = {
        table: set(_ask(root, "trove", f"SELECT id FROM {table}")) - set(ids)
        for table, ids in before.items()
    }
    assert added == {
        "backups": {"kept-36", "gone-34", "kept-34"},
        "instances": {"34"},
        "service_statuses": {"34"},
        "reservations": {"Reserved-36", "Committed-34", "Rolled Back-34", "Reserved-34"},
    }
    for table, ids in before.items():
        assert set(ids) <= set(_ask(root, "trove", f"SELECT id FROM {table}"))
