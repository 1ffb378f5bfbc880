# SPDX-License-Identifier: Apache-2.0
"""Trove's own rows and its own lists, for backups that are taken in."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.unit.minicloud import examples
from trove_minicloud import settings
from trove_minicloud.commands import trove_rows
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.services import trove
from trove_minicloud.services.backend import single_process
from trove_minicloud.services.preparation import database_file
from trove_minicloud.stores.local import LocalStore

_PREPARE = """
import sys
from pathlib import Path
from trove_minicloud.inside_trove import serve_trove
serve_trove.make_ready(Path(sys.argv[1]))
"""
Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """One whose Trove is set up, and doesn't run."""
    root = Root.at(tmp_path / "cloud")
    root.path.mkdir()
    root.backups.mkdir()
    directory = root.service(trove.NAME)
    trove.configure(root, settings.load_or_create(root), single_process(root))
    env = os.environ | {"NO_EVENTLET_MONKEYPATCH": "1"}
    subprocess.run([sys.executable, "-c", _PREPARE, str(directory)], env=env, check=True)
    return root


@pytest.fixture
def query(root: Root) -> Query:
    def ask(text: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(database_file(root.service(trove.NAME)))) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(text)]
            database.commit()
            return rows

    return ask


def test_backups_are_taken_in_once_and_let_go_when_they_are_gone(root: Root, query: Query) -> None:
    store = LocalStore(root.backups)
    full = examples.put(
        store, examples.manifest("a", name="nightly", description="[schedule s]"), b"all"
    )
    child = examples.put(
        store, examples.manifest("b", 1, kind="incremental", parent_id="a"), b"more"
    )
    owners = {"a": "project-1", "b": "project-1"}

    assert trove_rows.enter(root, store, "local", [full, child], owners) == (2, 0)
    assert trove_rows.enter(root, store, "local", [full, child], owners) == (0, 0)

    rows = query("select * from backups order by id")
    assert [row["name"] for row in rows] == ["nightly", "m-20260701T130100Z"]
    assert [row["description"] for row in rows] == ["[schedule s]", None]
    assert [row["parent_id"] for row in rows] == [None, "a"]
    assert [row["backup_type"] for row in rows] == ["full", "incremental"]
    assert {row["instance_id"] for row in rows} == {"instance-1"}
    assert {row["tenant_id"] for row in rows} == {"project-1"}
    assert {row["state"] for row in rows} == {"COMPLETED"}
    assert [row["location"] for row in rows] == [store.location(m.key) for m in (full, child)]
    assert rows[0]["checksum"] == full.sha256[:32]
    assert rows[0]["created"].startswith("2026-07-01 12:00:00")
    assert rows[0]["updated"].startswith("2026-07-01 12:01:00")
    [version] = query("select name from datastore_versions")
    assert version["name"] == "18.6"
    assert in_use(query) == 2

    # A row of another store stays, whatever is here.
    query("update backups set location = 's3://b/i/b.tar.zst' where id = 'b'")
    assert trove_rows.enter(root, store, "local", [], {}, lost=["file://"]) == (0, 1)
    assert [row["deleted"] for row in query("select * from backups order by id")] == [1, 0]
    assert in_use(query) == 1

    # What was deleted and is there again comes back.
    assert trove_rows.enter(root, store, "local", [full], owners) == (1, 0)
    assert [row["deleted"] for row in query("select * from backups order by id")] == [0, 0]

    # Of one whose place is lost Trove learns the new one.
    query("update backups set location = 'file:///lost/i/a.tar.zst' where id = 'a'")
    found = trove_rows.enter(root, store, "s3", [full], owners, lost=["file://"], present=["a"])
    assert found == (0, 0)
    [row] = query("select * from backups where id = 'a'")
    assert (row["location"], row["storage_driver"]) == (store.location(full.key), "s3")

    query("drop table backups")
    with pytest.raises(MiniCloudError, match=r"rows could not be written: .*backups"):
        trove_rows.enter(root, store, "local", [full], owners)


def in_use(query: Query) -> int:
    [usage] = query("select in_use from quota_usages where resource = 'backups'")
    return int(usage["in_use"])
