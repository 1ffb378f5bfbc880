# SPDX-License-Identifier: Apache-2.0
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from trove_minicloud.services import preparation
from trove_minicloud.services.preparation import (
    copy_database,
    database_file,
    empty_database,
    prepare,
    sqlite_url,
)


def _note(directory: Path) -> Callable[[], None]:
    def initialise() -> None:
        with closing(sqlite3.connect(database_file(directory))) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE done (pid)")
            connection.execute("INSERT INTO done VALUES (?)", (os.getpid(),))
            connection.commit()

    return initialise


def _migrate(old: Path, new: Path) -> None:
    copy_database(old, new)
    with closing(sqlite3.connect(new)) as connection:
        connection.execute("ALTER TABLE done ADD COLUMN migrated DEFAULT 'yes'")
        connection.commit()
        # As after a crash, the log of writes stays.
        os._exit(0)


def _rows(directory: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database_file(directory))) as connection:
        return connection.execute("SELECT * FROM done").fetchall()


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is installed."""
    found = {"keystone": "29.1.0"}
    monkeypatch.setattr(preparation, "version", found.__getitem__)
    return found


def test_it_happens_once_and_in_another_process(tmp_path: Path, versions: dict[str, str]) -> None:
    for _ in range(2):
        prepare(tmp_path, ("keystone",), _note(tmp_path))
    ((pid,),) = _rows(tmp_path)
    assert pid != os.getpid()
    assert (tmp_path / "prepared").read_text() == "keystone 29.1.0\n"


def test_the_database_is_in_wal_mode(tmp_path: Path) -> None:
    file = tmp_path / "database.sqlite"
    empty_database(f"sqlite:///{file}?timeout=30")
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_a_cut_short_run_left_is_removed_first(
    tmp_path: Path, versions: dict[str, str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "leftover").write_text("")
    database_file(tmp_path).write_text("half a database")
    prepare(tmp_path, ("keystone",), _note(tmp_path))
    assert len(_rows(tmp_path)) == 1
    assert not (tmp_path / "data" / "leftover").exists()


def test_a_failure_is_reported_and_done_over_next_time(
    tmp_path: Path, versions: dict[str, str]
) -> None:
    def fail() -> None:
        os._exit(3)

    with pytest.raises(SystemExit, match="exit code 3"):
        prepare(tmp_path, ("keystone",), fail)
    prepare(tmp_path, ("keystone",), _note(tmp_path))
    assert len(_rows(tmp_path)) == 1


@pytest.mark.parametrize("before", ["keystone 29.1.0\n", "", "keystone 29.1.0\nmistral 22.0.0\n"])
def test_other_versions_migrate_the_database_once(
    tmp_path: Path, versions: dict[str, str], before: str
) -> None:
    prepare(tmp_path, ("keystone",), _note(tmp_path))
    (tmp_path / "prepared").write_text(before)
    database_file(tmp_path).with_name("database.migrated").write_text("cut short")
    versions["keystone"] = "30.0.0"
    for _ in range(2):
        prepare(tmp_path, ("keystone",), pytest.fail, _migrate)
    ((_pid, migrated),) = _rows(tmp_path)
    assert migrated == "yes"
    assert (tmp_path / "prepared").read_text() == "keystone 30.0.0\n"
    assert not list((tmp_path / "data").glob("*migrated*"))


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, versions: dict[str, str]) -> None:
    def fail(old: Path, new: Path) -> None:
        copy_database(old, new)
        os._exit(3)

    prepare(tmp_path, ("keystone",), _note(tmp_path))
    before = _rows(tmp_path)
    versions["keystone"] = "30.0.0"
    with pytest.raises(SystemExit, match=r"could not be migrated .*before-upgrade"):
        prepare(tmp_path, ("keystone",), pytest.fail, fail)
    assert _rows(tmp_path) == before
    assert (tmp_path / "prepared").read_text() == "keystone 29.1.0\n"
    prepare(tmp_path, ("keystone",), pytest.fail, _migrate)


def test_a_database_that_another_program_uses_is_not_replaced(
    tmp_path: Path, versions: dict[str, str]
) -> None:
    prepare(tmp_path, ("keystone",), _note(tmp_path))
    versions["keystone"] = "30.0.0"
    with closing(sqlite3.connect(database_file(tmp_path))) as other:
        other.execute("SELECT * FROM done")
        with pytest.raises(SystemExit, match="in use by another program"):
            prepare(tmp_path, ("keystone",), pytest.fail, _migrate)
    assert len(_rows(tmp_path)[0]) == 1


def test_a_database_elsewhere_is_not_migrated(tmp_path: Path, versions: dict[str, str]) -> None:
    prepare(tmp_path, ("keystone",), lambda: None)
    versions["keystone"] = "30.0.0"
    with pytest.raises(SystemExit, match="only databases of SQLite"):
        prepare(tmp_path, ("keystone",), pytest.fail, _migrate)


def test_the_url_of_another_file_keeps_the_options() -> None:
    assert (
        sqlite_url("sqlite:////root/a.sqlite?plugin=trove_minicloud&timeout=30", Path("/root/b"))
        == "sqlite:////root/b?plugin=trove_minicloud&timeout=30"
    )
