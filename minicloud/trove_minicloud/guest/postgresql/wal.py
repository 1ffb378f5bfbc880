# SPDX-License-Identifier: Apache-2.0
"""Keeps the WAL that a PostgreSQL server writes during a backup, however much that is: `kept`."""

import contextlib
import time
import uuid
from collections.abc import Iterator

import psycopg
from psycopg.pq import ExecStatus

from trove_minicloud.errors import ServerUnavailableError
from trove_minicloud.guest.instances import ANSWER_TIMEOUT
from trove_minicloud.guest.postgresql.binaries import Programs
from trove_minicloud.guest.postgresql.connection import Server, identify, to_conninfo

# The server takes a moment to notice that a connection has ended.
_SENDER_TIMEOUT = 10.0


@contextlib.contextmanager
def kept(programs: Programs, server: Server) -> Iterator[None]:
    """Meanwhile the server removes no WAL, if it has a slot and a WAL sender to spare for us.

    A backup asks for all of it at its very end. Without a slot there is what wal_keep_size keeps,
    and pg_basebackup fails if that isn't enough.
    """
    with contextlib.ExitStack() as slot:
        # Whatever is in the way of a slot needn't be in the way of a backup.
        with contextlib.suppress(psycopg.Error):
            slot.enter_context(_slot(programs, server))
            if not _has_a_sender(programs, server):
                # Ours was the last one, and pg_basebackup needs it more.
                slot.close()
                _wait_for_a_sender(programs, server)
        yield


def _has_a_sender(programs: Programs, server: Server) -> bool:
    try:
        identify(programs, server)
    except ServerUnavailableError:
        return False
    return True


def _wait_for_a_sender(programs: Programs, server: Server) -> None:
    deadline = time.monotonic() + _SENDER_TIMEOUT
    while not _has_a_sender(programs, server) and time.monotonic() < deadline:
        time.sleep(0.1)


@contextlib.contextmanager
def _slot(programs: Programs, server: Server) -> Iterator[None]:
    """:raises psycopg.Error: the server gives us none."""
    address = f"{server.conninfo} {to_conninfo(passfile=server.password_file, replication='true')}"
    # The server drops the slot when the connection ends, however that ends.
    command = f"CREATE_REPLICATION_SLOT minicloud_{uuid.uuid4().hex} TEMPORARY PHYSICAL RESERVE_WAL"
    # The connection is idle for as long as the backup takes.
    options = "-c idle_session_timeout=0" if programs.major >= 14 else ""
    with psycopg.connect(
        address, connect_timeout=int(ANSWER_TIMEOUT), options=options, autocommit=True
    ) as connection:
        result = connection.pgconn.exec_(command.encode())
        if result.status != ExecStatus.TUPLES_OK:
            raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
        yield
