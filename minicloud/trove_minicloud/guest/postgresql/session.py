# SPDX-License-Identifier: Apache-2.0
"""The one way to ask a PostgreSQL server in SQL, with all that is the server's own switched off.

A server's settings, those of its roles and databases, and its triggers are its user's. They must
not decide what a copy of it answers, nor whether it answers.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from trove_minicloud.guest.instances import ANSWER_TIMEOUT, Instance
from trove_minicloud.guest.postgresql.binaries import major_of
from trove_minicloud.guest.postgresql.connection import to_conninfo
from trove_minicloud.guest.postgresql.server import connection_string, server_of
from trove_minicloud.root import Root

Connection = psycopg.Connection[tuple[Any, ...]]

# What acts before the first statement, by the version that brought it. A table of some size takes
# its time. A prepared transaction may hold a lock for ever.
_AT_ONCE = {
    0: {
        "search_path": "pg_catalog",
        "statement_timeout": "10min",
        "lock_timeout": "2s",
        "role": "none",
        "exit_on_error": "off",
        "local_preload_libraries": "",
    },
    14: {"idle_session_timeout": "0"},
    17: {"transaction_timeout": "0"},
}
_AT_ONCE_FOR_SUPERUSERS = {
    0: {"session_preload_libraries": ""},
    17: {"event_triggers": "off"},
}
# The rest goes back to what PostgreSQL itself has for it, whoever has set it and where. With its
# own value of max_stack_depth, which is the least that there is, a server can hardly work.
_RESET = """
    SELECT set_config(name, boot_val, false) FROM pg_settings
    WHERE source IN ('configuration file', 'global', 'database', 'user', 'database user')
    AND (context = 'user' OR context = 'superuser' AND current_setting('is_superuser') = 'on')
    AND boot_val IS NOT NULL AND name <> 'max_stack_depth'
"""


@contextlib.contextmanager
def session(root: Root, instance: Instance, database: str, encoding: str) -> Iterator[Connection]:
    """A connection that can't write, as the administrator where the server is ours.

    :param encoding: of the client; with SQL_ASCII every text is bytes, as the database holds them.
    :raises psycopg.Error: the server refuses it.
    """
    if instance.managed:
        address = connection_string(root, instance)
    else:
        server = server_of(root, instance)
        address = f"{server.conninfo} {to_conninfo(passfile=server.password_file)}"
    with psycopg.connect(
        address,
        dbname=database,
        connect_timeout=int(ANSWER_TIMEOUT),
        client_encoding=encoding,
        options=" ".join(f"-c {name}={value}" for name, value in _options(instance)),
        autocommit=True,
    ) as connection:
        connection.execute(_RESET)
        # Not before: a trigger of a server that isn't ours may write something at every login.
        connection.execute("SET default_transaction_read_only = on")
        yield connection


def _options(instance: Instance) -> Iterator[tuple[str, str]]:
    for options in (_AT_ONCE, _AT_ONCE_FOR_SUPERUSERS if instance.managed else {}):
        for major, values in options.items():
            if major_of(instance.version) >= major:
                yield from values.items()
