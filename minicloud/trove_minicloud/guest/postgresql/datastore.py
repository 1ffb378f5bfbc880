# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, as a kind of database of the guest."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from trove_minicloud.errors import DatastoreError
from trove_minicloud.guest import unpacking
from trove_minicloud.guest.datastores import Datastore, Source, Tool
from trove_minicloud.guest.instances import PROBE_TIMEOUT, Instance
from trove_minicloud.guest.postgresql import added, backing_up, questions, restored, server
from trove_minicloud.guest.postgresql.binaries import client_programs, major_of, server_programs
from trove_minicloud.guest.postgresql.connection import identify
from trove_minicloud.guest.postgresql.tar import TarReader
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import Program


class PostgreSQL(Datastore):
    def newest_version(self, root: Root) -> str:
        return server_programs(root).version

    def create_server(
        self, root: Root, name: str, project_id: str, *, instance_id: str | None = None
    ) -> Instance:
        return server.create_server(root, name, project_id, instance_id=instance_id)

    def add_server(
        self, root: Root, name: str, project_id: str, dsn: str, password: str | None
    ) -> Instance:
        return added.add_server(root, name, project_id, dsn, password)

    def server_program(self, root: Root, instance: Instance) -> Program:
        return server.server_program(root, instance)

    def is_serving(self, root: Root, instance: Instance) -> bool:
        try:
            programs = client_programs(root, major_of(instance.version))
            identify(programs, server.server_of(root, instance), PROBE_TIMEOUT)
        except DatastoreError:
            return False
        return True

    def connect_command(self, root: Root, instance: Instance) -> str:
        return shlex.join(("psql", server.connection_string(root, instance)))

    def ask(self, root: Root, instance: Instance, query: str, database: str | None) -> str:
        return questions.ask(root, instance, query, database)

    def count_rows(self, root: Root, instance: Instance) -> Mapping[str, int]:
        return questions.count_rows(root, instance)

    def inspect(self, root: Root, instance: Instance) -> Source:
        return backing_up.inspect(root, instance)

    def backup_tool(self, root: Root, instance: Instance, basis: Path | None) -> Tool:
        return backing_up.backup_tool(root, instance, basis)

    def unpack(self, stream: BinaryIO, folder: Path) -> None:
        unpacking.unpack(stream, folder, TarReader)

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
    ) -> Instance:
        return restored.restore_server(
            root, folder, chain, name, project_id, version, instance_id=instance_id
        )
