# SPDX-License-Identifier: Apache-2.0
"""What state a schedule is in, and why.

Truth is Trove's backups with the schedule's marker; Mistral's executions only explain. So a state
can be told when Mistral's history is gone, and a backup that was asked for but never came is
missed however well the executions look.

A due time counts from two minutes after it. A schedule whose pattern was changed, or that was
resumed, owes nothing for the time before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile

from trove_schedules import pattern as cron
from trove_schedules.clients.trove import Backup
from trove_schedules.errors import InvalidPatternError, ServiceError
from trove_schedules.model import NEVER_PROVEN, RestoreProof, Schedule, ScheduleExecution, marker
from trove_schedules.reason import reason

#: From here on a due time is expected to have left a trace.
GRACE = timedelta(minutes=2)
#: Mistral fires up to two seconds early, and Trove's times are whole seconds.
_EARLY = timedelta(seconds=10)
#: A backup that runs longer than this is taken for stuck, where the caller doesn't say.
BLOCKED_AFTER = timedelta(hours=6)
#: A run that asks for no backup in this time never will: it tries for 3 minutes at most, and what
#: becomes of an executor that died is known to Mistral after 5.
_STUCK = timedelta(minutes=10)
_A_MOMENT = timedelta(microseconds=1)
_UNMARKED = (
    "python-troveclient made it, and nothing in its backups says that they are its; 'openstack "
    "database backup schedule set' makes it one whose backups can be told"
)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
#: Missed due times are counted up to here, from the newest back.
_MOST_MISSED = 1000


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
    UNKNOWN = "UNKNOWN"

    @property
    def exit_status(self) -> int:
        """As monitoring plugins have it: 0 fine, 1 warning, 2 critical, 3 unknown."""
        if self in (State.OK, State.RUNNING, State.PENDING):
            return 0
        return {State.PAUSED: 1, State.UNKNOWN: 3}.get(self, 2)

    @property
    def severity(self) -> int:
        """More is worse: what needs help counts more than what can't be told."""
        return (0, 1, 3, 2).index(self.exit_status)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one schedule.

    :ivar reason: why, in words.
    :ivar last_success: when the newest completed backup of the schedule was begun, in UTC.
    :ivar age: seconds since then, or None where there is no such backup.
    :ivar missed: due times since then (and since ``owed_since``) that brought no backup.
    :ivar chain_depth: backups that a restore of the newest one reads; 1 for a full one.
    :ivar kept: completed backups of the schedule that exist.
    :ivar quota_left: backups that the project may still make, or None where that is not known.
    :ivar last_proven: when a backup of the schedule was last shown to restore, in UTC, or None
        where Mistral knows of no drill that did.
    :ivar proven_backup: that backup.
    :ivar last_size: gigabytes of the newest completed backup, or None where Trove has no size.
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


@dataclass(frozen=True, slots=True)
class Limits:
    """What the caller thinks too old.

    :ivar max_age: of the newest completed backup, or None for what the pattern itself promises.
    :ivar blocked_after: of a backup that still runs.
    """

    max_age: timedelta | None = None
    blocked_after: timedelta = BLOCKED_AFTER


USUAL_LIMITS = Limits()


def assess(
    schedule: Schedule,
    backups: Sequence[Backup],
    executions: Callable[[datetime], Sequence[ScheduleExecution]],
    *,
    quota_left: int | None,
    limits: Limits,
    proof: RestoreProof = NEVER_PROVEN,
    now: datetime | None = None,
) -> Health:
    """Tell the state of a schedule.

    :param backups: of its instance; other instances' are ignored.
    :param executions: gives the newest executions, newest first, back to a time or further; asked
        only where the backups alone don't tell. It may raise ServiceError, and then the reason says
        so.
    :param proof: what the schedule's restore drills have shown.
    """
    now = now or datetime.now(UTC)
    if schedule.generation == 0:
        return unknown(schedule, _UNMARKED)
    try:
        view = _View(schedule, backups, now)
    except InvalidPatternError as error:
        # Mistral takes patterns that croniter can't follow, and users can spoil their triggers.
        return unknown(schedule, str(error))
    state, why = _state(view, executions, quota_left, limits)
    if proof.failure is not None:
        state, why = _unproven(state, why, proof.failure)
    newest = view.completed[0] if view.completed else None
    return Health(
        schedule_id=schedule.id,
        instance=schedule.instance,
        name=schedule.name,
        state=state,
        reason=why,
        last_success=newest.created if newest else None,
        age=(now - newest.created).total_seconds() if newest else None,
        next_execution_time=schedule.next_execution_time,
        missed=view.missed(),
        chain_depth=view.chain_depth(),
        kept=len(view.completed),
        quota_left=quota_left,
        last_proven=proof.last_proven,
        proven_backup=proof.backup_id,
        last_size=newest.size if newest else None,
    )


def _unproven(state: State, why: str, failure: str) -> tuple[State, str]:
    """A backup that doesn't restore is none, whatever else is fine; what is worse stays."""
    told = f"the newest restore drill failed: {failure}"
    if state.exit_status == 2:
        return state, f"{why}; {told}"
    return State.FAILED, f"{told}; {why}"


class _View:
    """A schedule's backups and due times, seen from now."""

    def __init__(self, schedule: Schedule, backups: Sequence[Backup], now: datetime) -> None:
        self.schedule, self.now = schedule, now
        self.instance_backups = [each for each in backups if each.instance_id == schedule.instance]
        ours = marker(schedule.id)
        mine = [each for each in self.instance_backups if (each.description or "").endswith(ours)]
        self.mine = sorted(mine, key=lambda each: each.created, reverse=True)
        self.completed = [each for each in self.mine if each.status == "COMPLETED"]
        # A paused schedule owes nothing, and its pattern may be one that only Mistral reads.
        self.due = [] if schedule.paused else self._due_times()

    def _due_times(self) -> list[datetime]:
        """Owed due times since the last success that should have left a trace, in order."""
        since = self.schedule.owed_since
        if self.completed:
            since = max(since, self.completed[0].created - _EARLY)
        times = cron.runs_before(self.schedule.pattern, self.now - GRACE + _A_MOMENT)
        due = takewhile(lambda time: time > since, times)
        return list(islice(due, _MOST_MISSED))[::-1]

    def missed(self) -> int:
        return sum(1 for due in self.due if not self.succeeded_since(due))

    def succeeded_since(self, due: datetime) -> bool:
        return any(each.created >= due - _EARLY for each in self.completed)

    def running(self) -> Backup | None:
        return next((each for each in self.mine if each.running), None)

    def served_by(self, backup: Backup) -> datetime:
        """The due time for which a backup was begun, which may be within its grace still."""
        return next(cron.runs_before(self.schedule.pattern, backup.created + _EARLY))

    def failed_between(self, due: datetime, until: datetime) -> Backup | None:
        failed = (each for each in self.mine if each.status == "FAILED")
        return next((each for each in failed if _between(due, each.created, until)), None)

    def chain_depth(self) -> int:
        """How many backups the newest completed one consists of, as far as they are listed."""
        by_id = {each.id: each for each in self.instance_backups}
        depth, at = 0, self.completed[0] if self.completed else None
        while at is not None:
            depth += 1
            at = by_id.get(at.parent_id or "")
        return depth


def _state(
    view: _View,
    executions: Callable[[datetime], Sequence[ScheduleExecution]],
    quota_left: int | None,
    limits: Limits,
) -> tuple[State, str]:
    now, schedule = view.now, view.schedule
    newest = view.completed[0] if view.completed else None
    said = f"last backup {_ago(now - newest.created)} ago" if newest else "no backup yet"
    if schedule.paused:
        return State.PAUSED, f"paused; {said}"
    for each in view.instance_backups:
        if each.running and now - each.created > limits.blocked_after:
            return State.BLOCKED, (
                f"backup {each.id} is {each.status} since {_ago(now - each.created)} and blocks "
                "the instance; 'openstack database instance reset status' ends it"
            )
    running, until = view.running(), _END_OF_TIME
    if running is not None:
        # It may serve what it was begun for; what was owed before is not mended yet.
        until = view.served_by(running)
        said = f"backup {running.id} is {running.status}; {said}"
    unserved = [due for due in view.due if due < until and not view.succeeded_since(due)]
    if unserved:
        state, why = _missed(view, unserved, until, executions, said)
    elif running is not None:
        state, why = State.RUNNING, said
    elif newest is None:
        return State.PENDING, f"never due yet; first at {_at(schedule.next_execution_time)}"
    else:
        state, why = State.OK, said
    limit = limits.max_age
    if state.exit_status == 0 and limit and newest and now - newest.created > limit:
        return State.STALE, f"{why}, more than {_ago(limit)}"
    if state == State.OK and quota_left is not None and quota_left <= 0:
        return State.QUOTA, f"the project's quota of backups is used up: the next fails; {why}"
    return state, why


def _between(due: datetime, time: datetime, until: datetime) -> bool:
    """Whether something was begun for one due time or a later one, but before those from until."""
    return due - _EARLY <= time < until - _EARLY


def _missed(
    view: _View,
    unserved: Sequence[datetime],
    until: datetime,
    executions: Callable[[datetime], Sequence[ScheduleExecution]],
    said: str,
) -> tuple[State, str]:
    """The state where the last due times before until, in order, brought no backup."""
    due = unserved[-1]
    missed = f"no backup for {_at(due)}; {said}"
    schedule = view.schedule
    if schedule.next_firing is not None and schedule.next_firing < view.now - GRACE:
        return State.OVERDUE, (
            f"Mistral has not fired it since {_at(schedule.next_firing)}: its periodic server may "
            f"be down; {missed}"
        )
    failed = view.failed_between(due, until)
    try:
        # Those of the due time before may have to tell too.
        newest = [
            each
            for each in executions(unserved[-2:][0] - _EARLY)
            if not each.already_backed_up and each.created_at < until - _EARLY
        ]
    except ServiceError as error:
        state = State.FAILED if failed else State.UNKNOWN
        return state, f"{missed}; Mistral can't say why: {error}"
    # Without a backup of its own: one that has would be found running, complete or failed.
    stuck = [each for each in newest if not each.ended and view.now - each.created_at > _STUCK]
    if any(each.created_at >= unserved[0] - _EARLY for each in stuck) and not failed:
        return State.FAILED, (
            f"execution {stuck[0].id} has run for {_ago(view.now - stuck[0].created_at)} without a "
            f"backup: an engine or executor of Mistral may be down; {missed}"
        )
    found = [each for each in newest if each.created_at >= due - _EARLY]
    if any(not each.ended for each in found):
        if len(unserved) == 1:
            return State.RUNNING, f"a run is in progress; {missed}"
        # It may mend it; what the due time before brought is known. A run that tries for longer
        # than its period, or a tick that was lost, would otherwise not be seen.
        due, next_due = unserved[-2], due
        before = [each for each in newest if each.created_at >= due - _EARLY]
        found = [each for each in before if each.ended]
        if not found and any(each.created_at < next_due - _EARLY for each in before):
            return State.RUNNING, f"a run is in progress; {missed}"
        missed = f"no backup for {_at(due)}; {said}"
    wrong = next((each for each in found if each.state != "SUCCESS"), None)
    if wrong is not None:
        why = reason(wrong.state_info) or wrong.state
        quota = re.search(r"quota", why, re.IGNORECASE) and not failed
        return (State.QUOTA if quota else State.FAILED), f"{why}; {missed}"
    if failed is not None:
        return State.FAILED, f"backup {failed.id} FAILED; {missed}"
    if found:
        return State.STALE, f"{found[0].output.get('status')}; {missed}"
    return State.LOST, (
        "Mistral left no execution: it may have lost the tick, or the trust is broken (its user "
        f"disabled, deleted, or without a role); {missed}"
    )


def worst_first(states: Iterable[Health]) -> list[Health]:
    return sorted(states, key=lambda each: -each.state.severity)


def unknown(schedule: Schedule, why: str) -> Health:
    """What can be told of a schedule when Trove, which keeps its backups, doesn't answer, whose
    pattern can't be read, or whose backups don't say that they are its."""
    return Health(
        schedule_id=schedule.id,
        instance=schedule.instance,
        name=schedule.name,
        state=State.UNKNOWN,
        reason=why,
        last_success=None,
        age=None,
        next_execution_time=schedule.next_execution_time,
        missed=0,
        chain_depth=0,
        kept=0,
        quota_left=None,
    )


def from_backups_alone(
    schedule_id: str, backups: Sequence[Backup], limits: Limits, why: str, now: datetime
) -> Health:
    """What can be told of a schedule when Mistral, which keeps it, doesn't answer.

    :param backups: the schedule's own; without one, its instance and name are not known either.
    :param why: what became of Mistral.
    """
    newest_first = sorted(backups, key=lambda each: each.created, reverse=True)
    completed = [each for each in newest_first if each.status == "COMPLETED"]
    newest = completed[0] if completed else None
    state, said = State.UNKNOWN, f"no completed backup; {why}"
    if newest is not None:
        age = now - newest.created
        said = f"last backup {_ago(age)} ago; {why}"
        if limits.max_age is not None:
            state = State.STALE if age > limits.max_age else State.OK
    return Health(
        schedule_id=schedule_id,
        instance=newest_first[0].instance_id if newest_first else "",
        name=newest_first[0].name if newest_first else "",
        state=state,
        reason=said,
        last_success=newest.created if newest else None,
        age=(now - newest.created).total_seconds() if newest else None,
        next_execution_time=None,
        missed=0,
        chain_depth=0,
        kept=len(completed),
        quota_left=None,
        last_size=newest.size if newest else None,
    )


def _at(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "no time"


def _ago(age: timedelta) -> str:
    """A span of time in its two largest units."""
    minutes = max(int(age.total_seconds() // 60), 0)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
