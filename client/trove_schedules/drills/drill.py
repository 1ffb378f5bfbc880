# SPDX-License-Identifier: Apache-2.0
"""What callers get back of drills: when they are repeated, and what they have proved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ScheduleDrill:
    """When drills of a schedule are done.

    :ivar pattern: five cron fields, in UTC.
    :ivar trigger_id: Mistral's id of the cron trigger behind it.
    """

    schedule_id: str
    pattern: str
    next_execution_time: datetime | None
    trigger_id: str


@dataclass(frozen=True, slots=True)
class RestoreProof:
    """What the drills of a schedule have shown, as far back as Mistral keeps them.

    :ivar last_proven: when the newest drill that passed ended, in UTC, or None.
    :ivar backup_id: the backup that it restored, or None.
    :ivar failure: why the newest drill failed, or None where it passed or there was none.
    :ivar lacking: the databases and users ("database orders") that the instance had before that
        backup and still had at the drill, and that the restored instance lacked.
    """

    last_proven: datetime | None = None
    backup_id: str | None = None
    failure: str | None = None
    lacking: tuple[str, ...] = ()


#: Of a schedule of which no drill is known.
NEVER_PROVEN = RestoreProof()
