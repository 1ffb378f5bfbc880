# SPDX-License-Identifier: Apache-2.0
"""What is asked of a MariaDB server in SQL: `ask` and `count_rows`. Nothing is ever written."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pymysql

from trove_minicloud.errors import QueryError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb.connection import connect
from trove_minicloud.root import Root

#: Seconds: a table of some size takes its time.
_TIMEOUT = 600
# Each with the query that counts its rows.
_TABLES = """
    SELECT concat(table_schema, '.', table_name), concat('SELECT count(*) FROM `',
        replace(table_schema, '`', '``'), '`.`', replace(table_name, '`', '``'), '`')
    FROM information_schema.tables WHERE table_type = 'BASE TABLE'
    AND table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
    ORDER BY 1
"""


def ask(root: Root, instance: Instance, query: str, database: str | None) -> str:
    """The query's one value as the server writes it, like `1` or `42.50`; null is `NULL`.

    :param database: where to ask; None is none, so that tables have to be named with theirs.
    :raises QueryError: the server refuses it, or it answers something else than one value.
    """
    with _cursor(root, instance, database) as cursor:
        cursor.execute(query)
        rows = cursor.fetchall()
        if len(rows) != 1 or len(rows[0]) != 1:
            raise QueryError(
                f"The answer of {instance.name} is not one value, but {len(rows)} rows of"
                f" {len(rows[0]) if rows else 0}."
            )
        ((value,),) = rows
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "NULL" if value is None else str(value)


def count_rows(root: Root, instance: Instance) -> dict[str, int]:
    """The rows of every user's table, by `database.table`.

    :raises QueryError: one can't be read.
    """
    found = {}
    with _cursor(root, instance, None) as cursor:
        cursor.execute(_TABLES)
        for name, query in cursor.fetchall():
            cursor.execute(query)
            ((count,),) = cursor.fetchall()
            found[name] = int(count)
    return found


@contextlib.contextmanager
def _cursor(root: Root, instance: Instance, database: str | None) -> Iterator[Any]:
    try:
        option_file = instance.superuser_password_file(root)
        with connect(option_file, _TIMEOUT) as connection:
            # What the server writes, not what Python would make of it.
            connection.decoders = {}
            if database is not None:
                connection.select_db(database)
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
                cursor.execute("SET SESSION max_statement_time = %s", (_TIMEOUT,))
                yield cursor
    except pymysql.Error as error:
        raise QueryError(f"{instance.name} can't be asked: {error}") from error
