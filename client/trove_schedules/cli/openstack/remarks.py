# SPDX-License-Identifier: Apache-2.0
"""What is said on stderr of a schedule or policy that was created or changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trove_schedules.errors import ScheduledBackupError
from trove_schedules.words import shown

if TYPE_CHECKING:
    from trove_schedules.manager import ScheduledBackups
    from trove_schedules.schedules.schedule import Schedule


def say(schedules: ScheduledBackups, schedule: Schedule) -> None:
    """Print the remarks on a schedule or policy, one on a line.

    What keeps them from being found is a line too: the schedule is there all the same.
    """
    try:
        if schedule.noun == "policy":
            found = schedules.policy_remarks(schedule)
        else:
            found = schedules.schedule_remarks(schedule)
    except ScheduledBackupError as error:
        _print(f"warning: nobody could look for traps: {error}")
        return
    for remark in found:
        _print(f"warning: {remark.said}" if remark.warning else f"note: {remark.said}")


def _print(line: str) -> None:
    sys.stderr.write(f"{shown(line)}\n")
