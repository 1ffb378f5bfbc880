# SPDX-License-Identifier: Apache-2.0
"""MariaDB as a datastore: its servers, their backups by mariadb-backup, its restores.

These are the functions of `trove_minicloud.guest.datastores.Datastore`.
"""

from trove_minicloud.guest.mariadb.added import add_server
from trove_minicloud.guest.mariadb.backing_up import backup_tool, inspect
from trove_minicloud.guest.mariadb.managed import (
    connect_command,
    create_server,
    is_serving,
    server_program,
)
from trove_minicloud.guest.mariadb.questions import ask, count_rows
from trove_minicloud.guest.mariadb.restored import restore_server, unpack

__all__ = [
    "add_server",
    "ask",
    "backup_tool",
    "connect_command",
    "count_rows",
    "create_server",
    "inspect",
    "is_serving",
    "restore_server",
    "server_program",
    "unpack",
]
