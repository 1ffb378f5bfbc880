# SPDX-License-Identifier: Apache-2.0
"""First-time set-up of a service: done once, and done over if it was cut short."""

import multiprocessing
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy

from trove_minicloud.files import write_private
from trove_minicloud.services.serving import die_with_parent

#: In a service's folder, once it is set up.
PREPARED = "prepared"


def prepare_once(directory: Path, initialise: Callable[[], None]) -> None:
    """Call `initialise` in a forked child unless an earlier call has finished.

    The file `prepared` is written last. Without it whatever lies in `data` is half made and
    nobody has used it, so it is removed first. The child keeps what migrations import
    and allocate, and the registries they fill, out of the process that will serve.

    :raises RuntimeError: the child failed; its traceback is in the log.
    """
    marker = directory / PREPARED
    if marker.exists():
        return
    data = directory / "data"
    if data.exists():
        shutil.rmtree(data)
    data.mkdir(mode=0o700)
    child = multiprocessing.get_context("fork").Process(target=_run, args=(initialise,))
    child.start()
    child.join()
    if child.exitcode != 0:
        raise RuntimeError(f"The set-up of {directory} ended with exit code {child.exitcode}.")
    write_private(marker, "")


def empty_database(url: str) -> None:
    """Make the database of this URL, empty whatever it held: what a cut short set-up left."""
    parsed = sqlalchemy.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        use_wal(Path(str(parsed.database)))
        return
    server = sqlalchemy.create_engine(parsed.set(database=""))
    name = server.dialect.identifier_preparer.quote(str(parsed.database))
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    server.dispose()


def use_wal(file: Path) -> None:
    """Let readers and the one writer of a SQLite database not wait for each other, also later."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def database_file(directory: Path) -> Path:
    """Where the service keeps its SQLite database."""
    return directory / "data" / "database.sqlite"


def _run(initialise: Callable[[], None]) -> None:
    die_with_parent()
    initialise()
