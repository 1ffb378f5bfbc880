# SPDX-License-Identifier: Apache-2.0
"""What the guest needs to know of each kind of database, and which kinds there are."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from trove_minicloud.errors import DatastoreError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.stream import Check
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import Program

_MODULES = {
    "mariadb": "trove_minicloud.guest.mariadb",
    "postgresql": "trove_minicloud.guest.postgresql",
}
#: The kinds of databases that there are.
NAMES = tuple(_MODULES)


@dataclass(frozen=True, slots=True)
class Source:
    """A server as it is at the time of a backup.

    `incremental_obstacle` is why it can't do incremental backups, or None.
    """

    version: str
    incarnation: str
    incremental_obstacle: str | None


@dataclass(frozen=True, slots=True)
class Tool:
    """The program that streams a backup, its whole environment, and the check of its output."""

    argv: Sequence[str]
    env: Mapping[str, str]
    check: Check


class Datastore(Protocol):
    """A kind of database: the functions that its module has."""

    def create_server(
        self, root: Root, name: str, project_id: str, *, instance_id: str | None = None
    ) -> Instance: ...

    def add_server(
        self, root: Root, name: str, project_id: str, dsn: str, password: str | None
    ) -> Instance: ...

    def server_program(self, root: Root, instance: Instance) -> Program: ...

    def is_serving(self, root: Root, instance: Instance) -> bool: ...

    def connect_command(self, root: Root, instance: Instance) -> str: ...

    def ask(self, root: Root, instance: Instance, query: str, database: str | None) -> str: ...

    def count_rows(self, root: Root, instance: Instance) -> Mapping[str, int]: ...

    def inspect(self, root: Root, instance: Instance) -> Source: ...

    def backup_tool(self, root: Root, instance: Instance, basis: Path | None) -> Tool: ...

    def unpack(self, stream: BinaryIO, folder: Path) -> None: ...

    def restore_server(
        self,
        root: Root,
        folder: Path,
        chain: Sequence[Path],
        name: str,
        project_id: str,
        version: str,
        *,
        instance_id: str | None = None,
    ) -> Instance: ...


def module(name: str) -> Datastore:
    """:raises DatastoreError: we know no such kind of database."""
    if name not in _MODULES:
        known = ", ".join(sorted(_MODULES))
        raise DatastoreError(f"There is no datastore {name!r}; there is: {known}.")
    # By name, because the modules import the classes above.
    return cast(Datastore, importlib.import_module(_MODULES[name]))
