# SPDX-License-Identifier: Apache-2.0
"""The state of a small cloud, as its services leave it, and what there is of it in another root."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.unit.minicloud import examples
from trove_minicloud import settings
from trove_minicloud.files import write_json
from trove_minicloud.root import Root
from trove_minicloud.services import recovery_key
from trove_minicloud.services.preparation import database_file

SERVICES = ("keystone", "mistral", "trove")


def make(root: Root) -> None:
    """One with an instance of its own, and one that runs elsewhere."""
    settings.load_or_create(root)
    recovery_key.ensure(root)
    for name in SERVICES:
        file = database_file(root.service(name))
        file.parent.mkdir(parents=True)
        (root.service(name) / "prepared").touch()
        with closing(sqlite3.connect(file)) as database:
            database.execute("pragma journal_mode=wal")
            database.execute("create table kept (name)")
            database.execute("insert into kept values (?)", [name])
            database.commit()
    (root.service("mistral") / "override.conf").write_text("[DEFAULT]\n")
    (root.service("mistral") / "mistral.conf").write_text("made anew at each start")
    keys = root.service("keystone") / "data" / "token-keys"
    keys.mkdir()
    (keys / "0").write_text("a key of Keystone's")
    own = examples.saved(root)
    write_json(own.folder(root) / "check.json", {"query": "select 1"})
    (own.folder(root) / "data").mkdir()
    (own.folder(root) / "data" / "rows").touch()
    (own.folder(root) / "backup.password").write_text("of a server that will be another one")
    elsewhere = examples.saved(root, id="instance-2", managed=False)
    (elsewhere.folder(root) / "backup.password").write_text("still right")


def row_of(root: Root, service: str) -> tuple[str, str]:
    """What the service's database holds, and how it is written to."""
    with closing(sqlite3.connect(database_file(root.service(service)))) as database:
        [(name,)] = database.execute("select name from kept")
        [(mode,)] = database.execute("pragma journal_mode")
    return name, mode


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
