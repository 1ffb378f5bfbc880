# SPDX-License-Identifier: Apache-2.0
"""First-time set-up of a service's database: done once, and done over if it was cut short."""

import multiprocessing
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from trove_minicloud.files import write_private
from trove_minicloud.services.process import die_with_parent


def prepare_once(directory: Path, initialise: Callable[[], None]) -> None:
    """Call `initialise` in a forked child unless an earlier call has finished.

    The file `prepared` is written last. Without it whatever lies in `data` is a half-made
    database that nobody has used, so it is removed first. The child keeps what migrations import
    and allocate, and the registries they fill, out of the process that will serve.

    :raises RuntimeError: the child failed; its traceback is in the log.
    """
    marker = directory / "prepared"
    if marker.exists():
        return
    data = directory / "data"
    if data.exists():
        shutil.rmtree(data)
    data.mkdir(mode=0o700)
    with sqlite3.connect(data / "database.sqlite") as connection:
        # Readers and the one writer don't wait for each other; the file remembers the mode.
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    child = multiprocessing.get_context("fork").Process(target=_run, args=(initialise,))
    child.start()
    child.join()
    if child.exitcode != 0:
        raise RuntimeError(f"The set-up of {directory} ended with exit code {child.exitcode}.")
    write_private(marker, "")


def database_file(directory: Path) -> Path:
    """Where the service keeps its SQLite database."""
    return directory / "data" / "database.sqlite"


def _run(initialise: Callable[[], None]) -> None:
    die_with_parent()
    initialise()
