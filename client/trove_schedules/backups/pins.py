# SPDX-License-Identifier: Apache-2.0
"""Backups that a schedule or policy keeps whatever its rules say.

A backup in Trove can't be changed, so its schedule's input in Mistral holds its id. A policy's runs
pass it on to the run of each instance.
"""

from __future__ import annotations

from dataclasses import replace

from trove_schedules.clients.services import Services
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.names import schedule_of
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers import replacing

#: They are part of each run's input, which Mistral stores three times.
MOST = 50


def pin(services: Services, schedule: Schedule, backup_id: str, *, force: bool) -> Schedule:
    """The schedule, or policy, with one more backup pinned.

    :raises BackupNotFoundError: the project has no such backup.
    :raises InvalidScheduleError: it isn't a completed one of the schedule, or too many are pinned.
    """
    if backup_id in schedule.pinned:
        return schedule
    backup = services.trove.backup(backup_id)
    noun = schedule.noun
    if schedule_of(backup.description) != schedule.id:
        raise InvalidScheduleError(
            f"backup {backup.id} is not one of {noun} {schedule.id}, which never deletes it; "
            f"only a {noun}'s own backups can be pinned"
        )
    if backup.status != "COMPLETED":
        raise InvalidScheduleError(
            f"backup {backup.id} is {backup.status}; only a COMPLETED one can be pinned"
        )
    if len(schedule.pinned) >= MOST:
        raise InvalidScheduleError(
            f"{MOST} backups of {noun} {schedule.id} are pinned, and more can't be; unpin one"
        )
    return _with(services, schedule, (*schedule.pinned, backup.id), force=force)


def unpin(services: Services, schedule: Schedule, backup_id: str, *, force: bool) -> Schedule:
    """The schedule with the backup pinned no more, which may be gone; one that isn't is fine."""
    if backup_id not in schedule.pinned:
        return schedule
    left = tuple(each for each in schedule.pinned if each != backup_id)
    return _with(services, schedule, left, force=force)


def _with(
    services: Services, schedule: Schedule, pinned: tuple[str, ...], *, force: bool
) -> Schedule:
    changed = replace(schedule, pinned=pinned)
    return replacing.replace(
        services,
        changed,
        schedule.plan,
        paused=schedule.paused,
        declared=schedule.declared,
        force=force,
    )
