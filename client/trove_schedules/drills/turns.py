# SPDX-License-Identifier: Apache-2.0
"""Which instance of a policy is drilled next, so that drills get round to all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.clients.trove import Backup
from trove_schedules.errors import BackupNotFoundError
from trove_schedules.runs import history
from trove_schedules.schedules.names import schedule_of
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.selection import Subject

_NEVER = datetime.min.replace(tzinfo=UTC)


def next_instance(
    policy: Policy,
    instances: Iterable[Subject],
    backups: Iterable[Backup],
    drills: Iterable[Execution],
) -> str:
    """The id of the instance whose last drill by the policy began the longest ago, by name.

    A drill counts however it ended: an instance that doesn't restore must not keep the others from
    their turn. Only instances that the policy takes and has a completed backup of have one.

    :param instances: of the project, as are the backups.
    :param drills: the newest first.
    :raises BackupNotFoundError: there is no such instance.
    """
    backed_up = {
        each.instance_id
        for each in backups
        if each.status == "COMPLETED" and schedule_of(each.description) == policy.id
    }
    drilled: dict[str | None, datetime] = {}
    for each in map(history.of_schedule, drills):
        if each.schedule_id == policy.id:
            drilled.setdefault(each.instance, each.created_at)
    candidates = [each for each in policy.selection.takes(instances) if each.instance in backed_up]
    if not candidates:
        raise BackupNotFoundError(
            f"policy {policy.id} has no completed backup of an instance that it takes"
        )
    chosen = min(candidates, key=lambda each: (drilled.get(each.instance, _NEVER), each.name))
    return chosen.instance
