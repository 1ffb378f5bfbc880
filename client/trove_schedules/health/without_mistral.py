# SPDX-License-Identifier: Apache-2.0
"""The health of schedules while Mistral, which keeps them, doesn't answer: by their backups."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime

from trove_schedules import clock
from trove_schedules.clients.trove import Backup, Trove
from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.health.state import Health, Limits, State, worst_first
from trove_schedules.schedules.names import schedule_of
from trove_schedules.words import span


def survey(
    trove: Trove,
    instance: str | None,
    wanted: Set[str],
    limits: Limits,
    why: ServiceUnavailableError,
) -> list[Health]:
    """The state of each schedule that has backups or is asked for, the worst first.

    :param instance: only those of this one, by its id or name.
    :param wanted: the ids or names of those that are asked for; none means all.
    :param why: what became of Mistral.
    :raises ServiceUnavailableError: no backup tells of any schedule, and none is asked for.
    """
    instance_id = None if instance is None else trove.instance_id(instance)
    #: By schedule and instance: a policy makes backups of several.
    made: dict[tuple[str, str], list[Backup]] = {}
    for backup in trove.backups(instance_id):
        schedule_id = schedule_of(backup.description)
        if schedule_id is None:
            continue
        # A schedule's name is that of its backups.
        if not wanted or not wanted.isdisjoint((schedule_id, backup.name)):
            made.setdefault((schedule_id, backup.instance_id), []).append(backup)
    known = {each.name for backups in made.values() for each in backups} | {key for key, _ in made}
    found = made | {(each, ""): [] for each in wanted - known}
    if not found:
        raise why
    now = clock.now()
    return worst_first(
        judge(schedule_id, backups, limits, str(why), now)
        for (schedule_id, _), backups in sorted(found.items())
    )


def judge(
    schedule_id: str, backups: Sequence[Backup], limits: Limits, why: str, now: datetime
) -> Health:
    """What can be told of a schedule.

    It may be paused, or deleted, so no backup is too old; one that is young enough is OK.

    :param backups: the schedule's own; without one, its instance and name are not known either.
    :param why: what became of Mistral.
    """
    newest_first = sorted(backups, key=lambda each: each.created, reverse=True)
    completed = [each for each in newest_first if each.status == "COMPLETED"]
    newest = completed[0] if completed else None
    said = f"last backup {span(now - newest.created)} ago" if newest else "no completed backup"
    young = newest and limits.max_age is not None and now - newest.created <= limits.max_age
    return Health(
        schedule_id=schedule_id,
        instance=newest_first[0].instance_id if newest_first else "",
        name=newest_first[0].name if newest_first else "",
        state=State.OK if young else State.UNKNOWN,
        reason=f"{said}; its schedule can't be read: {why}",
        last_success=newest.created if newest else None,
        age=(now - newest.created).total_seconds() if newest else None,
        next_execution_time=None,
        missed=0,
        chain_depth=0,
        kept=len(completed),
        quota_left=None,
        last_size=newest.size if newest else None,
        last_duration=newest.seconds if newest else None,
    )
