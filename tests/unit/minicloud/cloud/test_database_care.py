# SPDX-License-Identifier: Apache-2.0
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from trove_minicloud.cloud import database_care
from trove_minicloud.cloud.database_care import DatabaseCare
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file

_MEBIBYTE = 2**20


@pytest.fixture
def file(root: Root) -> Path:
    """Mistral's database, with 8 MiB of rows."""
    file = database_file(root.service("mistral"))
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text)")
        connection.executemany(
            "INSERT INTO t (text) VALUES (?)", [("x" * 8000,) for _ in range(1024)]
        )
    return file


def _delete(file: Path, above: int) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM t WHERE id > ?", (above,))


def test_a_sound_database_is_left_as_it_is(root: Root, file: Path) -> None:
    size = file.stat().st_size
    _delete(file, 100)
    care = DatabaseCare(root)
    care.look()
    assert care.problems() == []
    assert file.stat().st_size == size


def test_much_free_space_is_given_back_while_others_read(
    root: Root, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_care, "_MUCH_FREE", _MEBIBYTE)
    _delete(file, 100)
    with closing(sqlite3.connect(file)) as reader:
        assert reader.execute("SELECT count(*) FROM t").fetchall() == [(100,)]
        DatabaseCare(root).look()
        assert reader.execute("SELECT count(*) FROM t").fetchall() == [(100,)]
    assert file.stat().st_size < 2 * _MEBIBYTE


@pytest.mark.parametrize("why", ["most is in use", "much is in use", "the disk is full"])
def test_space_is_not_given_back_at_others_cost(
    root: Root, file: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(database_care, "_MUCH_FREE", _MEBIBYTE)
    size = file.stat().st_size
    _delete(file, 600 if why == "most is in use" else 100)
    if why == "much is in use":
        monkeypatch.setattr(database_care, "_MOST_IN_USE", 100_000)
    if why == "the disk is full":
        little = shutil.disk_usage(file)._replace(free=_MEBIBYTE)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)
    DatabaseCare(root).look()
    assert file.stat().st_size == size


@pytest.mark.parametrize("where", [0, 40960])
def test_damage_is_told_until_it_is_gone(root: Root, file: Path, where: int) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    whole = file.read_bytes()
    file.write_bytes(whole[:where] + b"damage" * 1000 + whole[where + 6000 :])
    care = DatabaseCare(root)
    care.look()
    [problem] = care.problems()
    assert problem.startswith(f"The database {file} is damaged: ")
    file.write_bytes(whole)
    care.look()
    assert care.problems() == []


def test_a_locked_database_is_not_damaged(root: Root, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    care = DatabaseCare(root)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        care.look()
    assert care.problems() == []
