# SPDX-License-Identifier: Apache-2.0
"""A new instance from a schedule's backup, like the one that was backed up.

As little as possible is asked of Mistral, so that a restore is possible while it is down: Trove's
backups say by their markers whose they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from trove_schedules import clock
from trove_schedules.backups import choosing, fleet, holding
from trove_schedules.backups.restore import Like, ScheduleRestore, given
from trove_schedules.clients.instances import InstanceDetails
from trove_schedules.clients.services import Services
from trove_schedules.clients.trove import Backup
from trove_schedules.errors import (
    InstanceNotFoundError,
    InvalidScheduleError,
    ScheduledBackupError,
    ScheduleNotFoundError,
    ServiceError,
)
from trove_schedules.ids import is_uuid
from trove_schedules.schedules import zones
from trove_schedules.schedules.names import schedule_of
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.schedules.text import check_text
from trove_schedules.triggers import finding

_NOT_HELD = (
    "The schedule's retention may delete the backup while it is restored, because Mistral can't be "
    "told to keep it: "
)


def restore(
    services: Services,
    schedule: str,
    name: str,
    *,
    of_policy: bool = False,
    instance: str | None = None,
    at: str | datetime | None,
    backup: str | None,
    like: Like,
    dry_run: bool,
    report: Callable[[str], object],
) -> ScheduleRestore:
    """Make the instance, unless it is only asked what would be made; see the facade.

    :param of_policy: the schedule is a policy. Otherwise it may be one too, if a backup is given.
    :param instance: of a policy, the instance (name or id) that was backed up.
    """
    check_text("name", name)
    if of_policy and instance is None and backup is None:
        raise InvalidScheduleError(
            "a policy backs up several instances; give the one to restore, or its backup"
        )
    _check(like)
    if at is not None and backup is not None:
        raise InvalidScheduleError("give either a time or a backup, not both")
    time = None if at is None else choosing.moment(at)
    subject = _subject(services, schedule, instance, backup, of_policy=of_policy)
    if time is not None:
        time = choosing.in_utc(time, subject.timezone)
    planned = _plan(services, subject, name, time, backup, like)
    if dry_run:
        return planned
    _refuse(services, planned)
    report(planned.said)
    if subject.found is not None and subject.found.rules:
        planned = _held(services, planned)
    try:
        made = services.trove.create_instance(planned.request())
    except ScheduledBackupError:
        if planned.hold_id is not None:
            holding.release(services.mistral, planned.hold_id)
        raise
    return replace(planned, instance_id=made.id)


def progress(services: Services, restore: ScheduleRestore) -> InstanceDetails:
    """The new instance as Trove shows it; once it is made, or failed, its backup is kept no more.

    :raises InstanceNotFoundError: somebody has deleted it.
    """
    found = services.trove.instance(restore.instance_id or "")
    if found is None or found.ended:
        if restore.hold_id is not None:
            holding.release(services.mistral, restore.hold_id)
        if found is None:
            raise InstanceNotFoundError(f"somebody has deleted instance {restore.instance_id}")
    return found


def _check(like: Like) -> None:
    """Refuse before any request what Trove would refuse after some."""
    for key in ("network", "configuration"):
        if like.get(key) is not None and not is_uuid(like[key]):
            raise InvalidScheduleError(f"the {key} {like[key]!r} is not an ID")
    for key in ("flavor", "datastore_version"):
        if like.get(key) == "":
            raise InvalidScheduleError(f"the {key.replace('_', ' ')} is empty")
    size = like.get("volume_size")
    if size is not None and size < 0:
        raise InvalidScheduleError(
            f"the volume size {size} is not a number of gigabytes; 0 is no volume"
        )


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is restored.

    :ivar found: the schedule, or that which the instance has by a policy; None where only its id is
        known.
    :ivar instance: the id of the instance that was backed up; None where only the backups tell.
    :ivar noun: what messages call it.
    :ivar remark: what to know of it.
    """

    id: str
    found: Schedule | None
    instance: str | None
    noun: str = Schedule.noun
    remark: str = ""

    @property
    def timezone(self) -> str:
        """By whose clocks people give times."""
        return self.found.timezone if self.found else zones.USUAL

    @property
    def whose(self) -> str:
        """Whose backups are meant, for people."""
        of_one = f"instance {self.instance} by " if self.noun == Policy.noun else ""
        return f"{of_one}{self.noun} {self.id}"


def _subject(
    services: Services,
    wanted: str,
    instance: str | None,
    backup_id: str | None,
    *,
    of_policy: bool,
) -> _Subject:
    """The schedule or policy, and its instance; by its id also one that is gone.

    :raises ScheduleNotFoundError: or AmbiguousNameError, InstanceNotFoundError,
        BackupNotFoundError.
    """
    find = finding.find_policy if of_policy else finding.find_either
    found, remark = None, ""
    try:
        found = find(services.mistral, wanted)
    except ScheduleNotFoundError:
        if not is_uuid(wanted):
            raise
    except ServiceError as error:
        if not is_uuid(wanted):
            raise
        remark = f"{_NOT_HELD}{error}"
    if not (of_policy or isinstance(found, Policy)):
        return _Subject(wanted, None, None, remark=remark) if found is None else _own(found)
    policy_id = wanted if found is None else found.id
    policy = None if found is None else finding.policy_in(found)
    if instance is not None:
        instance = fleet.instance_id(services, policy, policy_id, instance)
    elif backup_id is not None:
        whose = f"policy {policy_id}"
        instance = choosing.named(services.trove, backup_id, policy_id, whose).instance_id
    else:
        raise InvalidScheduleError(
            f"policy {policy_id} backs up several instances; 'openstack database backup policy "
            "restore' takes the one to restore"
        )
    part = None if policy is None else policy.of(instance)
    return _Subject(policy_id, part, instance, Policy.noun, remark)


def _own(schedule: Schedule) -> _Subject:
    return _Subject(schedule.id, schedule, schedule.instance)


def _plan(
    services: Services,
    subject: _Subject,
    name: str,
    time: datetime | None,
    backup_id: str | None,
    like: Like,
) -> ScheduleRestore:
    """The restore as it would be."""
    backups = services.trove.backups(subject.instance)
    own = [each for each in backups if schedule_of(each.description) == subject.id]
    if subject.found is None and not own:
        raise ScheduleNotFoundError(
            f"this project has neither a backup {subject.noun} {subject.id!r} nor a backup of it"
            + (f" ({subject.remark})" if subject.remark else "")
        )
    several = len({each.instance_id for each in own}) > 1
    if subject.instance is None and backup_id is None and several:
        raise InvalidScheduleError(
            f"the backups of {subject.id} are those of a policy, of several instances; "
            "'openstack database backup policy restore' takes the one to restore"
        )
    if backup_id is None:
        backup = choosing.newest(own, subject.whose, time)
    else:
        whose, instance = f"{subject.noun} {subject.id}", subject.instance
        backup = choosing.named(services.trove, backup_id, subject.id, whose, instance)
    if subject.instance not in (None, backup.instance_id):
        raise InvalidScheduleError(
            f"backup {backup.id} is of instance {backup.instance_id}, not of {subject.instance}"
        )
    source = services.trove.instance(backup.instance_id)
    size = source.volume_size if source else _stored(services, backup, backups)
    like_source = ScheduleRestore(
        schedule_id=subject.id,
        backup=backup,
        until=time or clock.now(),
        source=backup.instance_id,
        source_exists=source is not None,
        name=name,
        flavor=source.flavor if source else None,
        volume_size=size,
        volume_type=source.volume_type if source else None,
        # An upgrade of the source doesn't change what its backups are of.
        datastore=backup.datastore or (source.datastore if source else None),
        datastore_version=backup.datastore_version
        or (source.datastore_version if source else None),
        network=source.network if source else None,
        configuration=source.configuration if source else None,
        timezone=subject.timezone,
        remark=subject.remark,
    )
    changes = given(like)
    if "volume_size" in changes:
        changes["volume_size"] = changes["volume_size"] or None
    return replace(like_source, **changes)


def _stored(services: Services, backup: Backup, known: Collection[Backup]) -> int | None:
    """Gigabytes for a backup and what it builds on, where no instance says how much it had."""
    by_id = {each.id: each for each in known}
    size, link = 0.0, backup
    while True:
        size += link.size or 0
        if link.parent_id is None:
            return ceil(size) or None
        link = by_id.get(link.parent_id) or services.trove.backup(link.parent_id)


def _refuse(services: Services, planned: ScheduleRestore) -> None:
    """Refuse what can't be made, before anything is changed."""
    if planned.missing:
        raise InvalidScheduleError(
            f"instance {planned.source}, which was backed up, is gone, and nothing else says what "
            f"the new one should be like; give its {planned.missing}"
        )
    namesakes = [
        each for each, name in services.trove.instance_names().items() if name == planned.name
    ]
    if namesakes:
        raise InvalidScheduleError(
            f"there is an instance {planned.name!r} already ({namesakes[0]}); choose another name"
        )


def _held(services: Services, planned: ScheduleRestore) -> ScheduleRestore:
    """The restore, with its backup kept; where that fails, it goes on, and says so."""
    try:
        return replace(planned, hold_id=holding.hold(services.mistral, planned.schedule_id))
    except ScheduledBackupError as error:
        return replace(planned, remark=f"{_NOT_HELD}{error}")
