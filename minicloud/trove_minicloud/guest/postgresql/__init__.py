# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL as a datastore: its servers, its full and native incremental backups, its restores.

These are the functions of `trove_minicloud.guest.datastores.Datastore`, and what the commands
need besides.
"""

from trove_minicloud.guest.postgresql.added import add_server, read_password
from trove_minicloud.guest.postgresql.backing_up import backup_tool, inspect
from trove_minicloud.guest.postgresql.questions import ask, count_rows
from trove_minicloud.guest.postgresql.restored import restore_server, unpack
from trove_minicloud.guest.postgresql.server import (
    connect_command,
    connection_string,
    create_server,
    is_serving,
    server_program,
)

__all__ = [
    "add_server",
    "ask",
    "backup_tool",
    "connect_command",
    "connection_string",
    "count_rows",
    "create_server",
    "inspect",
    "is_serving",
    "read_password",
    "restore_server",
    "server_program",
    "unpack",
]
