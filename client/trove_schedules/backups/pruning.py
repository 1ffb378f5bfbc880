# SPDX-License-Identifier: Apache-2.0
"""Retention by hand: what a schedule, or policy, no longer keeps is deleted, or only told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from trove_schedules import clock
from trove_schedules.backups import holding, retention
from trove_schedules.clients.services import Services
from trove_schedules.clients.trove import Backup
from trove_schedules.drills import executions as drills
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.names import EVERY, schedule_of
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers.finding import find_all


def prune(services: Services, schedule: Schedule, *, dry_run: bool) -> list[retention.Verdict]:
    """Delete the backups that a schedule no longer keeps; of a policy, those of each instance.

    :param dry_run: only tell.
    :returns: what becomes of each of its backups, by instance, the newest first.
    :raises InvalidScheduleError: it keeps all its backups.
    """
    if not schedule.rules:
        raise InvalidScheduleError(
            f"{schedule.noun} {schedule.id} keeps all its backups; set a rule first, such as "
            "keep-last"
        )
    now = clock.now()
    # Asked for before the backups: what begins later finds what is judged here as it is.
    needed = {
        each.parent_id: retention.Keeper("parent", _whose_parent(each, schedule))
        for each in find_all(services.mistral)
        if schedule.instance in (each.instance, EVERY) and each.parent_id is not None
    }
    needed |= dict.fromkeys(schedule.pinned, retention.Keeper("pin", "it is pinned"))
    held = holding.is_held(services.mistral, schedule.id)
    drilled = drills.in_progress(services.mistral, schedule.id) is not None
    verdicts = list[retention.Verdict]()
    for part, backups in _parts(services, schedule):
        verdicts += _judged(part, backups, needed, now, held=held, drilled=drilled)
    if not dry_run:
        for verdict in verdicts:
            if verdict.expired and verdict.goes_with is None:
                services.trove.delete_backup(verdict.backup.id)
    return verdicts


def _parts(services: Services, schedule: Schedule) -> list[tuple[Schedule, list[Backup]]]:
    """The schedule and its instance's backups; of a policy, of each instance that has some."""
    if not isinstance(schedule, Policy):
        return [(schedule, services.trove.backups(schedule.instance))]
    by_instance: dict[str, list[Backup]] = {}
    for backup in services.trove.backups():
        by_instance.setdefault(backup.instance_id, []).append(backup)
    return [
        (schedule.of(instance), backups)
        for instance, backups in sorted(by_instance.items())
        if any(schedule_of(each.description) == schedule.id for each in backups)
    ]


def _judged(
    schedule: Schedule,
    backups: list[Backup],
    needed: Mapping[str, retention.Keeper],
    now: datetime,
    *,
    held: bool,
    drilled: bool,
) -> list[retention.Verdict]:
    needed = dict(needed)
    if drilled:
        needed |= retention.perhaps_read(backups, schedule.id, now)
    if held:
        reading = retention.Keeper("restore", "a restore may be reading it")
        needed |= {each.id: reading for each in backups}
    return retention.judge(
        backups,
        schedule.id,
        schedule.rules,
        now=now,
        needed=needed,
        offsets=schedule.offsets,
    )


def _whose_parent(schedule: Schedule, pruned: Schedule) -> str:
    if schedule.id == pruned.id:
        return "the schedule's parent"
    return f"the parent of schedule {schedule.id}"
