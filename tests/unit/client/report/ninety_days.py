# SPDX-License-Identifier: Apache-2.0
"""Ninety nights of one schedule, with every kind of gap, and what a report is to say of them.

Trove still has the backups of the last 14 days, and Mistral the executions of the last 60.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests import examples
from tests.examples import INSTANCE, SCHEDULE
from trove_schedules.clients.trove import Backup
from trove_schedules.report import Outcome
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.names import marker

SINCE = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 2, 5, tzinfo=UTC)
RUNS_FROM = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
BACKUPS_FROM = datetime(2026, 3, 18, 0, 0, tzinfo=UTC)
NIGHTLY = examples.schedule(
    created_at=datetime(2025, 6, 1, tzinfo=UTC), attempts=3, retry_every=20, keep_days=14
)

#: By date: what went differently, as (outcome, reason).
EXPECTED = {
    "2026-02-10": (Outcome.MISSED, "Mistral left no execution"),
    "2026-02-12": (Outcome.FAILED, "Quota exceeded for resources: ['backups']"),
    "2026-02-14": (Outcome.SKIPPED, "Skipped: backup b is running"),
    "2026-02-16": (Outcome.UNKNOWN, "Backup in progress"),
    "2026-03-25": (Outcome.FAILED, "the guest's disk is full"),
    "2026-03-26": (Outcome.FAILED, "backup failed-26 FAILED"),
    "2026-03-27": (Outcome.FAILED, "execution e-2026-03-27 never ended"),
    "2026-04-01": (Outcome.IN_PROGRESS, ""),
}


def run(at: datetime, state: str = "SUCCESS", info: str | None = None, **output: Any) -> Any:
    return ScheduleExecution(
        id=f"e-{at:%Y-%m-%d}",
        schedule_id=SCHEDULE,
        backup_id=output.get("backup_id"),
        manual=output.pop("manual", False),
        created_at=at,
        updated_at=at + timedelta(minutes=5),
        state=state,
        state_info=info,
        output=output,
    )


def backup(at: datetime, status: str = "COMPLETED", **changes: Any) -> Backup:
    fields: dict[str, Any] = {
        "id": f"b-{at:%m-%d}",
        "instance_id": INSTANCE,
        "name": "nightly",
        "description": f"nightly {marker(SCHEDULE)}",
        "status": status,
        "parent_id": None,
        "created": at,
        "size": 0.5,
        "updated": at + timedelta(minutes=4),
    }
    return Backup(**(fields | changes))


def _night(at: datetime) -> tuple[list[ScheduleExecution], list[Backup]]:
    """What a night left in Mistral and Trove, if both kept everything."""
    second = at + timedelta(minutes=20)
    skipped = run(second, status="Skipped: already backed up as b")
    match f"{at:%m-%d}":
        case "02-10":
            return [], []
        case "02-12":
            info = "Failed [action=x, msg='Quota exceeded for resources: ['backups']']"
            return [run(at, "ERROR", info), run(second, "ERROR", info)], []
        case "02-14":
            return [run(at, status="Skipped: backup b is running")], []
        case "02-16":
            return [run(at, status="Backup in progress", backup_id="b")], []
        case "03-25":
            failed = backup(at, "FAILED", id="failed-25")
            return [run(at, "ERROR", "[action=x, msg='the guest's disk is full']")], [failed]
        case "03-26":
            return [], [backup(at, "FAILED", id="failed-26")]
        case "03-27":
            # Its engine died.
            return [run(at, "RUNNING")], []
        case "03-28":
            # Only the second attempt made it.
            failed = run(at, "ERROR", "no")
            return [failed, run(second, status="Backup complete", backup_id="b")], [backup(second)]
        case "03-30":
            early = at - timedelta(seconds=2)
            return [run(early, status="Backup complete", backup_id="b"), skipped], [backup(early)]
        case "04-01":
            return [run(at, "RUNNING")], [backup(at, "BUILDING", size=None)]
    return [run(at, status="Backup complete", backup_id=f"b-{at:%m-%d}"), skipped], [backup(at)]


def nights() -> tuple[list[ScheduleExecution], list[Backup]]:
    """What Mistral and Trove still have, the oldest first."""
    runs, backups = list[ScheduleExecution](), list[Backup]()
    for number in range(90):
        made, kept = _night(datetime(2026, 1, 2, 2, 0, tzinfo=UTC) + timedelta(days=number))
        runs += [each for each in made if each.created_at >= RUNS_FROM]
        backups += [each for each in kept if each.created >= BACKUPS_FROM]
    return runs, backups
