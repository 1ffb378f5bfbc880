# SPDX-License-Identifier: Apache-2.0
"""A service's data: made at its first start, migrated at the first start of another version.

Both are done over if they were cut short.
"""

import multiprocessing
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from trove_minicloud.files import write_private
from trove_minicloud.services.serving import die_with_parent

#: In a service's folder, once it is set up.
PREPARED = "prepared"


def prepare(
    directory: Path,
    distributions: Sequence[str],
    initialise: Callable[[], None],
    migrate: Callable[[Path, Path], None] | None = None,
) -> None:
    """Bring the service's data to what the installed versions of these distributions expect.

    The file `prepared` is written last, and has these versions. Without it whatever lies in `data`
    is half made and nobody has used it, so it is removed, and `initialise` is called. With other
    versions in it `migrate` is called: of two files it makes the second, a database of SQLite, from
    the first. Either runs in a forked child: that keeps what migrations import and allocate, and
    the registries they fill, out of the process that will serve.

    :raises SystemExit: the child failed, and its traceback is in the log; or the database is not of
        SQLite, or another program uses it.
    """
    marker = directory / PREPARED
    installed = "".join(f"{name} {version(name)}\n" for name in distributions)
    if not marker.exists():
        _initialise(directory, initialise)
    elif marker.read_text(encoding="utf-8") != installed:
        _migrate(directory, migrate)
    else:
        return
    write_private(marker, installed)


def _initialise(directory: Path, initialise: Callable[[], None]) -> None:
    data = directory / "data"
    if data.exists():
        shutil.rmtree(data)
    data.mkdir(mode=0o700)
    if code := _exit_code(initialise):
        sys.exit(f"The set-up of {directory} ended with exit code {code}.")


def _migrate(directory: Path, migrate: Callable[[Path, Path], None] | None) -> None:
    """Put a migrated database in the place of the service's, which until then is as it was."""
    file = database_file(directory)
    if migrate is None or not file.exists():
        sys.exit(f"{directory} is of other versions, and only databases of SQLite are migrated.")
    migrated = file.with_name("database.migrated")
    for leftover in file.parent.glob(f"{migrated.name}*"):
        leftover.unlink()
    if code := _exit_code(lambda: migrate(file, migrated)):
        sys.exit(
            f"{file} could not be migrated to the installed versions (exit code {code}), and is as"
            f" it was. All that the versions of before have left is in"
            f" {directory.parent / 'before-upgrade'}."
        )
    for database in (file, migrated):
        _into_one_file(database)
    migrated.replace(file)


def copy_database(source: Path, target: Path) -> None:
    """Make a copy of a database of SQLite, which may be in use."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def sqlite_url(like: str, file: Path) -> str:
    """The URL of this file, with the options of another database's URL."""
    # Here and below: who only asks for the file's name, as the supervisor, starts twice as fast.
    import sqlalchemy

    url = sqlalchemy.make_url(like).set(database=str(file))
    return url.render_as_string(hide_password=False)


def empty_database(url: str) -> None:
    """Make the database of this URL, empty whatever it held: what a cut short set-up left."""
    import sqlalchemy

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


def _into_one_file(database: Path) -> None:
    """Write the write-ahead log back: the file of another database must not find it."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if (log := Path(f"{database}-wal")).exists():
        sys.exit(f"{log} is in use by another program; end it and try again.")


def _exit_code(work: Callable[[], None]) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=_run, args=(work,))
    child.start()
    child.join()
    return child.exitcode


def _run(work: Callable[[], None]) -> None:
    die_with_parent()
    work()
