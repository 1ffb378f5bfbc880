# SPDX-License-Identifier: Apache-2.0
"""MariaDB as a datastore: its servers, their backups by mariadb-backup, its restores.

These are the functions of `trove_minicloud.guest.datastores.Datastore`.
"""

from trove_minicloud.guest.mariadb.managed import (
    connect_command,
    create_server,
    is_serving,
    server_program,
)

__all__ = [
    "connect_command",
    "create_server",
    "is_serving",
    "server_program",
]
