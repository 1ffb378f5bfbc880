# SPDX-License-Identifier: Apache-2.0
"""What callers get back of an execution, a run's or a drill's, and how long one may last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: No run and no drill lasts longer: the token that it works with is dead by then. One that Mistral
#: still shows as running lost its engine or executor, and nobody will end it.
LONGEST_RUN = timedelta(hours=1)
#: Within this time a run has asked for its backup, or never will.
ASKS_WITHIN = timedelta(minutes=12)

#: Mistral's words for an execution in which nothing more will happen.
ENDED = ("SUCCESS", "ERROR", "CANCELLED")

#: How the status begins where a firing had nothing to do: its due time has a backup, or
#: lies before the schedule was made or changed.
_NOTHING_TO_DO = re.compile(
    r"Skipped: (already|all \d+ already) backed up|Skipped: nothing was due"
)


@dataclass(frozen=True, slots=True)
class ScheduleExecution:
    """One run of a schedule, as long as Mistral keeps it.

    :ivar schedule_id: None where the run does not say, as with python-troveclient's triggers.
    :ivar backup_id: the backup it made, or None where it made none or has not said so yet.
    :ivar manual: whether somebody started it by hand.
    :ivar state: Mistral's word: ``RUNNING``, ``SUCCESS``, ``ERROR``, ``CANCELLED`` or ``PAUSED``.
    :ivar state_info: why it is in error, in Mistral's words, or None.
    :ivar output: what the workflow published: ``status`` in words, and ``backup_id``. A policy's
        has instead ``counts``, and the instances that ``failed`` or were ``unable``, 20 of each.
    :ivar instance: the id of the instance that it backs up; ``*`` where that is a policy's many,
        None where the run does not say.
    :ivar started_by: the name of the user who started it by hand, as our client noted it, which
        others of the project could change; None where that is not known.
    """

    id: str
    schedule_id: str | None
    backup_id: str | None
    manual: bool
    created_at: datetime
    updated_at: datetime | None
    state: str
    state_info: str | None
    output: dict[str, Any]
    instance: str | None = None
    started_by: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.state in ENDED

    def in_progress(self, now: datetime) -> bool:
        """Whether it may still do something: it has not ended, and is not too old for that."""
        return in_progress(self.state, self.created_at, now)

    @property
    def had_nothing_to_do(self) -> bool:
        """Whether it was one more attempt for a due time that has its backup, or owes none."""
        return _NOTHING_TO_DO.match(str(self.output.get("status"))) is not None


def in_progress(state: str, created_at: datetime, now: datetime) -> bool:
    """Whether an execution in this state, created at this time, may still do something."""
    return state not in ENDED and now - created_at < LONGEST_RUN
