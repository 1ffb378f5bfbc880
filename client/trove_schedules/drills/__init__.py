# SPDX-License-Identifier: Apache-2.0
"""Restore drills of schedules: started, repeated by a cron trigger of their own, and their outcome.

A drill is an execution of the workbook's workflow ``backup_drill``. What came of it is kept there
and nowhere else: a record that an operator's Mistral expires takes the proof with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from trove_schedules import workbook
from trove_schedules.clients.mistral import CronTrigger, Mistral
from trove_schedules.errors import ExecutionNotFoundError, ScheduleConflictError
from trove_schedules.model import RestoreProof, Schedule, ScheduleDrill, ScheduleExecution, is_uuid
from trove_schedules.runs import history
from trove_schedules.runs.reason import reason
from trove_schedules.schedules import pattern as cron, triggers

#: How many of the project's newest drills tell of proofs: one page, asked for by one request.
SIGHT = 1000
_PASSED = "Drill passed"


def start(mistral: Mistral, schedule: Schedule) -> ScheduleExecution:
    """Start a drill now, with the rights of who is logged in."""
    given = _input(schedule, manual=True)
    # Not by a trigger's id: it is no run of the schedule.
    return history.of_schedule(
        mistral.start_execution(workbook.require(mistral, workbook.DRILLS), given, schedule.id)
    )


def repeat(
    mistral: Mistral, schedule: Schedule, pattern: str, *, force: bool = False
) -> ScheduleDrill:
    """Have drills done by this pattern, instead of by the one before.

    :param force: end the one before although a drill by it is in progress.
    :raises ScheduleNotFoundError: somebody else deleted the schedule at the same time.
    :raises ScheduleConflictError: somebody else had them done by another at the same time.
    """
    pattern = cron.validate(cron.freeze(pattern, schedule.id))
    given = _input(schedule, manual=False)
    before = _triggers(mistral, schedule.id)
    generation = 1 + max((_generation(each) for each in before), default=0)
    made = mistral.create_cron_trigger(
        f"{triggers.DRILL_NAME}:{schedule.instance}:{schedule.id}:{generation}",
        workbook.require(mistral, workbook.DRILLS),
        pattern,
        given,
    )
    # One of this name that is there already is taken for ours.
    if (made.pattern, made.input) != (pattern, given):
        raise _conflict(schedule, made)
    triggers.confirm(mistral, schedule.id, made)
    others = [each for each in _triggers(mistral, schedule.id) if each.id != made.id]
    newest = max(others, key=_generation, default=made)
    if _generation(newest) > generation:
        mistral.delete_cron_trigger(made.id)
        raise _conflict(schedule, newest)
    for each in others:
        if force:
            mistral.delete_cron_trigger(each.id)
        else:
            triggers.tidy(mistral, each)
    return _drill(schedule, made)


def stop(mistral: Mistral, schedule_id: str) -> bool:
    """Have no more drills done, also for a schedule that is gone.

    :returns: whether any were.
    """
    found = _triggers(mistral, schedule_id)
    for each in found:
        mistral.delete_cron_trigger(each.id)
    return bool(found)


def planned(mistral: Mistral, schedule: Schedule) -> ScheduleDrill | None:
    """When drills of the schedule are done, or None.

    Whoever is killed while changing the pattern leaves two triggers, and this deletes the older.
    """
    found = sorted(_triggers(mistral, schedule.id), key=_generation)
    for replaced in found[:-1]:
        triggers.tidy(mistral, replaced)
    return _drill(schedule, found[-1]) if found else None


def executions(
    mistral: Mistral, schedule_id: str, *, marker: str | None = None, running: bool = False
) -> Iterator[ScheduleExecution]:
    """The drills of a schedule, newest first, asked for page by page among the project's.

    :raises ExecutionNotFoundError: the marker is not a drill of this schedule.
    """
    if marker is not None:
        at = mistral.execution(marker) if is_uuid(marker) else None
        if (
            at is None
            or at.workflow_name != workbook.DRILL
            or history.of_schedule(at).schedule_id != schedule_id
        ):
            raise ExecutionNotFoundError(
                f"the marker {marker!r} is not a drill of schedule {schedule_id}; "
                "give the id of one that was listed before"
            )
    filters = {"workflow_name": f"eq:{workbook.DRILL}"} | ({"state": "RUNNING"} if running else {})
    found = mistral.executions(marker=marker, limit=None, **filters)
    for each in map(history.of_schedule, found):
        if each.schedule_id == schedule_id:
            yield each


def proofs(mistral: Mistral) -> dict[str, RestoreProof]:
    """What the project's newest drills have shown, by schedule, by one request."""
    found = mistral.executions(workflow_name=f"eq:{workbook.DRILL}", limit=SIGHT)
    return judge(map(history.of_schedule, islice(found, SIGHT)))


def judge(drills: Iterable[ScheduleExecution]) -> dict[str, RestoreProof]:
    """What drills, newest first, have shown, by schedule; what was skipped has shown nothing."""
    told: dict[str, RestoreProof] = {}
    for each in drills:
        schedule_id = each.schedule_id or ""
        seen = told.get(schedule_id)
        passed = each.state == "SUCCESS" and str(each.output.get("status")).startswith(_PASSED)
        if seen is None and each.state == "ERROR":
            told[schedule_id] = RestoreProof(failure=reason(each.state_info) or each.state)
        elif passed and (seen is None or seen.last_proven is None):
            ended_at = each.updated_at or each.created_at
            told[schedule_id] = RestoreProof(
                ended_at, each.backup_id, seen.failure if seen else None
            )
    return told


def _input(schedule: Schedule, *, manual: bool) -> dict[str, Any]:
    mark = {"manual": True} if manual else {}
    return {"instance": schedule.instance, "schedule": {"id": schedule.id, **mark}}


def _conflict(schedule: Schedule, quicker: CronTrigger) -> ScheduleConflictError:
    return ScheduleConflictError(
        f"the drills of schedule {schedule.id} were given the pattern {quicker.pattern!r} by "
        "somebody else at the same time; look at it, and try again"
    )


def _triggers(mistral: Mistral, schedule_id: str) -> list[CronTrigger]:
    found = mistral.cron_triggers(workflow_name=f"eq:{workbook.DRILL}", name=f"has:{schedule_id}")
    return [each for each in found if each.name.split(":")[2:3] == [schedule_id]]


def _generation(trigger: CronTrigger) -> int:
    number = trigger.name.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _drill(schedule: Schedule, trigger: CronTrigger) -> ScheduleDrill:
    return ScheduleDrill(
        schedule_id=schedule.id,
        pattern=trigger.pattern or "",
        next_execution_time=trigger.next_execution_time,
        trigger_id=trigger.id,
    )
