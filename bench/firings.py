# SPDX-License-Identifier: Apache-2.0
"""What became of a due time of a schedule, by the rows of Mistral's and Trove's databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

#: A firing may come this much too early.
EARLY = timedelta(seconds=5)


@dataclass(frozen=True)
class Member:
    """A schedule, and how many attempts each due time of it has."""

    id: str
    instance: str
    project: str
    attempts: int


@dataclass(frozen=True)
class Firing:
    """What became of a due time of one schedule.

    :ivar started: when the executions of it began.
    :ivar ended: when the last of them ended; None while one runs.
    :ivar requested: when its backups were asked for.
    :ivar completed: when each complete one of them became so.
    :ivar running: backups of it that are neither complete nor failed.
    """

    member: Member
    due: datetime
    started: Sequence[datetime]
    ended: datetime | None
    requested: Sequence[datetime]
    completed: Sequence[datetime]
    running: int

    @property
    def in_progress(self) -> bool:
        """A run or a backup of it isn't over."""
        return bool(self.running or (self.started and not self.ended))

    @property
    def lateness(self) -> float:
        """Seconds from the due time to the first execution."""
        return (min(self.started) - self.due).total_seconds()

    @property
    def duplicates(self) -> int:
        """Backups beyond the one that was due, and runs beyond those of its attempts."""
        runs = len(self.started) - self.member.attempts
        return max(len(self.completed) - 1, 0) + max(runs, 0)


def schedule_of(description: str | None) -> str | None:
    """The id in the marker at the end of a backup's description."""
    text = description or ""
    return text.removesuffix("]").rpartition(" ")[2] if text.endswith("]") else None


def firing(member: Member, due: datetime, runs: Sequence[Any], backups: Sequence[Any]) -> Firing:
    """What the rows of the schedule's runs and backups since the due time say."""
    ended = [_time(run.updated_at) for run in runs if run.state in ("SUCCESS", "ERROR")]
    complete = [_time(each.updated) for each in backups if each.state == "COMPLETED"]
    return Firing(
        member=member,
        due=due,
        started=sorted(_time(run.created_at) for run in runs),
        ended=max(ended) if ended and len(ended) == len(runs) else None,
        requested=sorted(_time(each.created) for each in backups),
        completed=sorted(complete),
        running=sum(each.state in ("NEW", "BUILDING", "SAVING") for each in backups),
    )


def _time(value: datetime | str) -> datetime:
    """SQLite's driver gives the text of a time where the statement is text."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC)
