# SPDX-License-Identifier: Apache-2.0
"""Keeping a schedule's backups while one of them is restored.

A hold is a paused execution of the workbook's ``backup_hold`` that notes the schedule: retention,
which is in Mistral too, deletes nothing of the schedule while there is one.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from trove_schedules import clock, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.errors import ServiceError

#: A hold counts for this long, as the workbook has it too. Trove gives a restore an hour, unless
#: its operator gives it more.
HELD_FOR = timedelta(hours=6)


def hold(mistral: Mistral, schedule_id: str) -> str:
    """Let retention of the schedule delete nothing from now on; the id of the hold."""
    workflow_id = workbook.require(mistral, workbook.HOLDS)
    for each in _holds(mistral):
        # Nobody else ends those of restores that nobody followed.
        if _is_over(each):
            release(mistral, each.id)
    given = {"schedule": {"id": schedule_id}}
    return mistral.start_execution(workflow_id, given, schedule_id).id


def release(mistral: Mistral, hold_id: str) -> None:
    """End a hold. One that can't be ended now ends by itself, so that is no error."""
    with suppress(ServiceError):
        mistral.delete_execution(hold_id, force=True)


def is_held(mistral: Mistral, schedule_id: str) -> bool:
    """Whether retention of the schedule is to delete nothing now."""
    return any(each.trigger_id == schedule_id and not _is_over(each) for each in _holds(mistral))


def _holds(mistral: Mistral) -> list[Execution]:
    return list(mistral.executions(workflow_name=f"eq:{workbook.HOLD}", state="PAUSED"))


def _is_over(hold: Execution) -> bool:
    return clock.now() - hold.created_at > HELD_FOR
