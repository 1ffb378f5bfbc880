# SPDX-License-Identifier: Apache-2.0
"""What is seen of a schedule at one moment: its backups, and the due times that they leave open.

Mistral and Trove each have a clock. A backup is as old as Trove says, but it is never older than
the run that asked for it, by Mistral's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice

from trove_schedules.clients.trove import Backup
from trove_schedules.errors import ServiceError
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.due import DueTimes
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.schedule import Schedule

#: From here on a due time is expected to have left a trace.
GRACE = timedelta(minutes=2)
#: Mistral fires up to two seconds early, and Trove's times are whole seconds.
EARLY = timedelta(seconds=10)
#: A backup that Trove dates further before the run that names it than this is another run's.
_CLOCKS_APART = timedelta(minutes=15)
_A_MOMENT = timedelta(microseconds=1)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
#: Missed due times are counted up to here, from the newest back.
_MOST_MISSED = 1000


class Seen:
    """A schedule's backups and due times, seen from now.

    :param backups: of its instance; other instances' are ignored.
    :param begun: by id, when the run was started that asked for a backup.
    :ivar completed: its completed backups, the newest first.
    :ivar running: its backup that runs, or None.
    :ivar until: from here on a due time may get the backup that runs.
    :ivar unserved: due times before that brought no backup, in order.
    :ivar missed: how many due times have no completed backup.
    :ivar gone: ids of backups that a run has made and Trove has no more.
    :ivar unclear: by id, why Trove can't tell of a backup that a run has made.
    :raises InvalidPatternError: the pattern can't be read.
    """

    def __init__(
        self,
        schedule: Schedule,
        backups: Sequence[Backup],
        now: datetime,
        begun: Mapping[str, datetime] | None = None,
    ) -> None:
        self.schedule, self.now = schedule, now
        self.gone: set[str] = set()
        self.unclear: dict[str, ServiceError] = {}
        self.instance_backups = [
            _dated(each, (begun or {}).get(each.id))
            for each in backups
            if each.instance_id == schedule.instance
        ]
        ours = marker(schedule.id)
        mine = [each for each in self.instance_backups if (each.description or "").endswith(ours)]
        self.mine = sorted(mine, key=lambda each: each.created, reverse=True)
        self.completed = [each for each in self.mine if each.status == "COMPLETED"]
        self.running = next((each for each in self.mine if each.running), None)
        self.until, open_dues = _END_OF_TIME, list[datetime]()
        # A paused schedule owes nothing, and its pattern may be one that only Mistral reads.
        if not schedule.paused:
            open_dues = self._open_dues()
            if self.running is not None:
                self.until = self._served_by(self.running)
        self.missed = len(open_dues)
        self.unserved = [due for due in open_dues if due < self.until]

    def settled(
        self,
        runs: Sequence[ScheduleExecution],
        look_again: Callable[[str], Backup | None],
    ) -> Seen:
        """The same, with what runs say of the backups that they have made.

        The backups were read before the runs. One that is not among them is looked for again.
        """
        begun: dict[str, datetime] = {}
        wanted = set[str]()
        # The newest first, so the oldest of those that name one backup counts.
        for run in runs:
            if run.backup_id is not None and not run.had_nothing_to_do:
                begun[run.backup_id] = run.created_at
                if run.state == "SUCCESS":
                    wanted.add(run.backup_id)
        backups, gone = list(self.instance_backups), set[str]()
        unclear: dict[str, ServiceError] = {}
        for backup_id in sorted(wanted - {each.id for each in backups}):
            try:
                backup = look_again(backup_id)
            except ServiceError as error:
                unclear[backup_id] = error
                continue
            if backup is None:
                gone.add(backup_id)
            else:
                backups.append(backup)
        if not begun:
            return self
        seen = Seen(self.schedule, backups, self.now, begun)
        seen.gone, seen.unclear = gone, unclear
        return seen

    @property
    def newest(self) -> Backup | None:
        """The newest completed backup."""
        return self.completed[0] if self.completed else None

    def backup(self, backup_id: str) -> Backup | None:
        return next((each for each in self.instance_backups if each.id == backup_id), None)

    def failed_from(self, due: datetime) -> Backup | None:
        """The newest failed backup for this due time, or for a later one that nothing runs for."""
        return next(
            (
                each
                for each in self.mine
                if each.status == "FAILED" and self.is_from(due, each.created)
            ),
            None,
        )

    def is_from(self, due: datetime, time: datetime) -> bool:
        """Whether what began then is for this due time, or for a later one that nothing runs
        for."""
        return due - EARLY <= time < self.until - EARLY

    def chain_depth(self) -> int:
        """How many backups the newest completed one consists of, as far as they are listed."""
        by_id = {each.id: each for each in self.instance_backups}
        depth, at = 0, self.newest
        while at is not None:
            depth += 1
            at = by_id.get(at.parent_id or "")
        return depth

    def _open_dues(self) -> list[datetime]:
        """Owed due times since the last success that should have left a trace, in order."""
        since = self.schedule.owed_since
        if self.completed:
            since = max(since, self.completed[0].created + EARLY)
        return _times_before(self.schedule.due_times, self.now - GRACE + _A_MOMENT).since(since)

    def _served_by(self, backup: Backup) -> datetime:
        """The due time for which a backup began, which may be within its grace still."""
        return next(self.schedule.due_times.before(backup.created + EARLY))


class _Times:
    """The due times before a moment, reckoned as far back as somebody has asked."""

    def __init__(self, due_times: DueTimes, moment: datetime) -> None:
        self._due_times, self._moment = due_times, moment
        self._known: list[datetime] = []

    def since(self, start: datetime) -> list[datetime]:
        """Those after a time, in order: the newest ones where there are very many."""
        known = self._known
        if not known or known[-1] > start:
            # On from the last that is known.
            times = self._due_times.before(known[-1] if known else self._moment)
            for time in islice(times, _MOST_MISSED - len(known)):
                known.append(time)
                if time <= start:
                    break
        return [time for time in reversed(known) if time > start]


# A project's thousands of schedules have few patterns, and going back in one takes long.
@lru_cache(maxsize=512)
def _times_before(due_times: DueTimes, moment: datetime) -> _Times:
    return _Times(due_times, moment)


def _dated(backup: Backup, begun: datetime | None) -> Backup:
    if begun is None or not timedelta(0) < begun - backup.created <= _CLOCKS_APART:
        return backup
    return replace(backup, created=begun)
