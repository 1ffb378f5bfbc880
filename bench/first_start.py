# SPDX-License-Identifier: Apache-2.0
"""What the first start of a mini cloud makes, made once and copied.

Databases and their contents are half of a first start's work, and the same for each of the dozens
of mini clouds that tests and benchmarks start. Passwords are copied as well, ports are not.
"""

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import trove_schedules
from trove_minicloud import settings
from trove_minicloud.clients.sessions import admin_session
from trove_minicloud.cloud import daemon
from trove_minicloud.files import read_json, write_json
from trove_minicloud.root import VERSIONS, Root
from trove_minicloud.services.preparation import database_file

#: Names the folder that keeps it. Without it each first start is a whole one.
VARIABLE = "TROVE_SCHEDULES_FIRST_START"
_SERVICES = ("keystone", "mistral", "trove")


def prepare(root: Root) -> None:
    """Make a new root whose services find their databases, and the workbook loaded for all."""
    root.prepare()
    folder = os.environ.get(VARIABLE)
    made = _made(Path(folder)) if folder else None
    if made is None:
        return
    for service in _SERVICES:
        shutil.copytree(made.service(service), root.service(service))
    shutil.copytree(made.cache, root.cache, dirs_exist_ok=True)
    shutil.copy(made.path / VERSIONS, root.path / VERSIONS)
    kept = read_json(made.settings_file)
    passwords = {name: value for name, value in kept.items() if not name.endswith("port")}
    write_json(root.settings_file, passwords)
    # The services ask Keystone where Keystone is before the other addresses are corrected.
    old, new = (settings.load_or_create(each).keystone_url for each in (made, root))
    with closing(sqlite3.connect(database_file(root.service("keystone")))) as database, database:
        database.execute("update endpoint set url = ? where url = ?", (new, old))


def _made(folder: Path) -> Root | None:
    """The root that is copied; None while another process makes it, which takes as long itself."""
    made = Root.at(folder / "cloud")
    done = folder / "done"
    if done.exists():
        return made
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        # Another may have made it since the look above, and others may be copying it.
        if not done.exists():
            made.prepare()
            daemon.up(made, print)
            session = admin_session(settings.load_or_create(made), timeout=60)
            trove_schedules.connect(session=session).workbook_load(public=True)
            daemon.down(made)
            done.touch()
    return made
