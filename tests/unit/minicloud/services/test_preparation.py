# SPDX-License-Identifier: Apache-2.0
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from trove_minicloud.services.preparation import (
    database_file,
    empty_database,
    prepare_once,
)


def _note(directory: Path) -> Callable[[], None]:
    def initialise() -> None:
        with sqlite3.connect(database_file(directory)) as connection:
            connection.execute("CREATE TABLE done (pid)")
            connection.execute("INSERT INTO done VALUES (?)", (os.getpid(),))

    return initialise


def _rows(directory: Path) -> list[tuple[int]]:
    with sqlite3.connect(database_file(directory)) as connection:
        return connection.execute("SELECT pid FROM done").fetchall()


def test_it_happens_once_and_in_another_process(tmp_path: Path) -> None:
    for _ in range(2):
        prepare_once(tmp_path, _note(tmp_path))
    ((pid,),) = _rows(tmp_path)
    assert pid != os.getpid()


def test_the_database_is_in_wal_mode(tmp_path: Path) -> None:
    file = tmp_path / "database.sqlite"
    empty_database(f"sqlite:///{file}?timeout=30")
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_a_cut_short_run_left_is_removed_first(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "leftover").write_text("")
    database_file(tmp_path).write_text("half a database")
    prepare_once(tmp_path, _note(tmp_path))
    assert len(_rows(tmp_path)) == 1
    assert not (tmp_path / "data" / "leftover").exists()


def test_a_failure_is_reported_and_done_over_next_time(tmp_path: Path) -> None:
    def fail() -> None:
        os._exit(3)

    with pytest.raises(RuntimeError, match="exit code 3"):
        prepare_once(tmp_path, fail)
    prepare_once(tmp_path, _note(tmp_path))
    assert len(_rows(tmp_path)) == 1
