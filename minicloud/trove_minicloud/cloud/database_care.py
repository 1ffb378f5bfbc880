# SPDX-License-Identifier: Apache-2.0
"""Looks after the services' databases of SQLite while these are in use.

Damage is found before the page that has it is needed, and much space that is free in a file is
given back to the disk.
"""

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from trove_minicloud.root import Root
from trove_minicloud.services.backend import SERVICES
from trove_minicloud.services.preparation import database_file

LOG = logging.getLogger(__name__)

_MEBIBYTE = 2**20
_MUCH_FREE = 64 * _MEBIBYTE
# All writers wait while what is in use is written anew, and give up after 30 seconds.
_MOST_IN_USE = 256 * _MEBIBYTE


class DatabaseCare:
    """Knows what is wrong with the databases of a root."""

    def __init__(self, root: Root) -> None:
        self._files = [database_file(root.service(name)) for name in SERVICES]
        self._problems: list[str] = []

    def problems(self) -> list[str]:
        """What was found at the last look."""
        return self._problems

    def look(self) -> None:
        """Check each database, and give free space back."""
        found = [_look_after(file) for file in self._files if file.exists()]
        self._problems = [problem for problem in found if problem]


def _look_after(file: Path) -> str:
    """What is wrong with it in a sentence, or nothing."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            [[answer]] = connection.execute("PRAGMA quick_check(1)").fetchall()
            if answer == "ok":
                _give_back(connection, file)
                return ""
    except sqlite3.OperationalError as error:
        # Another program has locked it, or there is no room: no damage, and a day is no delay.
        LOG.warning("%s can't be looked after now: %s", file, error)
        return ""
    except sqlite3.DatabaseError as error:
        answer = str(error)
    problem = f"The database {file} is damaged: {answer}"
    LOG.error("%s", problem)
    return problem


def _give_back(connection: sqlite3.Connection, file: Path) -> None:
    page, pages, unused = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    free, used = unused * page, (pages - unused) * page
    # It is written twice before the old pages are given back.
    room = shutil.disk_usage(file).free > 4 * used
    if free > max(_MUCH_FREE, used) and used <= _MOST_IN_USE and room:
        connection.execute("VACUUM")
        LOG.info("%s is %d MiB smaller", file, free // _MEBIBYTE)
