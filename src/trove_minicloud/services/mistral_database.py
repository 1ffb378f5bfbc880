# SPDX-License-Identifier: Apache-2.0
"""Indexes of Mistral's SQLite database, without which it gets slower with every execution kept.

Mistral's migrations and MariaDB index these foreign keys. Its models, which make the tables here,
don't, so that SQLite read whole tables to find the actions of a task, and whole tables again for
each row that it deleted with an execution.
"""

from typing import Any

_FOREIGN_KEYS = (
    ("action_executions_v2", "task_execution_id"),
    ("workflow_executions_v2", "task_execution_id"),
    ("workflow_executions_v2", "root_execution_id"),
)


def add_indexes(engine: Any) -> None:
    """Make those that lack, also in a database of an earlier version."""
    with engine.begin() as connection:
        for table, column in _FOREIGN_KEYS:
            connection.exec_driver_sql(
                f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column})"
            )
