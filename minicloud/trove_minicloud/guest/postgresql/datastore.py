# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, as a kind of database of the guest."""

import shlex
from pathlib import Path
from typing import BinaryIO

from trove_minicloud.errors import DatastoreError
from trove_minicloud.guest import unpacking
from trove_minicloud.guest.datastores import Datastore
from trove_minicloud.guest.instances import PROBE_TIMEOUT, Instance
from trove_minicloud.guest.postgresql import (
    added,
    backing_up,
    questions,
    quieting,
    restored,
    server,
)
from trove_minicloud.guest.postgresql.binaries import client_programs, major_of, server_programs
from trove_minicloud.guest.postgresql.connection import identify
from trove_minicloud.guest.postgresql.tar import TarReader
from trove_minicloud.root import Root


class PostgreSQL(Datastore):
    def newest_version(self, root: Root) -> str:
        return server_programs(root).version

    create_server = staticmethod(server.create_server)
    add_server = staticmethod(added.add_server)
    server_program = staticmethod(server.server_program)

    def is_serving(self, root: Root, instance: Instance) -> bool:
        try:
            programs = client_programs(root, major_of(instance.version))
            identify(programs, server.server_of(root, instance), PROBE_TIMEOUT)
        except DatastoreError:
            return False
        return True

    def connect_command(self, root: Root, instance: Instance) -> str:
        return shlex.join(("psql", server.connection_string(root, instance)))

    ask = staticmethod(questions.ask)
    look_at = staticmethod(questions.look_at)
    databases = staticmethod(questions.database_names)
    users = staticmethod(questions.users)
    switched_off = staticmethod(quieting.switched_off)
    inspect = staticmethod(backing_up.inspect)
    backup_tool = staticmethod(backing_up.backup_tool)
    restore_server = staticmethod(restored.restore_server)

    def unpack(self, stream: BinaryIO, folder: Path) -> None:
        unpacking.unpack(stream, folder, TarReader)
