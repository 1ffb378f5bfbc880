# SPDX-License-Identifier: Apache-2.0
"""What callers get back of a schedule: frozen values with aware UTC times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trove_schedules.schedules.notify import USUAL_SUFFIXES


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
