# SPDX-License-Identifier: Apache-2.0
"""What callers get back: frozen values with aware UTC times, and how they are written in Mistral.

A schedule is one cron trigger; its name says whose it is, and the backups it makes carry its
marker in their description.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from trove_schedules.schedules.notify import USUAL_SUFFIXES


class HasId(Protocol):
    """Anything with an ``id``: a Schedule, an execution, a troveclient instance or backup."""

    @property
    def id(self) -> str: ...


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TRIGGER_NAME = re.compile(
    rf"trove-backup:(?P<instance>{_UUID}):(?P<schedule>{_UUID}):([1-9][0-9]*)"
)


def is_uuid(text: object) -> bool:
    """Whether this is a UUID as OpenStack services write them: lower case, with hyphens."""
    return isinstance(text, str) and re.fullmatch(_UUID, text) is not None


def new_schedule_id() -> str:
    """A fresh schedule id."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, order=True)
class TriggerName:
    """The name of the cron trigger that holds one generation of a schedule.

    Triggers made by python-troveclient are named by the bare schedule id: there ``instance`` is
    None and the generation 0.
    """

    generation: int
    schedule: str
    instance: str | None

    @classmethod
    def parse(cls, name: str) -> TriggerName | None:
        """Read a trigger's name; None where it is not a backup schedule's."""
        if is_uuid(name):
            return cls(0, name, None)
        match = _TRIGGER_NAME.fullmatch(name)
        return match and cls(int(match[3]), match["schedule"], match["instance"])

    def __str__(self) -> str:
        return f"trove-backup:{self.instance}:{self.schedule}:{self.generation}"


#: No run and no drill lasts longer: the token that it works with is dead by then. One that Mistral
#: still shows as running lost its engine or executor, and nobody will end it.
LONGEST_RUN = timedelta(hours=1)


def in_progress(state: str, created_at: datetime, now: datetime) -> bool:
    """Whether an execution in this state, created at this time, may still do something."""
    return state not in ENDED and now - created_at < LONGEST_RUN


#: Mistral's words for an execution in which nothing more will happen.
ENDED = ("SUCCESS", "ERROR", "CANCELLED")

#: How the status begins where a firing had nothing to do: its due time has a backup, or
#: lies before the schedule was made or changed.
_NOTHING_TO_DO = ("Skipped: already backed up", "Skipped: nothing was due")


def marker(schedule_id: str) -> str:
    """The text at the end of a backup's description that ties it to its schedule.

    The workbook writes it; it stays when Mistral's history is gone.
    """
    return f"[schedule {schedule_id}]"


def schedule_of(description: str | None) -> str | None:
    """The id of the schedule whose marker a backup's description ends with, if one does."""
    match = re.search(rf"\[schedule ({_UUID})\]\Z", description or "")
    return match and match[1]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule that makes backups of one database instance.

    :ivar id: a UUID, the same for the schedule's whole life.
    :ivar name: the name that every backup of the schedule gets.
    :ivar instance: the id of the instance.
    :ivar pattern: five cron fields, in UTC: when a backup is due.
    :ivar parent_id: the backup that each run is an increment of, or None.
    :ivar incremental: whether each run builds on the schedule's newest completed backup.
    :ivar full_every: of so many incremental backups in a row the first is full, or None.
    :ivar keep_last: how many completed backups are kept, or None for no such limit.
    :ivar keep_days: for how many days completed backups are kept, or None for no such limit.
    :ivar attempts: how often the schedule fires for each due time.
    :ivar retry_every: minutes between these firings, or None where there is one.
    :ivar deadline: minutes after its due time from which on a run is skipped, or None.
    :ivar paused: whether it is paused, and so has no next execution time.
    :ivar updated_at: the last time Mistral fired the schedule since its last change, or None.
    :ivar next_execution_time: when it is due next, in UTC; None while paused.
    :ivar input: the workflow's whole input, as Mistral keeps it.
    :ivar changed_at: when it was last created, changed, paused or resumed, in UTC.
    :ivar owed_since: from when on every due time is to bring a backup, in UTC: when it was created
        or resumed, or its pattern changed.
    :ivar next_firing: when Mistral fires its trigger next, which may be a guard tick of the last
        due time; what lies in the past here, Mistral has failed to fire.
    :ivar generation: counts the changes, from 1; 0 is one that python-troveclient made.
    :ivar trigger_id: Mistral's id of the cron trigger behind it.
    :ivar earlier_trigger_ids: those of the triggers that it had before it was changed, the oldest
        first.
    :ivar notify_url: what its runs ping, or None; the other three are what is put behind it when a
        run starts, has its backup, and fails (``-``: no ping).
    """

    id: str
    name: str
    instance: str
    pattern: str
    description: str | None
    parent_id: str | None
    incremental: bool
    full_every: int | None
    keep_last: int | None
    keep_days: int | None
    attempts: int
    retry_every: int | None
    deadline: int | None
    paused: bool
    created_at: datetime
    updated_at: datetime | None
    next_execution_time: datetime | None
    input: dict[str, Any]
    changed_at: datetime
    owed_since: datetime
    next_firing: datetime | None
    generation: int
    trigger_id: str
    earlier_trigger_ids: tuple[str, ...]
    notify_url: str | None = None
    notify_start: str = USUAL_SUFFIXES["notify_start"]
    notify_success: str = USUAL_SUFFIXES["notify_success"]
    notify_fail: str = USUAL_SUFFIXES["notify_fail"]


@dataclass(frozen=True, slots=True)
class ScheduleTrial:
    """A schedule's one-off run by the trust, as the cron trigger has it, that proves the way there.

    :ivar trigger_id: Mistral's id of the cron trigger, which Mistral deletes when it fires.
    :ivar due_at: when it fires, two to three minutes after it was asked for, in UTC.
    """

    schedule_id: str
    trigger_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleDrill:
    """When restore drills of a schedule are done.

    :ivar pattern: five cron fields, in UTC.
    :ivar trigger_id: Mistral's id of the cron trigger behind it.
    """

    schedule_id: str
    pattern: str
    next_execution_time: datetime | None
    trigger_id: str


@dataclass(frozen=True, slots=True)
class RestoreProof:
    """What the restore drills of a schedule have shown, as far back as Mistral keeps them.

    :ivar last_proven: when the newest drill that passed ended, in UTC, or None.
    :ivar backup_id: the backup that it restored, or None.
    :ivar failure: why the newest drill failed, or None where it passed or there was none.
    """

    last_proven: datetime | None = None
    backup_id: str | None = None
    failure: str | None = None


#: Of a schedule of which no drill is known.
NEVER_PROVEN = RestoreProof()


@dataclass(frozen=True, slots=True)
class ScheduleExecution:
    """One run of a schedule, as long as Mistral keeps it.

    :ivar schedule_id: None where the run does not say, as with python-troveclient's triggers.
    :ivar backup_id: the backup it made, or None where it made none or has not said so yet.
    :ivar manual: whether somebody started it by hand.
    :ivar state: Mistral's word: ``RUNNING``, ``SUCCESS``, ``ERROR``, ``CANCELLED`` or ``PAUSED``.
    :ivar state_info: why it is in error, in Mistral's words, or None.
    :ivar output: what the workflow published: ``status`` in words, and ``backup_id``.
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
        return str(self.output.get("status")).startswith(_NOTHING_TO_DO)
