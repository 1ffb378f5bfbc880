# SPDX-License-Identifier: Apache-2.0
"""MariaDB servers that are instances of the mini cloud: `create_server` and what it shares."""

import shlex

from trove_minicloud.errors import ServerUnavailableError
from trove_minicloud.guest import instances
from trove_minicloud.guest.instances import PROBE_TIMEOUT, Instance
from trove_minicloud.guest.mariadb import binaries, server
from trove_minicloud.guest.mariadb.connection import status
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import Program

DATASTORE = "mariadb"


def create_server(
    root: Root, name: str, project_id: str, *, instance_id: str | None = None
) -> Instance:
    """Make a new, empty server, wanted running: the supervisor starts it.

    :raises ProgramsMissingError, UnreachableFolderError: it can't run on this machine.
    """
    root.prepare()
    found = binaries.find()
    instance = new_instance(root, name, project_id, found.version, instance_id)
    with instances.building(root) as folder:
        server.make(found, folder, instance.port)
        instances.write(folder, instance)
    return instance


def new_instance(
    root: Root, name: str, project_id: str, version: str, instance_id: str | None = None
) -> Instance:
    return instances.new(
        root,
        name,
        project_id,
        instance_id=instance_id,
        datastore=DATASTORE,
        version=version,
        user=server.BACKUP_USER,
    )


def server_program(root: Root, instance: Instance) -> Program:
    """How to run a managed instance's server.

    :raises ProgramsMissingError: no programs of its version.
    """
    found = binaries.find_for(instance.version)
    return server.program(found, instance.folder(root), f"{DATASTORE}-{instance.id}")


def is_serving(root: Root, instance: Instance) -> bool:
    """Whether a backup could connect now; takes 5 seconds at most."""
    try:
        status(instance.password_file(root), "Uptime", PROBE_TIMEOUT)
    except ServerUnavailableError:
        return False
    return True


def connect_command(root: Root, instance: Instance) -> str:
    """For an administrator of a managed instance's databases; it names the password's file."""
    option_file = instance.superuser_password_file(root)
    return shlex.join(("mariadb", f"--defaults-file={option_file}"))
