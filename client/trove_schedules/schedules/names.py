# SPDX-License-Identifier: Apache-2.0
"""How a schedule is known in other services: its trigger's name, and the marker in its backups.

A schedule is one cron trigger of Mistral. The trigger's name says which schedule and which instance
it is of. The description of each backup of the schedule ends with its marker.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from trove_schedules.ids import UUID, is_uuid

_TRIGGER_NAME = re.compile(rf"trove-backup:(?P<instance>{UUID}):(?P<schedule>{UUID}):([1-9][0-9]*)")


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


def schedule_of(description: str | None) -> str | None:
    """The id of the schedule whose marker a backup's description ends with, if one does."""
    match = re.search(rf"\[schedule ({UUID})\]\Z", description or "")
    return match and match[1]
