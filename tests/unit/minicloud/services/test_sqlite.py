# SPDX-License-Identifier: Apache-2.0
"""oslo.db's SQLite with and without the plugin, in a process each."""

import sqlite3
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import os, sys, warnings
warnings.simplefilter("ignore")
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import text
plugin = "&plugin=trove_minicloud" if sys.argv[2] == "with" else ""
facade = enginefacade.transaction_context()
facade.configure(connection=f"sqlite:///{sys.argv[1]}?timeout=5{plugin}")
engine = facade.writer.get_engine()
with engine.begin() as first:
    first.execute(text("CREATE TABLE t (n INTEGER)"))
    first.execute(text("INSERT INTO t VALUES (1)"))
with engine.connect() as reader, engine.connect() as writer:
    print(reader.execute(text("SELECT n FROM t")).scalar())
    writer.execute(text("UPDATE t SET n = n + 1"))
    writer.commit()
    reader.execute(text("UPDATE t SET n = n + 10"))
    reader.commit()
with engine.connect() as last:
    print(last.execute(text("SELECT n FROM t")).scalar())
    last.execute(text("UPDATE t SET n = 100"))
    last.rollback()
    print(last.execute(text("SELECT n FROM t")).scalar())
print(os.path.exists(sys.argv[1] + "-wal"))
"""


def _run(database: Path, how: str) -> subprocess.CompletedProcess[str]:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(database), how],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_reader_can_write_after_somebody_else_has_written(tmp_path: Path) -> None:
    run = _run(tmp_path / "a.sqlite", "with")
    assert run.returncode == 0, run.stderr
    # The log is still there because the connections are.
    assert run.stdout.split() == ["1", "12", "12", "True"]


def test_without_it_the_same_is_an_error(tmp_path: Path) -> None:
    run = _run(tmp_path / "a.sqlite", "without")
    assert "database is locked" in run.stderr
