# SPDX-License-Identifier: Apache-2.0
"""Which state a schedule is in, concluded from what is seen of it.

Truth is Trove's backups with the schedule's marker; Mistral's executions only explain. So a state
can be told when Mistral's history is gone, and a backup that was asked for but never came is
missed however well the executions look.

A due time counts from two minutes after it. A schedule whose pattern was changed, or that was
resumed, owes nothing for the time before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trove_schedules.clients.trove import Backup
from trove_schedules.drills.drill import RestoreProof
from trove_schedules.errors import InvalidPatternError, ServiceError
from trove_schedules.health.seen import EARLY, GRACE, Seen
from trove_schedules.health.state import Health, Limits, State
from trove_schedules.health.words import ORPHANED, UNMARKED, at, last_backup, missing, span
from trove_schedules.runs.execution import ASKS_WITHIN, LONGEST_RUN, ScheduleExecution
from trove_schedules.runs.reason import reason
from trove_schedules.schedules.names import EVERY
from trove_schedules.schedules.schedule import Schedule


def look(
    schedule: Schedule,
    backups: Sequence[Backup],
    *,
    limits: Limits,
    orphaned: bool,
    now: datetime,
) -> Look:
    """What can be told of a schedule before anybody is asked for executions.

    :param backups: of its instance; other instances' are ignored.
    :param orphaned: whether its instance is known to be gone.
    :param now: not later than when the schedule was read.
    """
    seen: Seen | None
    try:
        seen = Seen(schedule, backups, now)
    except InvalidPatternError as error:
        # Mistral takes patterns that croniter can't follow, and users can spoil their triggers.
        seen, unclear = None, str(error)
    else:
        unclear = UNMARKED if schedule.generation == 0 else ""
    if orphaned:
        gone = ORPHANED.format(schedule.instance, schedule.id)
        return Look(schedule, seen, limits, (State.ORPHANED, gone))
    if seen is None or unclear:
        return Look(schedule, None, limits, (State.UNKNOWN, unclear))
    return Look(schedule, seen, limits, _without_executions(seen, limits))


@dataclass(frozen=True, slots=True)
class Look:
    """What the backups of a schedule tell.

    :ivar seen: None where they tell nothing.
    :ivar told: its state and why, where that needs no executions.
    """

    schedule: Schedule
    seen: Seen | None
    limits: Limits
    told: tuple[State, str] | None

    @property
    def asks_since(self) -> datetime | None:
        """From when on executions are asked for, or None where they have nothing to explain."""
        if self.told or self.seen is None or not self.seen.unserved:
            return None
        # Those of the due time before may have to tell too.
        return self.seen.unserved[-2:][0] - EARLY

    def judge(
        self,
        executions: Callable[[datetime], Sequence[ScheduleExecution]],
        *,
        quota_left: int | None,
        look_again: Callable[[str], Backup | None],
        unread: Callable[[datetime], str | None],
        proof: RestoreProof,
    ) -> Health:
        """The state and why.

        :param executions: gives the newest executions, newest first, back to a time or further;
            called only where the backups alone don't tell. It may raise ServiceError, and then the
            reason says so.
        :param look_again: gives a backup that is not in the list, or None where Trove has none.
        :param unread: why it shows nothing that no execution was found of a due time; None where
            it shows that there was none.
        :param proof: what the schedule's drills have shown.
        """
        if self.seen is None:
            state, why = self.told or (State.UNKNOWN, "")
            return unknown(self.schedule, why, state)
        seen, told, since = self.seen, self.told, self.asks_since
        if since is not None:
            try:
                runs = executions(since)
            except ServiceError as error:
                told = _unexplained(seen, error)
            else:
                seen = seen.settled(runs, look_again)
                told = _explained(seen, runs, unread)
        state, why = _limited(seen, told or _served(seen), self.limits, quota_left)
        if proof.failure is not None:
            state, why = _unproven(state, why, proof.failure)
        newest = seen.newest
        return Health(
            schedule_id=self.schedule.id,
            instance=self.schedule.instance,
            name=self.schedule.name,
            state=state,
            reason=why,
            last_success=newest.created if newest else None,
            age=(seen.now - newest.created).total_seconds() if newest else None,
            next_execution_time=self.schedule.next_execution_time,
            missed=seen.missed,
            chain_depth=seen.chain_depth(),
            kept=len(seen.completed),
            quota_left=quota_left,
            last_proven=proof.last_proven,
            proven_backup=proof.backup_id,
            last_size=newest.size if newest else None,
            last_duration=newest.seconds if newest else None,
            project_id=self.schedule.project_id,
        )


def _without_executions(seen: Seen, limits: Limits) -> tuple[State, str] | None:
    """What counts whatever the backups are."""
    schedule, now = seen.schedule, seen.now
    if schedule.paused:
        return State.PAUSED, f"paused; {last_backup(seen)}"
    for each in seen.instance_backups:
        if each.running and now - each.created > limits.blocked_after:
            return State.BLOCKED, (
                f"backup {each.id} is {each.status} since {span(now - each.created)} and blocks "
                "the instance; 'openstack database instance reset status' ends it"
            )
    if schedule.next_firing is not None and schedule.next_firing < now - GRACE:
        return State.OVERDUE, (
            f"Mistral has not fired it since {at(schedule.next_firing)}: its periodic server may "
            f"be down (before release 2026.2: its API, or the trust is broken); {missing(seen)}"
        )
    return None


def _served(seen: Seen) -> tuple[State, str]:
    """The state where every due time has its backup, or may still get the one that runs."""
    if seen.running is not None:
        return State.RUNNING, last_backup(seen)
    if not seen.completed:
        return (
            State.PENDING,
            f"never due yet; first at {at(seen.schedule.next_execution_time)}",
        )
    return State.OK, last_backup(seen)


def _explained(
    seen: Seen,
    runs: Sequence[ScheduleExecution],
    unread: Callable[[datetime], str | None],
) -> tuple[State, str] | None:
    """The state where due times brought no backup, or None where the runs show that they did."""
    if not seen.unserved:
        return None
    due = seen.unserved[-1]
    runs = [each for each in runs if not each.had_nothing_to_do]
    found = [each for each in runs if seen.is_from(due, each.created_at)]
    if any(_in_progress(each, seen.now) for each in found):
        if len(seen.unserved) == 1:
            return State.RUNNING, f"a run is in progress; {missing(seen)}"
        # It may mend it; what the due time before brought is known. A run that tries for longer
        # than its period, or a firing that was lost, would otherwise not be seen.
        due, next_due = seen.unserved[-2], due
        before = [each for each in runs if seen.is_from(due, each.created_at)]
        found = [each for each in before if not _in_progress(each, seen.now)]
        if not found and any(each.created_at < next_due - EARLY for each in before):
            return State.RUNNING, f"a run is in progress; {missing(seen, next_due)}"
    return _ended(seen, due, found, unread)


def _ended(
    seen: Seen,
    due: datetime,
    found: Sequence[ScheduleExecution],
    unread: Callable[[datetime], str | None],
) -> tuple[State, str]:
    """The state where what was started for a due time, the newest first, will bring no backup."""
    missed, failed = missing(seen, due), seen.failed_from(seen.unserved[-1])
    wrong = next((each for each in found if each.state != "SUCCESS"), None)
    if wrong is not None and not wrong.ended:
        why = (
            f"execution {wrong.id} has run for {span(seen.now - wrong.created_at)} without a backup"
            ": an engine or executor of Mistral may be down"
        )
        if failed is not None:
            why = f"backup {failed.id} FAILED; {why}"
        return State.FAILED, f"{why}; {missed}"
    if wrong is not None:
        why = reason(wrong.state_info) or wrong.state
        quota = re.search(r"quota", why, re.IGNORECASE) and not failed
        return (State.QUOTA if quota else State.FAILED), f"{why}; {missed}"
    if failed is not None:
        return State.FAILED, f"backup {failed.id} FAILED; {missed}"
    if found:
        state, why = _without_its_backup(seen, found[0])
        return state, f"{why}; {missed}"
    if (not_read := unread(due)) is not None:
        return State.STALE, f"{not_read}; {missed}"
    return State.LOST, (
        "Mistral left no execution: it may have lost the firing, or the trust is broken (its user "
        f"disabled, deleted, or without a role); {missed}"
    )


def _without_its_backup(seen: Seen, run: ScheduleExecution) -> tuple[State, str]:
    """The state and why where a run has succeeded and its due time has no completed backup."""
    status, backup_id = str(run.output.get("status")), run.backup_id
    if backup_id is None:
        return State.STALE, status
    if backup_id in seen.gone:
        return State.STALE, f"its backup {backup_id} was deleted since"
    if (error := seen.unclear.get(backup_id)) is not None:
        return State.UNKNOWN, (
            f"the run ended with backup {backup_id}, which is newer than the list of backups; "
            f"it can't be read: {error}"
        )
    backup = seen.backup(backup_id)
    if backup is None or backup.status == "COMPLETED":
        made = f", which began at {at(backup.created)}" if backup else ""
        return State.STALE, f"execution {run.id} names backup {backup_id}{made}"
    return State.STALE, f"backup {backup.id} is {backup.status}"


def _unexplained(seen: Seen, error: ServiceError) -> tuple[State, str]:
    failed = seen.failed_from(seen.unserved[-1])
    state = State.FAILED if failed else State.UNKNOWN
    return state, f"{missing(seen)}; Mistral can't say why: {error}"


def _in_progress(run: ScheduleExecution, now: datetime) -> bool:
    """Whether a run that has no backup yet may still ask for it.

    A policy's goes from instance to instance for as long as it has rights.
    """
    within = LONGEST_RUN if run.instance == EVERY else ASKS_WITHIN
    return not run.ended and now - run.created_at < within


def _limited(
    seen: Seen, told: tuple[State, str], limits: Limits, quota_left: int | None
) -> tuple[State, str]:
    """What the caller thinks too old, and a quota that is used up, make of a good state."""
    (state, why), newest = told, seen.newest
    age = seen.now - newest.created if newest else timedelta(0)
    if state.exit_status == 0 and limits.max_age and age > limits.max_age:
        return State.STALE, f"{why}, more than {span(limits.max_age)}"
    if state == State.OK and quota_left is not None and quota_left <= 0:
        return (
            State.QUOTA,
            f"the project's quota of backups is used up: the next backup will fail; {why}",
        )
    return state, why


def _unproven(state: State, why: str, failure: str) -> tuple[State, str]:
    """FAILED where the newest drill failed: its backup doesn't restore. A worse state stays."""
    told = f"the newest drill failed: {failure}"
    if state.exit_status == 2:
        return state, f"{why}; {told}"
    return State.FAILED, f"{told}; {why}"


def unknown(schedule: Schedule, why: str, state: State = State.UNKNOWN) -> Health:
    """What can be told of a schedule when Trove, which keeps its backups, doesn't answer, whose
    pattern can't be read, or whose backups don't say that they are its."""
    return Health(
        schedule_id=schedule.id,
        instance=schedule.instance,
        name=schedule.name,
        state=state,
        reason=why,
        last_success=None,
        age=None,
        next_execution_time=schedule.next_execution_time,
        missed=0,
        chain_depth=0,
        kept=0,
        quota_left=None,
        project_id=schedule.project_id,
    )
