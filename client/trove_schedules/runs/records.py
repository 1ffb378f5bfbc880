# SPDX-License-Identifier: Apache-2.0
"""The executions that people see: listed, shown, started by hand, and their records deleted."""

from __future__ import annotations

from functools import partial
from itertools import islice

from trove_schedules import clock, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.errors import ExecutionNotFoundError, ScheduleConflictError
from trove_schedules.ids import is_uuid
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.names import BACKUP, POLICY
from trove_schedules.schedules.schedule import Schedule

#: The workflows whose executions people start, or schedules.
_SHOWN = (
    workbook.WORKFLOW,
    workbook.POLICY,
    workbook.DRILL,
    workbook.POLICY_DRILL,
    workbook.WEBHOOK,
)
#: What the workbook is needed for, to start a run.
_RUNS = {BACKUP: workbook.RUN, POLICY: workbook.RUN_POLICY}


def listed(
    mistral: Mistral,
    schedule: Schedule,
    *,
    marker: str | None,
    limit: int | None,
    include_all: bool,
    instance: str | None = None,
) -> list[ScheduleExecution]:
    """The runs of a schedule, newest first.

    :param marker: start after this execution.
    :param limit: at most N; None means all.
    :param include_all: also those that had nothing to do.
    :param instance: those of this one of a policy's instances (its id) instead of the policy's own.
    :raises ExecutionNotFoundError: the marker is not an execution of this schedule.
    """
    # What is left out is looked at all the same: all but one attempt for each due time, mostly.
    looked_at = limit if limit is None or include_all else limit * schedule.attempts
    asked = (
        partial(history.executions, mistral, schedule)
        if instance is None
        else partial(history.of_instance, mistral, schedule, instance)
    )
    executions = asked(marker=marker, limit=looked_at)
    shown = (each for each in executions if include_all or not each.had_nothing_to_do)
    return list(islice(shown, limit))


def find(mistral: Mistral, execution_id: str) -> ScheduleExecution:
    """An execution of any schedule: a run, a drill or a test of its webhook.

    :raises ExecutionNotFoundError: the project has none of this id.
    """
    found = mistral.execution(execution_id) if is_uuid(execution_id) else None
    if found is None or found.workflow_name not in _SHOWN:
        raise ExecutionNotFoundError(
            f"no execution of a backup schedule or policy of this project has the id "
            f"{execution_id!r}; 'openstack database backup schedule execution list <schedule>' and "
            "'openstack database backup policy execution list <policy>' list them"
        )
    return history.of_schedule(found)


def start(mistral: Mistral, schedule: Schedule) -> ScheduleExecution:
    """Start a run now, with the rights of who is logged in."""
    workflow = workbook.require(mistral, _RUNS[schedule.kind])
    started = mistral.start_execution(workflow, schedule.input_by_hand(), schedule.trigger_id)
    return history.of_schedule(started, schedule.id)


def delete(mistral: Mistral, execution: ScheduleExecution) -> None:
    """Delete an execution's record.

    :raises ScheduleConflictError: it has not ended.
    """
    if not execution.ended:
        what_to_do = (
            "wait for its end"
            if execution.in_progress(clock.now())
            else "nothing runs in it any more, so end it first with "
            f"'openstack workflow execution update -s CANCELLED {execution.id}'"
        )
        raise ScheduleConflictError(
            f"execution {execution.id} is {execution.state}, and only finished executions can be "
            f"deleted; {what_to_do}"
        )
    mistral.delete_execution(execution.id)
