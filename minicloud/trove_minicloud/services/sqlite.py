# SPDX-License-Identifier: Apache-2.0
"""SQLite under several threads: transactions wait for each other, and connections cost little."""

from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.engine import CreateEnginePlugin, Engine
from sqlalchemy.pool import QueuePool


class Threads(CreateEnginePlugin):
    """What `plugin=trove_minicloud` in the URL of a database changes.

    oslo.db opens a connection for each piece of work and closes it. Each of them has to read the
    schema again, and with the last one SQLite writes the write-ahead log back, waits for the disk
    and deletes the log. So connections are kept for whoever comes next.

    oslo.db opens transactions at once, as readers. A transaction that reads and then writes can't
    wait if another has written meanwhile: its view is stale, and SQLite fails it with "database is
    locked" whatever the timeout. Opened by BEGIN IMMEDIATE at the first write instead, it waits
    for its turn, and until then each statement reads what is committed.
    """

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        # 0: as many as there are threads at work.
        kwargs |= {"poolclass": QueuePool, "pool_size": 0, "pool_use_lifo": True}

    def update_url(self, url: URL) -> URL:
        """There is nothing in the URL for us beside our name, which SQLAlchemy takes out."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """Listen to the transactions of this engine."""
        event.listen(engine, "begin", _leave_begin_to_the_driver)


def _leave_begin_to_the_driver(connection: Any) -> None:
    connection.connection.dbapi_connection.isolation_level = "IMMEDIATE"
    # oslo.db looks at this before it emits its own BEGIN, and clears it at the end.
    connection.info["in_transaction"] = True
