# SPDX-License-Identifier: Apache-2.0
"""What callers get back of a schedule: frozen values with aware UTC times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from trove_schedules.schedules.due import DueTimes
from trove_schedules.schedules.names import BACKUP
from trove_schedules.schedules.options import OPTIONS, Options
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.zones import Offsets


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Options):
    """A schedule of backups of one database instance: what it is to do, and where it stands.

    Every option of its plan is an attribute too, such as ``keep_days``.

    :ivar id: a UUID, the same for the schedule's whole life.
    :ivar instance: the id of the instance.
    :ivar pattern: five cron fields, in ``timezone``: when a backup is due.
    :ivar offsets: what its runs reckon that zone by: pairs of the second since the epoch from which
        an offset holds, and the offset in seconds east of UTC; empty for UTC.
    :ivar attempts: how often the schedule fires for each due time.
    :ivar retry_every: minutes between these firings, or None where there is one.
    :ivar paused: whether it is paused, and so has no next execution time.
    :ivar updated_at: the last time Mistral fired the schedule since its last change, or None.
    :ivar next_execution_time: when it is due next, in UTC; None while paused.
    :ivar input: the workflow's whole input, as Mistral keeps it.
    :ivar changed_at: when it was last created, changed, paused or resumed, in UTC.
    :ivar owed_since: from when on every due time is to bring a backup, in UTC: when it was created
        or resumed, or its pattern or time zone changed.
    :ivar next_firing: when Mistral fires its trigger next, which may be a further attempt for the
        last due time, or have nothing to do; what lies in the past here, Mistral has failed to
        fire.
    :ivar generation: counts the changes, from 1; 0 is one that python-troveclient made.
    :ivar trigger_id: Mistral's id of the cron trigger behind it.
    :ivar earlier_trigger_ids: those of the triggers that it had before it was changed, the oldest
        first.
    :ivar pinned: ids of backups that are kept whatever the rules say, the first pinned first.
    :ivar project_id: the id of the project that it is of.
    :ivar declared: whether a file has made it, or taken it over.
    :cvar kind: of its trigger.
    :cvar noun: what messages call it.
    """

    kind: ClassVar[str] = BACKUP
    noun: ClassVar[str] = "schedule"

    id: str
    instance: str
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
    pinned: tuple[str, ...] = ()
    project_id: str | None = None
    declared: bool = False
    offsets: Offsets = ()

    @property
    def due_times(self) -> DueTimes:
        """When it is due."""
        return DueTimes(self.pattern, self.offsets)

    @property
    def plan(self) -> Plan:
        """What it is to do."""
        return Plan(**{name: getattr(self, name) for name in OPTIONS})

    def input_by_hand(self) -> dict[str, Any]:
        """The input of a run that no due time asks for."""
        return self.plan.workflow_input(self.instance, self.id, {"manual": True} | self.pins())

    def pins(self) -> dict[str, list[str]]:
        """What the workflow gets of the pinned backups."""
        return {"pinned": list(self.pinned)} if self.pinned else {}


def reaches(schedule: Schedule, project_id: str | None) -> bool:
    """Whether it has rights to the instances of a project: its own, where that is known."""
    return schedule.project_id in (None, project_id)


@dataclass(frozen=True, slots=True)
class ScheduleTrial:
    """A schedule's one-off run by the trust, as the cron trigger has it, that proves the way there.

    :ivar trigger_id: Mistral's id of the cron trigger, which Mistral deletes when it fires.
    :ivar due_at: when it fires, two to three minutes after it was asked for, in UTC.
    """

    schedule_id: str
    trigger_id: str
    due_at: datetime
