# SPDX-License-Identifier: Apache-2.0
"""What is asked of a MariaDB server in SQL: `ask`, `look_at` and `switched_off`."""

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import pymysql

from trove_minicloud.errors import QueryError
from trove_minicloud.guest.datastores import Contents
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb.connection import connect
from trove_minicloud.root import Root

#: Seconds: a table of some size takes its time.
_TIMEOUT = 600
# Each with its engine, and with its name for SQL.
_TABLES = """
    SELECT concat(table_schema, '.', table_name), coalesce(engine, ''), concat('`',
        replace(table_schema, '`', '``'), '`.`', replace(table_name, '`', '``'), '`')
    FROM information_schema.tables WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
    AND table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
    ORDER BY 1
"""
_DATABASES = """
    SELECT schema_name FROM information_schema.schemata
    WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') ORDER BY 1
"""
_USERS = "SELECT DISTINCT user FROM mysql.user WHERE user <> '' AND is_role = 'N' ORDER BY 1"
_EVENTS = """
    SELECT concat(event_schema, '.', event_name) FROM information_schema.events
    WHERE status = 'ENABLED' ORDER BY 1
"""
_ELSEWHERE = "its rows are on another server, which a copy must not ask"
#: Engines whose rows no backup holds.
_NO_ROWS = {
    "CONNECT": _ELSEWHERE,
    "FEDERATED": _ELSEWHERE,
    "MEMORY": "its rows are in the server's memory only",
    "S3": _ELSEWHERE,
    "SPIDER": _ELSEWHERE,
}
#: What says nothing about a backup.
_HARMLESS = {
    1168: "a MERGE table over tables that are not there or differ",
    1205: "locked",
    1286: "its engine is not installed here",
    1814: "its tablespace was discarded",
    1969: "not counted in ten minutes",
}
#: Of tables of Aria and MyISAM that were not closed, and want to be repaired.
_CRASHED = (126, 127, 144, 145, 1034, 1035, 1194, 1195)


def ask(root: Root, instance: Instance, query: str, database: str | None) -> str:
    """The query's one value as the server writes it, like `1` or `42.50`; null is `NULL`.

    :param database: where to ask; None is none, so that tables have to be named with theirs.
    :raises QueryError: the server refuses it, or it answers something else than one value.
    """
    with _cursor(root, instance, database) as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
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


def look_at(root: Root, instance: Instance, only: Collection[str] | None = None) -> Contents:
    """See `Datastore.look_at`; tables are called `database.table`."""
    contents = Contents()
    with _cursor(root, instance, None) as cursor:
        cursor.execute(_TABLES)
        for name, engine, quoted in cursor.fetchall():
            if only is not None and name not in only:
                continue
            if engine.upper() in _NO_ROWS:
                contents.left_out[name] = f"{engine}: {_NO_ROWS[engine.upper()]}"
                continue
            try:
                contents.rows[name] = _count(cursor, quoted)
            except pymysql.Error as error:
                if only is None and error.args[0] in _CRASHED:
                    _repair(cursor, name, quoted, contents)
                else:
                    _note(contents, name, error)
    return contents


def databases(root: Root, instance: Instance) -> list[str]:
    """See `Datastore.databases`."""
    return _names(root, instance, _DATABASES)


def users(root: Root, instance: Instance) -> list[str]:
    """See `Datastore.users`."""
    return _names(root, instance, _USERS)


def _names(root: Root, instance: Instance, query: str) -> list[str]:
    with _cursor(root, instance, None) as cursor:
        cursor.execute(query)
        return [str(name) for (name,) in cursor.fetchall()]


def switched_off(root: Root, copy: Instance) -> list[str]:
    """See `Datastore.switched_off`."""
    with _cursor(root, copy, None) as cursor:
        cursor.execute(_EVENTS)
        events = [name for (name,) in cursor.fetchall()]
    if not events:
        return []
    return [
        f"switched off in {copy.name}, which must not act for its original: the scheduler of its"
        f" events {', '.join(events)}",
        "to switch it on again: SET GLOBAL event_scheduler = ON, and event_scheduler=ON in"
        f" {copy.folder(root) / 'my.cnf'}",
    ]


def _count(cursor: Any, quoted: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608
    ((count,),) = cursor.fetchall()
    return int(count)


def _repair(cursor: Any, name: str, quoted: str, contents: Contents) -> None:
    try:
        cursor.execute(f"REPAIR TABLE {quoted}")
        said = "; ".join(f"{row[-2]}: {row[-1]}" for row in cursor.fetchall())
        contents.rows[name] = _count(cursor, quoted)
        contents.repaired[name] = said
    except pymysql.Error as error:
        _note(contents, name, error)


def _note(contents: Contents, name: str, error: pymysql.Error) -> None:
    code, *said = error.args
    if code in _HARMLESS:
        contents.left_out[name] = _HARMLESS[code]
    else:
        contents.unreadable[name] = " ".join(f"{code} {' '.join(map(str, said))}".split())


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
                yield cursor
    except pymysql.Error as error:
        raise QueryError(f"{instance.name} can't be asked: {error}") from error
