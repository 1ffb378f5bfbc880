# SPDX-License-Identifier: Apache-2.0
"""Mistral's database: indexes, without which it gets slower with every execution kept; upgrades."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy
from mistral.db.sqlalchemy import types

_EXECUTIONS = "workflow_executions_v2"
_INDEX = f"{_EXECUTIONS}_workflow_name_updated_at"
_FOREIGN_KEYS = (
    ("action_executions_v2", "task_execution_id"),
    ("workflow_executions_v2", "task_execution_id"),
    ("workflow_executions_v2", "root_execution_id"),
)


def keep_queries() -> None:
    """Have SQLAlchemy write the queries of columns of JSON once, and not each time."""
    types.JsonEncodedLongText.cache_ok = types.JsonEncodedMediumText.cache_ok = True


def add_indexes(engine: Any) -> None:
    """Index the foreign keys in SQLite, also in a database of an earlier version.

    Mistral's migrations and MariaDB index them. Its models, which make the tables here, don't, so
    that SQLite read whole tables to find the actions of a task, and whole tables again for each row
    that it deleted with an execution.
    """
    with engine.begin() as connection:
        for table, column in _FOREIGN_KEYS:
            connection.exec_driver_sql(
                f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column})"
            )


def index_executions(url: str) -> None:
    """Give Mistral's table of executions the index that docs/operators/mistral-history.md names.

    Without it SQLite, which knows nothing of what is in its tables, reads every execution of the
    project to find a few new ones, and every database does so to find drills.
    """
    # Releases 2025.2 and 2026.1 of Mistral put a create_engine of their own here; it takes no text.
    engine = sqlalchemy.create_engine(sqlalchemy.make_url(url))
    there = {each["name"] for each in sqlalchemy.inspect(engine).get_indexes(_EXECUTIONS)}
    if _INDEX not in there:
        with engine.begin() as connection:
            columns = "(workflow_name, updated_at)"
            connection.execute(sqlalchemy.text(f"CREATE INDEX {_INDEX} ON {_EXECUTIONS} {columns}"))
    engine.dispose()


def take_over_rows(old: Path, new: Path) -> None:
    """Copy all rows of a database of SQLite into the tables that another one has.

    Columns that are new there get their default. What is in tables or columns that are gone from
    there stays behind.

    :raises sqlite3.Error: a new table doesn't take the rows.
    """
    with closing(sqlite3.connect(new)) as connection:
        connection.execute("ATTACH ? AS old", (str(old),))
        with connection:
            for table in _tables(connection, "old") & _tables(connection, "main"):
                common = _columns(connection, "old", table) & _columns(connection, "main", table)
                names = ", ".join(f'"{name}"' for name in sorted(common))
                connection.execute(f'DELETE FROM main."{table}"')  # noqa: S608
                connection.execute(
                    f'INSERT INTO main."{table}" ({names}) SELECT {names} FROM old."{table}"'  # noqa: S608
                )


def _tables(connection: sqlite3.Connection, database: str) -> set[str]:
    rows = connection.execute(f"SELECT name FROM {database}.sqlite_master WHERE type = 'table'")  # noqa: S608
    return {name for (name,) in rows if not name.startswith("sqlite_")}


def _columns(connection: sqlite3.Connection, database: str, table: str) -> set[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, database))
    return {name for (name,) in rows}
