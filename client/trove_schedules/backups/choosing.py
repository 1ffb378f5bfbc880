# SPDX-License-Identifier: Apache-2.0
"""Which backup a restore reads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from trove_schedules import clock
from trove_schedules.clients.trove import Backup, Trove
from trove_schedules.errors import BackupNotFoundError, InvalidScheduleError
from trove_schedules.schedules import zones
from trove_schedules.schedules.names import schedule_of

#: How much later than in UTC it can be on the clocks of a zone.
_AHEAD = timedelta(hours=14)


def moment(given: str | datetime) -> datetime:
    """A time that a person gives: ISO 8601; without an offset it is not aware.

    :raises InvalidScheduleError: it is no time, or lies in the future whatever its zone.
    """
    try:
        time = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise InvalidScheduleError(
            f"{given!r} is not a time; write it like 2026-01-31T02:00 (in the schedule's time "
            "zone), or with an offset like 2026-01-31T02:00+01:00"
        ) from None
    # A day alone would be its first moment, which few people mean.
    if isinstance(given, str) and len(given) <= len("2026-01-31"):
        raise InvalidScheduleError(f"{given!r} is a day; give a time too, like {given}T02:00")
    _refuse_future(time.replace(tzinfo=UTC) - _AHEAD if time.tzinfo is None else time, time)
    return time


def in_utc(time: datetime, zone: str) -> datetime:
    """The same in UTC; one that is not aware is in this time zone.

    :raises InvalidScheduleError: it lies in the future.
    """
    told = zones.utc(zone, time)
    _refuse_future(told, time)
    return told


def _refuse_future(time: datetime, given: datetime) -> None:
    if time > clock.now():
        said = f"{given:%Y-%m-%d %H:%M:%S}" if given.tzinfo is None else f"{given.isoformat(' ')}"
        raise InvalidScheduleError(
            f"{said} lies in the future; times are in the schedule's time zone unless they have an "
            "offset, like 2026-01-31T02:00+01:00"
        )


def newest(own: Collection[Backup], whose: str, time: datetime | None) -> Backup:
    """The newest completed one of these backups that holds nothing of later than a time.

    A backup has the rows of a moment between its begin and its end, so it must have ended by then.

    :param own: the latest updated first where Trove can't tell their times apart.
    :param whose: what they are all of, in words.
    :raises BackupNotFoundError: there is no such backup.
    """
    completed = sorted(
        (each for each in own if each.status == "COMPLETED"),
        key=lambda each: each.created,
        reverse=True,
    )
    for each in completed:
        if time is None or _ended(each) <= time:
            return each
    if not completed:
        raise BackupNotFoundError(f"{whose} has no completed backup")
    first = completed[-1]
    raise BackupNotFoundError(
        f"{whose} has no backup that was completed by {time:%Y-%m-%d %H:%M:%S} UTC; "
        f"the oldest one, {first.id}, was completed at {_ended(first):%Y-%m-%d %H:%M:%S} UTC"
    )


def named(
    trove: Trove, backup_id: str, schedule_id: str, whose: str, instance_id: str | None = None
) -> Backup:
    """The backup that was asked for.

    :param whose: the schedule or policy, in words.
    :param instance_id: its instance, whose other backups will do too; None: not known.
    :raises BackupNotFoundError: the project has no such backup.
    :raises InvalidScheduleError: it is of something else, or not COMPLETED.
    """
    backup = trove.backup(backup_id)
    if schedule_id != schedule_of(backup.description) and backup.instance_id != instance_id:
        of_neither = f"neither of {whose} nor of its instance {instance_id}"
        raise InvalidScheduleError(
            f"backup {backup.id} is {of_neither if instance_id else f'not of {whose}'}; "
            "'openstack database instance create --backup' restores any backup"
        )
    if backup.status != "COMPLETED":
        raise InvalidScheduleError(
            f"backup {backup.id} is {backup.status}; only one that is COMPLETED can be restored"
        )
    return backup


def _ended(backup: Backup) -> datetime:
    return backup.updated or backup.created
