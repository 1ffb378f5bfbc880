# SPDX-License-Identifier: Apache-2.0
"""The cron trigger that repeats the drills of a schedule: created, replaced, found, deleted."""

from __future__ import annotations

from trove_schedules import workbook
from trove_schedules.clients.mistral import CronTrigger, Mistral
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.drills.executions import workflow_input
from trove_schedules.errors import ScheduleConflictError
from trove_schedules.schedules import pattern as cron, triggers
from trove_schedules.schedules.schedule import Schedule


def repeat(
    mistral: Mistral, schedule: Schedule, pattern: str, *, force: bool = False
) -> ScheduleDrill:
    """Have drills done by this pattern, instead of by the one before.

    :param force: end the one before although a drill by it is in progress.
    :raises ScheduleNotFoundError: somebody else deleted the schedule at the same time.
    :raises ScheduleConflictError: somebody else had them done by another at the same time.
    """
    pattern = cron.validate(cron.freeze(pattern, schedule.id))
    given = workflow_input(schedule, manual=False)
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
    """Stop repeating drills, also those of a schedule that is gone.

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
