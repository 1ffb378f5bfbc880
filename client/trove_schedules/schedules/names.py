# SPDX-License-Identifier: Apache-2.0
"""How a schedule is known in other services: its trigger's name, and the marker in its backups.

A schedule is one cron trigger of Mistral, and others may stand beside it: that of its repeated
drills, and those of trials. Each trigger's name says which schedule and which instance it is of. A
policy's trigger has ``*`` for the instance.
The description of each backup of the schedule ends with its marker.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from trove_schedules.ids import UUID, is_uuid

#: How the names of triggers begin: that of a schedule, of its repeated drills, of a trial, of a
#: policy, of its repeated drills.
BACKUP, DRILL, TRIAL, POLICY = "trove-backup", "trove-drill", "trove-backup-trial", "trove-policy"
POLICY_DRILL = "trove-policy-drill"
#: What stands for the instance where it is a policy's.
EVERY = "*"

_TRIGGER_NAME = re.compile(
    rf"(?P<kind>{BACKUP}|{DRILL}|{TRIAL}|{POLICY}|{POLICY_DRILL}):(?P<instance>[^:]*):"
    rf"(?P<schedule>{UUID}):(?P<number>[1-9][0-9]*)"
)
#: What the workbook calls the temporary instance of a drill.
_TEMPORARY = re.compile(rf"{DRILL}-{UUID}-{UUID}")


def new_schedule_id() -> str:
    """A fresh schedule id."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, order=True)
class TriggerName:
    """The name of one of a schedule's cron triggers.

    :ivar number: the generation of the schedule or of its drills; of a trial, the minute it is for.
    :ivar instance: None where python-troveclient made the trigger: it is named by the bare schedule
        id, and its number is 0.
    :ivar kind: :data:`BACKUP`, :data:`DRILL`, :data:`TRIAL`, :data:`POLICY` or
        :data:`POLICY_DRILL`.
    """

    number: int
    schedule: str
    instance: str | None
    kind: str = BACKUP

    @classmethod
    def parse(cls, name: str) -> TriggerName | None:
        """Read a trigger's name. None: the trigger is not of a backup schedule."""
        if is_uuid(name):
            return cls(0, name, None)
        match = _TRIGGER_NAME.fullmatch(name)
        if match is None:
            return None
        kind, instance = match["kind"], match["instance"]
        of_policy = kind in (POLICY, POLICY_DRILL)
        if (kind == BACKUP and not is_uuid(instance)) or (of_policy and instance != EVERY):
            return None
        return cls(int(match["number"]), match["schedule"], instance, kind)

    def __str__(self) -> str:
        return f"{self.kind}:{self.instance}:{self.schedule}:{self.number}"


def is_temporary(instance_name: str) -> bool:
    """Whether an instance is one that a drill has made, and deletes."""
    return _TEMPORARY.fullmatch(instance_name) is not None


def marker(schedule_id: str) -> str:
    """The text at the end of a backup's description that ties it to its schedule.

    The workbook writes it; it stays when Mistral's history is gone.
    """
    return f"[schedule {schedule_id}]"


def schedule_of(description: str | None) -> str | None:
    """The id of the schedule whose marker a backup's description ends with, if one does."""
    match = re.search(rf"\[schedule ({UUID})\]\Z", description or "")
    return match and match[1]
