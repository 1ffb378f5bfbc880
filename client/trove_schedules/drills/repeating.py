# SPDX-License-Identifier: Apache-2.0
"""Drills that are done again and again: the cron trigger that repeats them.

It has generations, as a schedule has; see :mod:`trove_schedules.triggers.generations`.
"""

from __future__ import annotations

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import CronTrigger
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.drills.executions import refuse_while_drilling, workflow_input
from trove_schedules.errors import ScheduleConflictError
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.names import DRILL, TriggerName
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers import generations
from trove_schedules.triggers.generations import Generation
from trove_schedules.triggers.replacing import confirm


def repeat(
    mistral: Mistral, schedule: Schedule, pattern: str, *, force: bool = False
) -> ScheduleDrill:
    """Have drills done by this pattern, instead of by the one before.

    :param pattern: five cron fields that were checked; the same as before changes nothing.
    :param force: end the one before although a drill by it is in progress.
    :raises ScheduleNotFoundError: somebody else deleted the schedule at the same time.
    :raises ScheduleConflictError: a drill is in progress, or somebody else had them done by another
        pattern at the same time.
    """
    pattern = cron.freeze(pattern, schedule.id)
    before = generations.of_schedule(mistral, DRILL, schedule.id)
    if before:
        newest = generations.newest(mistral, before)
        if newest.trigger.pattern == pattern:
            return _drill(newest)
    if not force:
        refuse_while_drilling(mistral, schedule.id, by_hand_too=False)

    def conflict(quicker: CronTrigger | None) -> ScheduleConflictError:
        given = f"the pattern {quicker.pattern!r}" if quicker else "another pattern"
        return ScheduleConflictError(
            f"the drills of schedule {schedule.id} were given {given} by somebody else at the same "
            "time; look at it, and try again"
        )

    number = max((each.name.number for each in before), default=0) + 1
    made = generations.create(
        mistral,
        TriggerName(number, schedule.id, schedule.instance, DRILL),
        workbook.require(mistral, workbook.DRILLS),
        pattern,
        workflow_input(schedule, manual=False),
        conflict,
    )
    confirm(mistral, schedule.id, made.trigger)
    found = generations.of_schedule(mistral, DRILL, schedule.id)
    generations.refuse_overtaken(mistral, made, found, conflict)
    for each in found:
        if each.trigger.id == made.trigger.id:
            continue
        if force:
            mistral.delete_cron_trigger(each.trigger.id)
        else:
            generations.tidy(mistral, each.trigger)
    return _drill(made)


def stop(
    mistral: Mistral, schedule_id: str, *, force: bool = False, by_hand_too: bool = True
) -> bool:
    """Stop repeating drills, also those of a schedule that is gone.

    :param force: also while a drill is in progress.
    :param by_hand_too: refuse for a drill that was started by hand, too.
    :returns: whether any were repeated.
    :raises ScheduleConflictError: a drill is in progress.
    """
    if not force:
        refuse_while_drilling(mistral, schedule_id, by_hand_too=by_hand_too)
    found = generations.of_schedule(mistral, DRILL, schedule_id)
    for each in found:
        mistral.delete_cron_trigger(each.trigger.id)
    return bool(found)


def repeated(mistral: Mistral, schedule_id: str) -> ScheduleDrill | None:
    """When drills of the schedule are done, or None."""
    found = generations.of_schedule(mistral, DRILL, schedule_id)
    return _drill(generations.newest(mistral, found)) if found else None


def every(mistral: Mistral) -> dict[str, ScheduleDrill]:
    """When drills of the project's schedules are done, by their ids."""
    found = mistral.cron_triggers(workflow_name=f"eq:{workbook.DRILL}")
    # The highest generation of each comes last.
    return {each.name.schedule: _drill(each) for each in generations.among(found, DRILL)}


def _drill(generation: Generation) -> ScheduleDrill:
    trigger = generation.trigger
    return ScheduleDrill(
        schedule_id=generation.name.schedule,
        pattern=trigger.pattern or "",
        next_execution_time=trigger.next_execution_time,
        trigger_id=trigger.id,
    )
