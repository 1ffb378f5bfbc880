# SPDX-License-Identifier: Apache-2.0
"""The states that a schedule can be in, and what is told of it with its state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

#: A backup that runs longer than this is taken for stuck, where the caller doesn't say.
BLOCKED_AFTER = timedelta(hours=6)


class State(StrEnum):
    """What state a schedule is in."""

    OK = "OK"
    RUNNING = "RUNNING"
    PENDING = "PENDING"
    PAUSED = "PAUSED"
    QUOTA = "QUOTA"
    STALE = "STALE"
    FAILED = "FAILED"
    OVERDUE = "OVERDUE"
    LOST = "LOST"
    BLOCKED = "BLOCKED"
    ORPHANED = "ORPHANED"
    UNKNOWN = "UNKNOWN"

    @property
    def exit_status(self) -> int:
        """As monitoring plugins have it: 0 fine, 1 warning, 2 critical, 3 unknown."""
        if self in (State.OK, State.RUNNING, State.PENDING):
            return 0
        return {State.PAUSED: 1, State.UNKNOWN: 3}.get(self, 2)

    @property
    def severity(self) -> int:
        """A larger number is worse. A schedule that needs help is worse than an unknown state."""
        return (0, 1, 3, 2).index(self.exit_status)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one schedule.

    :ivar reason: why, in words.
    :ivar last_success: when the newest completed backup of the schedule began, in UTC.
    :ivar age: seconds since then, or None where there is no such backup.
    :ivar missed: due times since then (and since ``owed_since``) that brought no backup.
    :ivar chain_depth: backups that a restore of the newest one reads; 1 for a full one.
    :ivar kept: completed backups of the schedule that exist.
    :ivar quota_left: backups that the project may still make, or None where that is not known.
    :ivar last_proven: when a backup of the schedule was last shown to restore, in UTC, or None
        where Mistral knows of no drill that did.
    :ivar proven_backup: that backup.
    :ivar last_size: gigabytes of the newest completed backup, or None where Trove has no size.
    :ivar last_duration: seconds from when that began to when it was completed, or a little more;
        None where Trove doesn't say.
    :ivar project_id: the id of the schedule's project, or None where it is not known.
    :ivar instance_name: of one of a policy's instances; None where only its id is known.
    """

    schedule_id: str
    instance: str
    name: str
    state: State
    reason: str
    last_success: datetime | None
    age: float | None
    next_execution_time: datetime | None
    missed: int
    chain_depth: int
    kept: int
    quota_left: int | None
    last_proven: datetime | None = None
    proven_backup: str | None = None
    last_size: float | None = None
    last_duration: float | None = None
    project_id: str | None = None
    instance_name: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyHealth:
    """The state of a policy: that of the instance that is worst off.

    :ivar reason: how many instances are in which state, and what concerns all, in words.
    :ivar instances: the state of each instance that the policy takes, the worst first.
    :ivar not_reached: how many of these its newest run had no time for.
    :ivar gone: ids of instances that were backed up at the last due time but one, and that the
        project has no more. They are told until the next due time.
    :ivar longest_unproven: which of the instances that have a completed backup was not shown to
        restore for the longest time; one that never was comes first. None where none has a backup,
        or the drills can't be read.
    """

    policy_id: str
    name: str
    state: State
    reason: str
    next_execution_time: datetime | None
    instances: tuple[Health, ...]
    not_reached: int
    gone: tuple[str, ...]
    project_id: str | None = None
    longest_unproven: Health | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the caller thinks too old.

    :ivar max_age: of the newest completed backup, or None for what the pattern itself promises.
    :ivar blocked_after: of a backup that still runs.
    """

    max_age: timedelta | None = None
    blocked_after: timedelta = BLOCKED_AFTER


USUAL_LIMITS = Limits()


_Judged = TypeVar("_Judged", Health, PolicyHealth)


def worst_first(states: Iterable[_Judged]) -> list[_Judged]:
    return sorted(states, key=lambda each: -each.state.severity)
