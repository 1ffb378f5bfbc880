# SPDX-License-Identifier: Apache-2.0
"""What is to be said of a schedule when it is created or changed. Nothing of it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from trove_schedules.schedules.options import Options
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.room import MOST, USUAL_QUOTA, kept_by_pins, most_kept
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.schedules.selection import Subject
from trove_schedules.words import counted

#: The most instances, and the most other schedules, that are named.
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence for people.

    :ivar warning: whether something should be done about it.
    """

    said: str
    warning: bool


@dataclass(frozen=True, slots=True)
class Room:
    """The project's quota of backups.

    :ivar limit: how many it may have; None: as many as it likes.
    :ivar known: whether Trove has told it.
    """

    limit: int | None = USUAL_QUOTA
    known: bool = False

    def __str__(self) -> str:
        if self.limit is None:
            return "the project has no quota of backups"
        if not self.known:
            return f"Trove doesn't tell the project's quota, which usually is {self.limit} backups"
        return f"the project's quota is {counted(self.limit, 'backup')}"


def remarks(
    schedule: Schedule, others: Iterable[Schedule], room: Room, now: datetime
) -> list[Remark]:
    """How many backups a schedule has at most, and the traps that it is in.

    :param others: the schedules of its instance and the policies that take it, itself included or
        not.
    """
    return [
        _kept(schedule, room, now),
        *(Remark(said, True) for said in _cut_off(schedule)),
        *(
            _shared(schedule, each, "the same instance")
            for each in others
            if _active_beside(schedule, each) and _may_surprise(schedule, each)
        ),
    ]


def remarks_on_policy(
    policy: Policy,
    instances: Sequence[Subject],
    others: Iterable[Schedule],
    room: Room,
    now: datetime,
) -> list[Remark]:
    """The same of a policy, which has as many backups of each instance.

    :param instances: those of the project.
    :param others: the schedules and policies of the project, itself included or not.
    """
    taken = len(policy.selection.takes(instances))
    warnings = [
        *(Remark(said, True) for said in _cut_off(policy)),
        *shared_instances(policy, instances, others),
    ]
    if not taken:
        none = f"the policy takes none of the project's {counted(len(instances), 'instance')} now"
        return [Remark(none, True), *warnings]
    kept = most_kept(policy, now)
    if kept is None:
        return [_kept(policy, room, now), *warnings]
    number = f"{kept} or more" if kept == MOST else f"at most {kept}"
    # Not all of them make a backup at once.
    pinned = kept_by_pins(policy, len(policy.pinned))
    most = (kept - 1) * taken + min(policy.selection.max_parallel, taken) + pinned
    with_pins = f", with {pinned} that pins keep" if pinned else ""
    said = (
        f"the policy has {number} backups at once of each instance, the one in progress included, "
        f"and takes {counted(taken, 'instance')} now: {most} in all"
        f"{with_pins}; {room}"
    )
    return [Remark(said, room.limit is not None and most > room.limit), *warnings]


def _kept(schedule: Schedule, room: Room, now: datetime) -> Remark:
    kept = most_kept(schedule, now, pinned=len(schedule.pinned))
    if kept is not None:
        number = f"{kept} or more" if kept == MOST else f"at most {kept}"
        return Remark(
            f"the schedule has {number} backups at once, the one in progress included; {room}",
            room.limit is not None and kept > room.limit,
        )
    if schedule.rules:
        return Remark(
            "retention will delete nothing: without full-every all backups are one chain, and a "
            f"chain is only deleted whole; {room}",
            True,
        )
    return Remark(
        f"no backup is ever deleted, because no rule of retention is set; {room}",
        room.limit is not None,
    )


def _cut_off(plan: Options) -> Iterator[str]:
    """Attempts that begin after the deadline never make a backup."""
    if plan.deadline is None or plan.retry_every is None:
        return
    last = (plan.attempts - 1) * plan.retry_every
    if last > plan.deadline:
        yield (
            f"the last of {plan.attempts} attempts is {last} minutes after the due time, and the "
            f"deadline of {counted(plan.deadline, 'minute')} skips what begins later"
        )


def shared_instances(
    policy: Policy, instances: Sequence[Subject], others: Iterable[Schedule]
) -> list[Remark]:
    """Which other schedules and policies back up what a policy takes, those at its times first."""
    names = {each.instance: each.name for each in policy.selection.takes(instances)}
    found = []
    for other in others:
        if not _active_beside(policy, other):
            continue
        theirs = (
            {each.instance for each in other.selection.takes(instances)}
            if isinstance(other, Policy)
            else {other.instance}
        )
        if shared := sorted(names[each] for each in names.keys() & theirs):
            found.append(_shared(policy, other, _named(shared)))
    found.sort(key=lambda each: not each.warning)
    more = len(found) - _MOST_NAMED
    if more > 0:
        said = f"{more} more of the project's schedules and policies back up what the policy takes"
        found[_MOST_NAMED:] = [Remark(said, any(each.warning for each in found[_MOST_NAMED:]))]
    return found


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join([*names[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _active_beside(schedule: Schedule, other: Schedule) -> bool:
    """Whether it is another one of the same project; of a draft that is not known, nor needed."""
    projects = {schedule.project_id, other.project_id} - {None}
    return other.id != schedule.id and len(projects) < 2 and not other.paused


def _may_surprise(schedule: Schedule, other: Schedule) -> bool:
    """Two schedules of one instance that are due at different times are what people mean."""
    if other.noun == "policy":
        return True
    return other.instance == schedule.instance and _alike(schedule, other)


def _alike(schedule: Schedule, other: Schedule) -> bool:
    return (other.pattern, other.timezone) == (schedule.pattern, schedule.timezone)


def _shared(schedule: Schedule, other: Schedule, what: str) -> Remark:
    """Of two that are due together one is skipped: Trove makes one backup at a time."""
    who = f"{other.noun} {other.id} ({other.name}) backs up {what}"
    if _alike(schedule, other):
        return Remark(
            f"{who} at the same times, and Trove makes one backup of an instance at a time: each "
            "time one of the two has to wait or is skipped",
            True,
        )
    return Remark(f"{who} too, at other times: each makes and keeps backups of its own", False)
