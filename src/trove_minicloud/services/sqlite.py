# SPDX-License-Identifier: Apache-2.0
"""SQLite under several threads: transactions that wait for each other instead of failing."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def begin_at_first_write() -> None:
    """Have every SQLite engine of this process open its transactions as the first statement writes.

    oslo.db opens them at once, as readers. A transaction that reads and then writes can't wait
    if another has written meanwhile: its view is stale, and SQLite fails it with "database is
    locked" whatever the timeout. Opened by BEGIN IMMEDIATE at the first write instead, it waits
    for its turn, and until then each statement reads what is committed.
    """
    event.listen(Engine, "begin", _leave_begin_to_the_driver)


def _leave_begin_to_the_driver(connection: Any) -> None:
    if connection.dialect.name != "sqlite":
        return
    connection.connection.dbapi_connection.isolation_level = "IMMEDIATE"
    # oslo.db looks at this before it emits its own BEGIN, and clears it at the end.
    connection.info["in_transaction"] = True
