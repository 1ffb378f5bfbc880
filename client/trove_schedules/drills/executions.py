# SPDX-License-Identifier: Apache-2.0
"""The drills of a schedule, as Mistral's executions: started by hand, and listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trove_schedules import clock, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.errors import ExecutionNotFoundError, ScheduleConflictError
from trove_schedules.ids import is_uuid
from trove_schedules.runs import history
from trove_schedules.runs.execution import ENDED, ScheduleExecution
from trove_schedules.schedules.schedule import Schedule

#: A drill, and what chooses whose turn it is to be drilled.
_WORKFLOWS = (workbook.DRILL, workbook.POLICY_DRILL)


def start(mistral: Mistral, schedule: Schedule) -> ScheduleExecution:
    """Start a drill now, with the rights of who is logged in."""
    given = workflow_input(schedule, manual=True)
    # Not by a trigger's id: it is no run of the schedule.
    return history.of_schedule(
        mistral.start_execution(workbook.require(mistral, workbook.DRILLS), given, schedule.id)
    )


def executions(
    mistral: Mistral, schedule_id: str, *, marker: str | None = None, running: bool = False
) -> Iterator[ScheduleExecution]:
    """The drills of a schedule, newest first, asked for page by page among the project's.

    A policy's turn is one of them where no drill came of it.

    :param running: only those in progress, and a policy's turns in progress too.
    :raises ExecutionNotFoundError: the marker is not a drill of this schedule.
    """
    if marker is not None:
        at = mistral.execution(marker) if is_uuid(marker) else None
        if (
            at is None
            or at.workflow_name not in _WORKFLOWS
            or history.of_schedule(at).schedule_id != schedule_id
        ):
            raise ExecutionNotFoundError(
                f"the marker {marker!r} is not a drill of schedule {schedule_id}; "
                "give the id of one that was listed before"
            )
    workflows = {"workflow_name": f"in:{','.join(_WORKFLOWS)}"}
    filters = workflows | ({"state": "RUNNING"} if running else {})
    for row in mistral.executions(marker=marker, limit=None, **filters):
        each = history.of_schedule(row)
        if each.schedule_id == schedule_id and (running or not _goes_on_as_a_drill(row)):
            yield each


def _goes_on_as_a_drill(execution: Execution) -> bool:
    """Whether it is a policy's turn whose drill has an execution of its own, or may get one."""
    if execution.workflow_name != workbook.POLICY_DRILL:
        return False
    return execution.state not in ENDED or bool(execution.output.get("instance"))


def in_progress(
    mistral: Mistral, schedule_id: str, *, by_hand_too: bool = True
) -> ScheduleExecution | None:
    """A drill of the schedule that still does something, or None.

    :param by_hand_too: also one that was started by hand.
    """
    now = clock.now()
    for each in executions(mistral, schedule_id, running=True):
        if each.in_progress(now) and (by_hand_too or not each.manual):
            return each
    return None


def refuse_while_drilling(
    mistral: Mistral, schedule_id: str, *, by_hand_too: bool = True, noun: str = "schedule"
) -> None:
    """Refuse where a drill in progress would lose its rights, or its schedule.

    :param by_hand_too: one that was started by hand needs no trigger of drills.
    :param noun: what the error calls the schedule.
    :raises ScheduleConflictError: there is one.
    """
    drill = in_progress(mistral, schedule_id, by_hand_too=by_hand_too)
    if drill is not None:
        raise ScheduleConflictError(
            f"{noun} {schedule_id} has a drill in progress (execution {drill.id}) "
            "that would leave its temporary instance behind; wait for its end, or force it"
        )


def workflow_input(schedule: Schedule, *, manual: bool) -> dict[str, Any]:
    """The input of every drill of a schedule, or of one of a policy's instances."""
    mark = {"manual": True} if manual else {}
    return {"instance": schedule.instance, "schedule": {"id": schedule.id, **mark}}
