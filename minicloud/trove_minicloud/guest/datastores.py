# SPDX-License-Identifier: Apache-2.0
"""What the guest needs to know of each kind of database, and which kinds there are."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from trove_minicloud.errors import DatastoreError, ProgramsMissingError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.stream import Check
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import Program

#: The kinds of databases that there are.
NAMES = ("mariadb", "postgresql")


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
    """The program that streams a backup, its whole environment, and the check of its output.

    `during` is entered before the program runs and left after its end. `hints` has what to add for
    a user to complaints of the program that hold such a text. `instead` has what to run where it
    refuses with such a text, and its environment.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    check: Check
    during: Callable[[], AbstractContextManager[None]] = nullcontext
    hints: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = field(default_factory=dict)


@dataclass(slots=True)
class Contents:
    """What a look at a server found: each of its objects is in one of three places.

    `rows` has the rows of every table that was counted, by the table's full name. `left_out` and
    `unreadable` have the reason for each object that wasn't: what is left out says nothing about a
    backup, and what is unreadable speaks against it. `repaired` tables are counted, too.
    """

    rows: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    repaired: dict[str, str] = field(default_factory=dict)


class Datastore(ABC):
    """A kind of database: how its servers are made, run, asked, backed up and restored.

    Every method may raise DatastoreError: the server, or the programs for it, can't be used.
    """

    @abstractmethod
    def newest_version(self, root: Root) -> str:
        """The version that a new server would be of.

        :raises ProgramsMissingError: there are no programs to run one with.
        """

    @abstractmethod
    def create_server(
        self, root: Root, name: str, project_id: str, *, instance_id: str | None = None
    ) -> Instance:
        """Make a new, empty server, wanted running: the supervisor starts it.

        :param instance_id: where Trove has chosen it, or None for a new one.
        :raises ProgramsMissingError, UnreachableFolderError: it can't run on this machine.
        """

    @abstractmethod
    def add_server(
        self, root: Root, name: str, project_id: str, dsn: str, password: str | None
    ) -> Instance:
        """Take in a server that runs already.

        :raises DatastoreError: it can't be backed up from here.
        """

    @abstractmethod
    def server_program(self, root: Root, instance: Instance) -> Program:
        """How to run a managed instance's server.

        :raises ProgramsMissingError: no programs of its version.
        """

    @abstractmethod
    def is_serving(self, root: Root, instance: Instance) -> bool:
        """Whether a backup could connect now; takes 5 seconds at most."""

    @abstractmethod
    def connect_command(self, root: Root, instance: Instance) -> str:
        """For an administrator of a managed instance; it names the password's file."""

    @abstractmethod
    def ask(self, root: Root, instance: Instance, query: str, database: str | None) -> str:
        """The query's one value as the server writes it; null is `NULL`.

        :param database: where to ask; None is `postgres` on PostgreSQL, and none on MariaDB.
        :raises QueryError: the server refuses it, or it answers something else than one value.
        """

    @abstractmethod
    def look_at(
        self, root: Root, instance: Instance, only: Collection[str] | None = None
    ) -> Contents:
        """Count the rows of every user's table of a managed server.

        No setting, trigger or odd object of the server's own ends it. In a restored copy, tables
        that want to be repaired are.

        :param only: look at these objects alone, in a server that isn't a copy: nothing changes.
        :raises QueryError: the server can't be asked at all.
        """

    @abstractmethod
    def databases(self, root: Root, instance: Instance) -> list[str]:
        """The names of the databases that are not the server's own, in order.

        :raises QueryError: the server can't be asked.
        """

    @abstractmethod
    def users(self, root: Root, instance: Instance) -> list[str]:
        """The names of those who may log in, in order, each once.

        :raises QueryError: the server can't be asked, or doesn't tell who asks.
        """

    @abstractmethod
    def switched_off(self, root: Root, copy: Instance) -> list[str]:
        """What a restored copy has of its original that would act by itself, and doesn't.

        The last line says how to switch it on. If nothing is off, the list is empty.

        :raises QueryError: the server can't be asked.
        """

    @abstractmethod
    def inspect(self, root: Root, instance: Instance) -> Source:
        """The server as it is now.

        :raises ServerUnavailableError: it refuses us or doesn't answer.
        """

    @abstractmethod
    def backup_tool(self, root: Root, instance: Instance, basis: Path | None) -> Tool:
        """What streams a backup: a full one, or an incremental one on the parent's `basis`.

        :raises ParentRefusedError: nothing can be built on that basis.
        """

    @abstractmethod
    def unpack(self, stream: BinaryIO, folder: Path) -> None:
        """Write the files of a backup's raw stream, and nothing else, below the folder.

        :raises VerificationError: the stream isn't what was backed up.
        """

    @abstractmethod
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
        port: int | None = None,
    ) -> Instance:
        """Make a server in `folder` of the unpacked backups, the full one first; they are used up.

        It is left stopped, on a history of its own and with new passwords for its administrator
        and its backup user. The other users keep those of the source.

        :raises RestoreError: the backups don't make a server.
        """


def named(name: str) -> Datastore:
    """:raises DatastoreError: we know no such kind of database, or it isn't installed here."""
    # Imported here: both import the classes above, and MariaDB's needs PyMySQL, an extra.
    if name == "mariadb":
        try:
            from trove_minicloud.guest.mariadb.datastore import MariaDB
        except ModuleNotFoundError as error:
            raise ProgramsMissingError(
                f"MariaDB is unavailable ({error}): pip install 'trove-minicloud[mariadb]'"
            ) from error

        return MariaDB()
    if name == "postgresql":
        from trove_minicloud.guest.postgresql.datastore import PostgreSQL

        return PostgreSQL()
    raise DatastoreError(f"There is no datastore {name!r}; there is: {', '.join(NAMES)}.")
