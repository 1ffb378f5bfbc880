# SPDX-License-Identifier: Apache-2.0
"""The guest's own functions on real servers of one kind of database, without a cloud."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import shutil
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.end_to_end.databases import Database, require
from tests.end_to_end.folders import passable_folder
from trove_minicloud.guest import datastores
from trove_minicloud.guest.datastores import Datastore
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.restoring import restore
from trove_minicloud.guest.taking import Parent, take_backup
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Manifest
from trove_minicloud.supervision import processes


@dataclass(frozen=True)
class Guest:
    """A root with servers of one kind."""

    root: Root
    database: Database

    @classmethod
    @contextlib.contextmanager
    def of(cls, database: Database) -> Iterator[Guest]:
        require(database)
        folder = passable_folder()
        try:
            yield cls(Root.at(folder / "root"), database)
        finally:
            shutil.rmtree(folder)

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.root.backups)

    @property
    def kind(self) -> Datastore:
        return datastores.named(self.database.name)

    def create(self, name: str) -> Instance:
        return self.kind.create_server(self.root, name, "project-1")

    def running(
        self, instance: Instance
    ) -> contextlib.AbstractContextManager[processes.ProcessRecord]:
        return processes.running(self.kind.server_program(self.root, instance))

    @contextlib.contextmanager
    def source(self) -> Iterator[Instance]:
        """A running server with a table of rows, and one for `ticking`."""
        instance = self.create("source")
        with self.running(instance):
            self.execute(
                instance,
                "CREATE TABLE account (id int PRIMARY KEY, owner char(32), balance int)",
                "INSERT INTO account SELECT n, md5(concat(n)), 0 FROM"
                f" ({self.database.numbers.replace('%s', '20000')}) numbers",
                "CREATE TABLE tick (number int PRIMARY KEY)",
            )
            yield instance

    def execute(self, instance: Instance, *statements: str) -> list[tuple[Any, ...]]:
        """Run the statements, and return the rows of the last one if it has any."""
        with (
            self.database.connect(self.root, instance) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def accounts(self, instance: Instance) -> list[tuple[Any, ...]]:
        return self.execute(instance, "SELECT * FROM account ORDER BY id")

    def last_tick(self, instance: Instance) -> int:
        ((number,),) = self.execute(instance, "SELECT coalesce(max(number), 0) FROM tick")
        return int(number)

    @contextlib.contextmanager
    def ticking(self, instance: Instance) -> Iterator[None]:
        """Meanwhile, commit one number after the other."""
        first = self.last_tick(instance) + 1
        stop = threading.Event()
        errors: list[Exception] = []

        def tick() -> None:
            try:
                with self.database.connect(self.root, instance) as connection:
                    number = first
                    with connection.cursor() as cursor:
                        while not stop.is_set():
                            cursor.execute("INSERT INTO tick VALUES (%s)", (number,))
                            number += 1
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=tick)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        assert not errors

    def back_up(self, instance: Instance, parent: Manifest | None = None) -> Manifest:
        reference = Parent(self.store.location(parent.key), parent.sha256) if parent else None
        return take_backup(self.root, self.store, instance, str(uuid.uuid4()), reference)

    def restore(self, backup: Manifest, name: str = "") -> Instance:
        return restore(self.root, self.store, backup.key, name or f"of {backup.backup_id}")

    def file(self, backup: Manifest) -> Path:
        """The stored bytes."""
        return Path(self.store.location(backup.key).removeprefix("file://"))

    def replace_basis(self, backup: Manifest, basis: bytes) -> None:
        """As if it had been so before it was stored: then only the server can tell."""
        changed = dataclasses.replace(backup, basis_sha256=hashlib.sha256(basis).hexdigest())
        folder = self.root.backups / backup.instance_id
        (folder / f"{backup.backup_id}.basis").write_bytes(basis)
        (folder / f"{backup.backup_id}.json").write_text(changed.to_json())
