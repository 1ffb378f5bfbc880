# SPDX-License-Identifier: Apache-2.0
"""Which backup may be the fixed base of a schedule."""

from __future__ import annotations

from trove_schedules.clients.services import Services
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.names import schedule_of
from trove_schedules.triggers.finding import find_all


def check(services: Services, parent_id: str, *, schedule_id: str, instance_id: str) -> None:
    """Refuse a parent on which a schedule's runs could not build.

    :raises BackupNotFoundError: the project has no such backup.
    :raises InvalidScheduleError: it is another instance's, not COMPLETED, or may be deleted.
    """
    backup = services.trove.backup(parent_id)
    if backup.instance_id != instance_id:
        raise InvalidScheduleError(
            f"backup {backup.id} is of instance {backup.instance_id}, not of {instance_id}; "
            "a parent must be a backup of the same instance"
        )
    if backup.status != "COMPLETED":
        raise InvalidScheduleError(
            f"backup {backup.id} is {backup.status}; a parent must be COMPLETED"
        )
    # The runs of a schedule keep its own parent, but know nothing of another schedule's.
    owner = schedule_of(backup.description)
    if owner is None or owner == schedule_id:
        return
    for each in find_all(services.mistral, name=f"has:{owner}"):
        if each.id == owner and each.rules:
            raise InvalidScheduleError(
                f"backup {backup.id} is of schedule {owner}, whose retention may delete it "
                "before a run builds on it; choose a backup that was made by hand, or of a "
                "schedule without retention"
            )
