# SPDX-License-Identifier: Apache-2.0
"""The words in which the reason of a state is told."""

from __future__ import annotations

from datetime import datetime

from trove_schedules.health.seen import Seen
from trove_schedules.words import span

UNMARKED = (
    "python-troveclient made it, and its backups have no marker, so nobody knows which they are; "
    "'openstack database backup schedule set' gives new ones a marker"
)
#: Of a schedule, by the ids of its instance and of itself.
ORPHANED = (
    "its instance {} is gone, and every run will fail; delete the schedule with 'openstack "
    "database backup schedule delete {}'; its backups stay"
)


def last_backup(seen: Seen) -> str:
    newest, running = seen.newest, seen.running
    said = f"last backup {span(seen.now - newest.created)} ago" if newest else "no backup yet"
    if running is not None and not seen.schedule.paused:
        said = f"backup {running.id} is {running.status}; {said}"
    return said


def missing(seen: Seen, due: datetime | None = None) -> str:
    """Which due time has no backup, the newest one if none is given, and what there is."""
    if due is None and seen.unserved:
        due = seen.unserved[-1]
    return f"no backup for {at(due)}; {last_backup(seen)}" if due else last_backup(seen)


def at(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "no time"
