# SPDX-License-Identifier: Apache-2.0
"""Retention by hand: what a schedule no longer keeps is deleted, or only told."""

from __future__ import annotations

from trove_schedules import clock
from trove_schedules.backups import holding, retention
from trove_schedules.clients.services import Services
from trove_schedules.drills import executions as drills
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers.finding import find_all


def prune(services: Services, schedule: Schedule, *, dry_run: bool) -> list[retention.Verdict]:
    """Delete the backups that a schedule no longer keeps.

    :param dry_run: only tell.
    :returns: what becomes of each of its backups, the newest first.
    :raises InvalidScheduleError: it keeps all its backups.
    """
    if not schedule.rules:
        raise InvalidScheduleError(
            f"schedule {schedule.id} keeps all its backups; set a rule first, such as keep-last"
        )
    now = clock.now()
    # Asked for before the backups: what begins later finds what is judged here as it is.
    needed = {
        each.parent_id: retention.Keeper("parent", _whose_parent(each, schedule))
        for each in find_all(services.mistral)
        if each.instance == schedule.instance and each.parent_id is not None
    }
    needed |= dict.fromkeys(schedule.pinned, retention.Keeper("pin", "it is pinned"))
    held = holding.is_held(services.mistral, schedule.id)
    drilled = drills.in_progress(services.mistral, schedule.id) is not None
    backups = services.trove.backups(schedule.instance)
    if drilled:
        needed |= retention.perhaps_read(backups, schedule.id, now)
    if held:
        reading = retention.Keeper("restore", "a restore may be reading it")
        needed |= {each.id: reading for each in backups}
    verdicts = retention.judge(
        backups,
        schedule.id,
        schedule.rules,
        now=now,
        needed=needed,
        offsets=schedule.offsets,
    )
    if not dry_run:
        for verdict in verdicts:
            if verdict.expired and verdict.goes_with is None:
                services.trove.delete_backup(verdict.backup.id)
    return verdicts


def _whose_parent(schedule: Schedule, pruned: Schedule) -> str:
    if schedule.id == pruned.id:
        return "the schedule's parent"
    return f"the parent of schedule {schedule.id}"
