# SPDX-License-Identifier: Apache-2.0
"""What a backup of a PostgreSQL server is taken with, and of which history it is."""

import contextlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from trove_minicloud.guest.datastores import Source, Tool
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql import base_backup, tablespaces
from trove_minicloud.guest.postgresql.added import incarnation_of
from trove_minicloud.guest.postgresql.binaries import Programs, client_programs, major_of
from trove_minicloud.guest.postgresql.connection import Server, identify, incremental_obstacle
from trove_minicloud.guest.postgresql.replication import NO_TLS
from trove_minicloud.guest.postgresql.server import server_of
from trove_minicloud.guest.postgresql.stream_check import TarCheck
from trove_minicloud.guest.postgresql.wal import kept
from trove_minicloud.root import Root

# What pg_basebackup says of a server with a tablespace, before its first byte.
_TABLESPACES = "can only write single tablespace"
#: What the user can do about what the tools and the server say.
_HINTS = {
    base_backup.TOO_OLD: (
        "Move what is in them inside and drop them: ALTER TABLE ALL IN TABLESPACE … SET TABLESPACE"
        " pg_default, in each database."
    ),
    "has already been removed": (
        "The server removed what it had written during the backup before that was copied. Give it"
        " a free replication slot and WAL sender (max_replication_slots, max_wal_senders), or a"
        " larger wal_keep_size."
    ),
}


def inspect(root: Root, instance: Instance) -> Source:
    """The server as it is now.

    :raises ServerUnavailableError: it refuses us or doesn't answer.
    """
    programs = client_programs(root, major_of(instance.version))
    server = server_of(root, instance)
    identity = identify(programs, server)
    return Source(
        version=identity.version,
        incarnation=instance.incarnation if instance.managed else incarnation_of(identity),
        incremental_obstacle=incremental_obstacle(programs, server, identity.version),
    )


def backup_tool(root: Root, instance: Instance, basis: Path | None) -> Tool:
    """What streams a backup: a full one, or an incremental one on the parent's `basis`."""
    programs = client_programs(root, major_of(instance.version))
    server = server_of(root, instance)
    return Tool(
        backup_command(programs, server, basis),
        server.env,
        TarCheck(),
        partial(_during, root, instance, programs, server),
        _HINTS,
        {text: (_joining_command(server, basis), server.env) for text in (_TABLESPACES, NO_TLS)},
    )


@contextlib.contextmanager
def _during(root: Root, instance: Instance, programs: Programs, server: Server) -> Iterator[None]:
    with tablespaces.none_made(root, instance), kept(programs, server):
        yield


def backup_command(programs: Programs, server: Server, basis: Path | None) -> tuple[str, ...]:
    argv = [programs.path("pg_basebackup"), "-d", server.conninfo]
    # -w: never ask for a password. -X fetch: all WAL in the one stream to stdout.
    argv += ["-w", "-c", "fast", "-X", "fetch", "-Ft", "-D", "-"]
    if basis is not None:
        argv.append(f"--incremental={basis}")
    return tuple(argv)


def _joining_command(server: Server, basis: Path | None) -> tuple[str, ...]:
    argv = [sys.executable, "-m", base_backup.__name__, server.conninfo]
    if basis is not None:
        argv.append(f"--incremental={basis}")
    return tuple(argv)
