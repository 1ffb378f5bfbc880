# SPDX-License-Identifier: Apache-2.0
"""What is asked of a PostgreSQL server in SQL: `ask` and `look_at`. Nothing is ever written."""

import contextlib
from collections.abc import Collection, Iterator

import psycopg

from trove_minicloud.errors import QueryError
from trove_minicloud.guest.datastores import Contents
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql.session import Connection, session
from trove_minicloud.root import Root

#: Where to ask which databases there are: either may have been dropped, or be closed.
_FIRST_DATABASES = ("template1", "postgres")
_OWN = (b"template1", b"postgres")
_DATABASES = """
    SELECT datname, datallowconn, datconnlimit FROM pg_database
    WHERE datname <> 'template0' ORDER BY 1
"""
#: The limit of one that an interrupted DROP DATABASE has left.
INVALID = -2
# Each with the query that counts its own rows, and not those of tables that inherit from it. Read
# from the table itself: an index may have as many rows, and less to lose.
_TABLES = """
    SELECT nspname, relname, relpersistence::text, format('SELECT count(*) FROM ONLY %I.%I',
        nspname, relname)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND relpersistence <> 't'
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2
"""
_USERS = "SELECT rolname FROM pg_roles WHERE rolcanlogin ORDER BY 1"
_NO_INDEXES = "SET enable_indexscan = off; SET enable_indexonlyscan = off"
_UNLOGGED = b"u"
#: What says nothing about a backup. A lock may be that of a prepared transaction.
_HARMLESS_STATES = {
    "55P03": "locked",
    "57014": "not counted in ten minutes",
    "0A000": "not supported by the programs here",
}
_HARMLESS_TEXTS = {
    "could not access file": "an extension's library is missing here",
    "not supported in this build": "not supported by the programs here",
    "database locale is incompatible": "its locale is missing here",
}


def ask(root: Root, instance: Instance, query: str, database: str | None) -> str:
    """The query's one value as the server writes it, like `t` or `42`; null is `NULL`.

    :param database: where to ask; None is `postgres`.
    :raises QueryError: the server refuses it, or it answers something else than one value.
    """
    with (
        complaints(instance, database or "postgres"),
        session(root, instance, database or "postgres", "UTF8") as connection,
    ):
        # As on a server that nobody has configured.
        connection.execute('SET search_path = "$user", public')
        # Prepared, which only a single statement can be.
        cursor = connection.execute(query.encode(), prepare=True)
        result = cursor.pgresult
        if result is None or (result.ntuples, result.nfields) != (1, 1):
            raise QueryError(
                f"The answer of {instance.name} is not one value, but {cursor.statusmessage}."
            )
        value = result.get_value(0, 0)
    return "NULL" if value is None else value.decode(errors="replace")


def look_at(root: Root, instance: Instance, only: Collection[str] | None = None) -> Contents:
    """See `Datastore.look_at`; tables are called `database.schema.table`."""
    contents = Contents()
    for name, open_, limit in databases(root, instance):
        database = text(name)
        if limit == INVALID:
            contents.left_out[database] = "invalid since an interrupted DROP DATABASE"
        elif not open_:
            contents.left_out[database] = "it allows no connections"
        elif only is None or any(f"{each}.".startswith(f"{database}.") for each in only):
            try:
                with session(root, instance, name.decode(), "SQL_ASCII") as connection:
                    _count(connection, database, only, contents)
            except UnicodeDecodeError:
                contents.left_out[database] = "its name is not UTF-8"
            except psycopg.Error as error:
                _note(contents, database, error)
    return contents


def database_names(root: Root, instance: Instance) -> list[str]:
    """See `Datastore.databases`."""
    return [text(name) for name, _open, _limit in databases(root, instance) if name not in _OWN]


def users(root: Root, instance: Instance) -> list[str]:
    """See `Datastore.users`."""
    place = _FIRST_DATABASES[0]
    with complaints(instance, place), session(root, instance, place, "SQL_ASCII") as connection:
        return [text(name) for (name,) in connection.execute(_USERS).fetchall()]


def databases(root: Root, instance: Instance) -> list[tuple[bytes, bool, int]]:
    """Every database but template0: its name, whether it may be connected to, and its limit.

    :raises QueryError: the server can't be asked.
    """
    for place in _FIRST_DATABASES[:-1]:
        with contextlib.suppress(psycopg.Error), session(root, instance, place, "SQL_ASCII") as one:
            return one.execute(_DATABASES).fetchall()
    place = _FIRST_DATABASES[-1]
    with complaints(instance, place), session(root, instance, place, "SQL_ASCII") as last:
        return last.execute(_DATABASES).fetchall()


def _count(
    connection: Connection, database: str, only: Collection[str] | None, contents: Contents
) -> None:
    connection.execute(_NO_INDEXES)
    for schema, table, persistence, query in connection.execute(_TABLES).fetchall():
        name = f"{database}.{text(schema)}.{text(table)}"
        if only is not None and name not in only and database not in only:
            continue
        if persistence == _UNLOGGED:
            contents.left_out[name] = "unlogged: no backup holds its rows"
            continue
        try:
            ((contents.rows[name],),) = connection.execute(query).fetchall()
        except psycopg.Error as error:
            if connection.closed:
                raise
            _note(contents, name, error)


def _note(contents: Contents, name: str, error: psycopg.Error) -> None:
    said = " ".join(str(error).split())
    harmless = _HARMLESS_STATES.get(error.sqlstate or "") or next(
        (why for part, why in _HARMLESS_TEXTS.items() if part in said), None
    )
    if harmless:
        contents.left_out[name] = f"{harmless}: {said}"
    else:
        contents.unreadable[name] = said


def text(name: bytes) -> str:
    """A name for people, of the bytes that the server sent: in SQL_ASCII they may be any."""
    return name.decode(errors="backslashreplace")


@contextlib.contextmanager
def complaints(instance: Instance, database: str) -> Iterator[None]:
    """:raises QueryError: instead of the driver's own error."""
    try:
        yield
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise QueryError(f"{instance.name} can't be asked in {database!r}: {said}") from error
