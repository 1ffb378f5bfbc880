# SPDX-License-Identifier: Apache-2.0
"""What callers get back: frozen values with aware UTC times, and how they are written in Mistral.

A schedule is one cron trigger; its name says whose it is, and the backups it makes carry its
marker in their description.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


def marker(schedule_id: str) -> str:
    """The text at the end of a backup's description that ties it to its schedule.

    The workbook writes it; it stays when Mistral's history is gone.
    """
    return f"[schedule {schedule_id}]"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule that makes backups of one database instance.

    :ivar id: a UUID, the same for the schedule's whole life.
    :ivar name: the name that every backup of the schedule gets.
    :ivar instance: the id of the instance.
    :ivar pattern: five cron fields, in UTC.
    :ivar parent_id: the backup that each run is an increment of, or None.
    :ivar incremental: whether each run builds on the newest completed backup.
    :ivar updated_at: the last time Mistral fired the schedule (or None): it changes at no other
        time, because Mistral can't change a trigger.
    :ivar next_execution_time: when Mistral will run it next, in UTC.
    :ivar input: the workflow's whole input, as Mistral keeps it.
    :ivar trigger_id: Mistral's id of the cron trigger behind it.
    """

    id: str
    name: str
    instance: str
    pattern: str
    description: str | None
    parent_id: str | None
    incremental: bool
    created_at: datetime
    updated_at: datetime | None
    next_execution_time: datetime | None
    input: dict[str, Any]
    trigger_id: str


@dataclass(frozen=True, slots=True)
class ScheduleExecution:
    """One run of a schedule, as long as Mistral keeps it.

    :ivar schedule_id: None where the run does not say, as with python-troveclient's triggers.
    :ivar backup_id: the backup it made, or None where it made none or has not said so yet.
    :ivar state: Mistral's word: ``RUNNING``, ``SUCCESS``, ``ERROR``, ``CANCELLED`` or ``PAUSED``.
    :ivar state_info: why it is in error, in Mistral's words, or None.
    :ivar output: what the workflow published: ``status`` in words, and ``backup_id``.
    """

    id: str
    schedule_id: str | None
    backup_id: str | None
    created_at: datetime
    updated_at: datetime | None
    state: str
    state_info: str | None
    output: dict[str, Any]
