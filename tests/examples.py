# SPDX-License-Identifier: Apache-2.0
"""Values that tests of several packages share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from trove_schedules import Backup, Schedule, ScheduleRestore

INSTANCE = "5328f62a-d999-4be3-90bb-83cc6af4469c"
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
BACKUP = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"


def schedule(**changes: Any) -> Schedule:
    """A schedule that is as plain as can be, but for the changes.

    It was last changed when it was created, and Mistral fires it next when it is due.
    """
    fields: dict[str, Any] = {
        "id": SCHEDULE,
        "name": "nightly",
        "instance": INSTANCE,
        "pattern": "0 2 * * *",
        "description": None,
        "parent_id": None,
        "incremental": False,
        "full_every": None,
        "keep_last": None,
        "keep_days": None,
        "attempts": 1,
        "retry_every": None,
        "deadline": None,
        "paused": False,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "updated_at": None,
        "next_execution_time": datetime(2026, 3, 11, 2, 0, tzinfo=UTC),
        "input": {},
        "generation": 1,
        "trigger_id": "d7593305-6c8d-4b6c-8f6c-3b2f4f8f5a11",
        "earlier_trigger_ids": (),
    } | changes
    fields = {
        "changed_at": fields["created_at"],
        "owed_since": fields["created_at"],
        "next_firing": fields["next_execution_time"],
    } | fields
    return Schedule(**fields)


def restore(**changes: Any) -> ScheduleRestore:
    """A restore of the schedule's backup that is planned, but for the changes."""
    created = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
    planned = ScheduleRestore(
        schedule_id=SCHEDULE,
        backup=Backup(BACKUP, INSTANCE, "nightly", None, "COMPLETED", None, created, 0.1),
        until=datetime(2026, 1, 31, 5, 12, tzinfo=UTC),
        source=INSTANCE,
        source_exists=True,
        name="again",
        flavor="7",
        volume_size=5,
        volume_type=None,
        datastore="postgresql",
        datastore_version="18.6",
        network=None,
        configuration=None,
    )
    return replace(planned, **changes)
