# SPDX-License-Identifier: Apache-2.0
"""MariaDB, as a kind of database of the guest."""

import shlex
from pathlib import Path
from typing import BinaryIO

from trove_minicloud.errors import DatastoreError, ServerUnavailableError
from trove_minicloud.guest import folders, instances, unpacking
from trove_minicloud.guest.datastores import Datastore
from trove_minicloud.guest.instances import PROBE_TIMEOUT, Instance
from trove_minicloud.guest.mariadb import backing_up, binaries, questions, restored, server
from trove_minicloud.guest.mariadb.connection import status
from trove_minicloud.guest.mariadb.xbstream import XbstreamReader
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import Program


class MariaDB(Datastore):
    def newest_version(self, root: Root) -> str:
        return binaries.find().version

    def create_server(
        self, root: Root, name: str, project_id: str, *, instance_id: str | None = None
    ) -> Instance:
        root.prepare()
        found = binaries.find()
        instance = server.new_instance(
            root, name, project_id, version=found.version, instance_id=instance_id
        )
        with folders.building(root) as folder:
            server.make(found, folder, instance.port)
            instances.write(folder, instance)
        return instance

    def add_server(
        self, root: Root, name: str, project_id: str, dsn: str, password: str | None
    ) -> Instance:
        raise DatastoreError(
            "A MariaDB server that runs already can't be added: mariadb-backup reads the server's"
            " own files, on its machine and as their owner. Make one here instead"
            f" (trove-minicloud instance create --datastore mariadb {name}) and load a dump into"
            " it."
        )

    def server_program(self, root: Root, instance: Instance) -> Program:
        found = binaries.find_for(instance.version)
        return server.program(found, instance.folder(root), f"{server.DATASTORE}-{instance.id}")

    def is_serving(self, root: Root, instance: Instance) -> bool:
        try:
            status(instance.password_file(root), "Uptime", PROBE_TIMEOUT)
        except ServerUnavailableError:
            return False
        return True

    def connect_command(self, root: Root, instance: Instance) -> str:
        option_file = instance.superuser_password_file(root)
        return shlex.join(("mariadb", f"--defaults-file={option_file}"))

    ask = staticmethod(questions.ask)
    look_at = staticmethod(questions.look_at)
    databases = staticmethod(questions.databases)
    users = staticmethod(questions.users)
    switched_off = staticmethod(questions.switched_off)
    inspect = staticmethod(backing_up.inspect)
    backup_tool = staticmethod(backing_up.backup_tool)
    restore_server = staticmethod(restored.restore_server)

    def unpack(self, stream: BinaryIO, folder: Path) -> None:
        unpacking.unpack(stream, folder, XbstreamReader)
