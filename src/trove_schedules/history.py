# SPDX-License-Identifier: Apache-2.0
"""The executions of a schedule, across all the triggers that it has had."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from trove_schedules import workbook
from trove_schedules.clients.mistral import Execution, Mistral
from trove_schedules.errors import ExecutionNotFoundError
from trove_schedules.model import (
    Schedule,
    ScheduleExecution,
    ScheduleTrial,
    in_progress,
    is_uuid,
)


def executions(
    mistral: Mistral,
    schedule: Schedule,
    *,
    marker: str | None = None,
    limit: int | None = None,
    since: datetime | None = None,
) -> Iterator[ScheduleExecution]:
    """Yield the schedule's executions, newest first, asked for page by page.

    A schedule has one trigger at a time, so what an earlier trigger started is all older than what
    a later one did, and an earlier one is asked for only when the later ones are exhausted.

    :param marker: start after this execution.
    :param limit: how many the caller is going to take, or to look at.
    :param since: no earlier trigger is asked for what is older than this.
    :raises ExecutionNotFoundError: the marker is not an execution of this schedule.
    """
    triggers = [schedule.trigger_id, *reversed(schedule.earlier_trigger_ids)]
    if marker is not None:
        triggers = triggers[_position(mistral, schedule, triggers, marker) :]
    oldest = schedule.changed_at
    for trigger_id in triggers:
        # The filter also finds texts that merely look like it.
        found = mistral.executions(description=f"has:{trigger_id}", marker=marker, limit=limit)
        for each in found:
            if each.trigger_id == trigger_id:
                yield of_schedule(each, schedule.id)
                oldest = min(oldest, each.created_at)
        if since is not None and oldest <= since:
            return
        marker = None


def running(
    mistral: Mistral, triggers: Collection[str], now: datetime, workflow: str = workbook.WORKFLOW
) -> ScheduleExecution | None:
    """A run that one of these triggers has started and that may still do something, or None.

    One request, however many triggers a schedule has had.
    """
    for each in mistral.executions(workflow_name=f"eq:{workflow}", state="RUNNING"):
        if each.trigger_id in triggers and in_progress(each.state, each.created_at, now):
            return of_schedule(each)
    return None


def of_trial(mistral: Mistral, trial: ScheduleTrial) -> ScheduleExecution | None:
    """The execution that a trial's trigger has started, or None where it has started none."""
    for each in mistral.executions(description=f"has:{trial.trigger_id}", limit=1):
        if each.trigger_id == trial.trigger_id:
            return of_schedule(each, trial.schedule_id)
    return None


def of_schedule(execution: Execution, schedule_id: str | None = None) -> ScheduleExecution:
    """The execution as callers get it, of the schedule that is known or that it names itself."""
    given = execution.input.get("schedule")
    own = given if isinstance(given, dict) else {}
    if schedule_id is None:
        schedule_id = _text(own.get("id"))
    return ScheduleExecution(
        id=execution.id,
        schedule_id=schedule_id,
        backup_id=_text(execution.output.get("backup_id")),
        manual=execution.manual or bool(own.get("manual")),
        created_at=execution.created_at,
        updated_at=execution.updated_at,
        state=execution.state,
        state_info=execution.state_info,
        output=execution.output,
    )


def _text(value: object) -> str | None:
    """A text in what users can write as they like."""
    return value if isinstance(value, str) else None


def _position(mistral: Mistral, schedule: Schedule, triggers: list[str], marker: str) -> int:
    at = mistral.execution(marker) if is_uuid(marker) else None
    if at is None or at.trigger_id not in triggers:
        raise ExecutionNotFoundError(
            f"the marker {marker!r} is not an execution of schedule {schedule.id}; "
            "give the id of one that it listed before"
        )
    return triggers.index(at.trigger_id)
