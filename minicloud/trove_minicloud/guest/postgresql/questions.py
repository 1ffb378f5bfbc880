# SPDX-License-Identifier: Apache-2.0
"""What is asked of a PostgreSQL server in SQL: `ask` and `count_rows`. Nothing is ever written."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from trove_minicloud.errors import QueryError
from trove_minicloud.guest.instances import ANSWER_TIMEOUT, Instance
from trove_minicloud.guest.postgresql.connection import to_conninfo
from trove_minicloud.guest.postgresql.server import connection_string, server_of
from trove_minicloud.root import Root

#: A table of some size takes its time.
_MINUTES = 10
_DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
_TABLES = """
    SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND relpersistence = 'p'
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2
"""


def ask(root: Root, instance: Instance, query: str, database: str | None) -> str:
    """The query's one value as the server writes it, like `t` or `42`; null is `NULL`.

    :param database: where to ask; None is `postgres`.
    :raises QueryError: the server refuses it, or it answers something else than one value.
    """
    with _connected(root, instance, database or "postgres") as connection:
        # Prepared, which only a single statement can be.
        cursor = connection.execute(query.encode(), prepare=True)
        result = cursor.pgresult
        if result is None or (result.ntuples, result.nfields) != (1, 1):
            raise QueryError(
                f"The answer of {instance.name} is not one value, but {cursor.statusmessage}."
            )
        value = result.get_value(0, 0)
    return "NULL" if value is None else value.decode(errors="replace")


def count_rows(root: Root, instance: Instance) -> dict[str, int]:
    """The rows of every user's table, by `database.schema.table`.

    :raises QueryError: one can't be read.
    """
    found = {}
    with _connected(root, instance, "template1") as connection:
        databases = [name for (name,) in connection.execute(_DATABASES)]
    for database in databases:
        with _connected(root, instance, database) as connection:
            for schema, table in connection.execute(_TABLES).fetchall():
                query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
                ((count,),) = connection.execute(query).fetchall()
                found[f"{database}.{schema}.{table}"] = count
    return found


@contextlib.contextmanager
def _connected(
    root: Root, instance: Instance, database: str
) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    if instance.managed:
        address = connection_string(root, instance)
    else:
        server = server_of(root, instance)
        address = f"{server.conninfo} {to_conninfo(passfile=server.password_file)}"
    settings = f"-c default_transaction_read_only=on -c statement_timeout={_MINUTES}min"
    try:
        with psycopg.connect(
            address,
            dbname=database,
            connect_timeout=int(ANSWER_TIMEOUT),
            options=settings,
            autocommit=True,
        ) as connection:
            yield connection
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise QueryError(f"{instance.name} can't be asked in {database!r}: {said}") from error
