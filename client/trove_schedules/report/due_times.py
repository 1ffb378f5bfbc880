# SPDX-License-Identifier: Apache-2.0
"""What became of each due time of a schedule, by Trove's backups and Mistral's executions.

A completed backup is proof, and so is an execution that made one which retention has deleted since.
Of a time from which neither of them is left nothing is concluded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trove_schedules.clients.trove import Backup
from trove_schedules.health.seen import EARLY, GRACE
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.runs.reason import reason
from trove_schedules.schedules.due import DueTimes
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.words import span

#: How the status of a run begins that has seen its backup completed.
_COMPLETE = "Backup complete"
#: Attempts for a due time are over by then, as a rule: what began later was made by hand.
_LATE = timedelta(hours=1)
_A_MOMENT = timedelta(microseconds=1)


class Outcome(StrEnum):
    """What became of a due time, the best first."""

    BACKED_UP = "backed up"
    IN_PROGRESS = "in progress"
    UNKNOWN = "not known"
    SKIPPED = "skipped"
    FAILED = "failed"
    MISSED = "missed"

    @property
    def severity(self) -> int:
        """The higher, the worse."""
        return list(Outcome).index(self)

    @property
    def is_gap(self) -> bool:
        """Whether a backup was due and is missing."""
        return self in (Outcome.SKIPPED, Outcome.FAILED, Outcome.MISSED)


@dataclass(frozen=True, slots=True)
class DueTime:
    """One due time of a schedule, and what became of it.

    :ivar at: when the backup was due, in UTC.
    :ivar reason: why there is no backup, or what is to be known of it; may be empty.
    :ivar backup_id: the backup, also one that was deleted since.
    :ivar began: when the backup or, where that is gone, the run for it began, in UTC.
    :ivar size: gigabytes; None where the backup is gone, or Trove doesn't say.
    :ivar seconds: how long it took; None as for the size.
    """

    at: datetime
    outcome: Outcome
    reason: str = ""
    backup_id: str | None = None
    began: datetime | None = None
    size: float | None = None
    seconds: float | None = None


def due_times(
    schedule: Schedule,
    backups: Sequence[Backup],
    runs: Sequence[ScheduleExecution],
    since: datetime,
    now: datetime,
    runs_known_from: datetime,
) -> list[DueTime]:
    """What became of each due time since then, in order.

    Those before the schedule was made, resumed or its pattern changed are left out: what was due
    then is known no more. So are those that a paused schedule would have had.

    :param backups: the schedule's own.
    :param runs: the schedule's, from that time on.
    :param runs_known_from: from then on a run that is not there did not happen.
    :raises InvalidPatternError: only Mistral can read the pattern.
    """
    start = max(since, schedule.owed_since)
    end = min(now - GRACE, schedule.changed_at) if schedule.paused else now - GRACE
    times = list(_times(schedule.due_times, start, end))
    made: list[list[Backup]] = [[] for _ in times]
    begun: list[list[ScheduleExecution]] = [[] for _ in times]
    for backup in backups:
        if (place := _place(times, backup.created, now)) is not None:
            made[place].append(backup)
    for run in runs:
        if (place := _place(times, run.created_at, now)) is not None:
            begun[place].append(run)
    return [_became(*each, now, runs_known_from) for each in zip(times, made, begun, strict=True)]


def _times(due: DueTimes, start: datetime, end: datetime) -> Iterator[datetime]:
    for time in due.after(start - _A_MOMENT):
        if time > end:
            return
        yield time


def _place(times: Sequence[datetime], began: datetime, now: datetime) -> int | None:
    """For which of the due times something began: the last one by then, for which Mistral may fire
    early."""
    place = bisect_right(times, began + EARLY) - 1
    return place if place >= 0 and began <= now else None


def _became(
    at: datetime,
    backups: Sequence[Backup],
    runs: Sequence[ScheduleExecution],
    now: datetime,
    runs_known_from: datetime,
) -> DueTime:
    complete = min(
        (each for each in backups if each.status == "COMPLETED"),
        key=lambda each: each.created,
        default=None,
    )
    if complete is not None:
        return DueTime(
            at,
            Outcome.BACKED_UP,
            _late(at, complete.created),
            backup_id=complete.id,
            began=complete.created,
            size=complete.size,
            seconds=complete.seconds,
        )
    runs = sorted(
        (each for each in runs if not each.had_nothing_to_do), key=lambda each: each.created_at
    )
    for run in runs:
        if run.state == "SUCCESS" and _status(run).startswith(_COMPLETE):
            late = _late(at, run.created_at)
            said = "; ".join(filter(None, (late, "deleted since")))
            return DueTime(at, Outcome.BACKED_UP, said, run.backup_id, run.created_at)
    return _without_backup(at, backups, runs, now, runs_known_from)


def _without_backup(
    at: datetime,
    backups: Sequence[Backup],
    runs: Sequence[ScheduleExecution],
    now: datetime,
    runs_known_from: datetime,
) -> DueTime:
    """What the newest run says, of those in order, or the newest backup that has failed."""
    if any(each.running for each in backups) or any(each.in_progress(now) for each in runs):
        return DueTime(at, Outcome.IN_PROGRESS)
    failed = [each for each in backups if each.status == "FAILED"]
    if wrong := [each for each in runs if each.state != "SUCCESS"]:
        ended = "is CANCELLED" if wrong[-1].ended else "never ended"
        why = reason(wrong[-1].state_info) or f"execution {wrong[-1].id} {ended}"
        return DueTime(at, Outcome.FAILED, why)
    if failed:
        return DueTime(at, Outcome.FAILED, f"backup {failed[-1].id} FAILED")
    if runs:
        outcome = Outcome.UNKNOWN if runs[-1].backup_id else Outcome.SKIPPED
        return DueTime(at, outcome, _status(runs[-1]), runs[-1].backup_id)
    if at - EARLY < runs_known_from:
        return DueTime(at, Outcome.UNKNOWN, "Mistral keeps no executions from that time")
    return DueTime(at, Outcome.MISSED, "Mistral left no execution")


def _late(at: datetime, began: datetime) -> str:
    late = began - at
    return f"it began {span(late)} after it was due" if late > _LATE else ""


def _status(run: ScheduleExecution) -> str:
    return str(run.output.get("status") or "")
