# SPDX-License-Identifier: Apache-2.0
"""Removes what Trove keeps for ever of what is over: rows of deleted backups and instances."""

from datetime import timedelta

import sqlalchemy
from oslo_utils import timeutils
from trove.db.sqlalchemy import session

#: As long as Mistral keeps the runs that made and deleted them.
KEPT_FOR = timedelta(days=35)
#: With a time as `before`.
STATEMENTS = (
    "DELETE FROM backups WHERE deleted AND deleted_at < :before",
    # Each request that a quota counts leaves one.
    "DELETE FROM reservations WHERE status IN ('Committed', 'Rolled Back') AND updated < :before",
    "DELETE FROM service_statuses WHERE instance_id IN"
    " (SELECT id FROM instances WHERE deleted AND deleted_at < :before)",
    "DELETE FROM instance_faults WHERE instance_id IN"
    " (SELECT id FROM instances WHERE deleted AND deleted_at < :before)",
    "DELETE FROM instances WHERE deleted AND deleted_at < :before",
)


def purge_old_rows() -> None:
    """Remove rows of what was deleted, and of requests that were counted, before that time."""
    before = timeutils.utcnow() - KEPT_FOR
    with session.get_engine().begin() as connection:
        for statement in STATEMENTS:
            connection.execute(sqlalchemy.text(statement), {"before": before})
