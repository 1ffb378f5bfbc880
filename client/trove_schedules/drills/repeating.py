# SPDX-License-Identifier: Apache-2.0
"""Drills that are done again and again: the cron trigger that repeats them.

It has generations, as a schedule has; see :mod:`trove_schedules.triggers.generations`. That of a
policy holds the policy's selection too, and has its instances drilled in turn.
"""

from __future__ import annotations

from typing import Any

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import CronTrigger
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.drills.executions import refuse_while_drilling, workflow_input
from trove_schedules.errors import InvalidScheduleError, ScheduleConflictError
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.names import BACKUP, DRILL, POLICY, POLICY_DRILL, TriggerName
from trove_schedules.schedules.plan import MOST_DUE
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers import generations
from trove_schedules.triggers.generations import Generation
from trove_schedules.triggers.replacing import confirm

#: The kind of the trigger of drills, by that of what is drilled.
_KINDS = {BACKUP: DRILL, POLICY: POLICY_DRILL}
_PURPOSES = {DRILL: workbook.DRILLS, POLICY_DRILL: workbook.POLICY_DRILLS}


def check(pattern: str, schedule_id: str, kind: str = BACKUP) -> str:
    """The pattern of drills, checked and with each ``H`` frozen.

    :param kind: :data:`POLICY` for those of a policy.
    :raises InvalidPatternError: it does not have five fields, or it is never due.
    :raises InvalidScheduleError: it has too many due times a day for a policy.
    """
    checked = cron.validate(cron.freeze(pattern, schedule_id))
    if kind == POLICY and len(cron.due_minutes(checked)) > MOST_DUE:
        raise InvalidScheduleError(
            f"drills of a policy are for patterns of at most {MOST_DUE} due times a day, which "
            f"{checked!r} exceeds"
        )
    return checked


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
    before = generations.of_schedule(mistral, _KINDS[schedule.kind], schedule.id)
    if before:
        newest = generations.newest(mistral, before)
        if (newest.trigger.pattern, newest.trigger.input) == (pattern, _input(schedule, pattern)):
            return _drill(newest)
    if not force:
        refuse_while_drilling(mistral, schedule.id, by_hand_too=False, noun=schedule.noun)
    return _replace(mistral, schedule, pattern, before, force=force)


def follow(mistral: Mistral, policy: Policy) -> None:
    """Have the repeated drills of a policy, if there are any, go by the selection that it gets.

    One that is in progress keeps its rights.

    :param policy: with that selection.
    :raises ScheduleNotFoundError: somebody else deleted the policy at the same time.
    :raises ScheduleConflictError: somebody else changed them at the same time.
    """
    before = generations.of_schedule(mistral, POLICY_DRILL, policy.id)
    if before:
        pattern = generations.newest(mistral, before).trigger.pattern or ""
        _replace(mistral, policy, pattern, before, force=False)


def _replace(
    mistral: Mistral,
    schedule: Schedule,
    pattern: str,
    before: list[Generation],
    *,
    force: bool,
) -> ScheduleDrill:
    """The next generation, and the end of those before."""
    kind = _KINDS[schedule.kind]

    def conflict(quicker: CronTrigger | None) -> ScheduleConflictError:
        given = f"the pattern {quicker.pattern!r}" if quicker else "another pattern"
        return ScheduleConflictError(
            f"the drills of {schedule.noun} {schedule.id} were given {given} by somebody else at "
            "the same time; look at it, and try again"
        )

    number = max((each.name.number for each in before), default=0) + 1
    made = generations.create(
        mistral,
        TriggerName(number, schedule.id, schedule.instance, kind),
        workbook.require(mistral, _PURPOSES[kind]),
        pattern,
        _input(schedule, pattern),
        conflict,
    )
    confirm(mistral, schedule, made.trigger)
    found = generations.of_schedule(mistral, kind, schedule.id)
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
    mistral: Mistral,
    schedule_id: str,
    kind: str = BACKUP,
    *,
    force: bool = False,
    by_hand_too: bool = True,
) -> bool:
    """Stop repeating drills, also those of a schedule that is gone.

    :param kind: :data:`POLICY` for those of a policy.
    :param force: also while a drill is in progress.
    :param by_hand_too: refuse for a drill that was started by hand, too.
    :returns: whether any were repeated.
    :raises ScheduleConflictError: a drill is in progress.
    """
    if not force:
        noun = Policy.noun if kind == POLICY else Schedule.noun
        refuse_while_drilling(mistral, schedule_id, by_hand_too=by_hand_too, noun=noun)
    found = generations.of_schedule(mistral, _KINDS[kind], schedule_id)
    for each in found:
        mistral.delete_cron_trigger(each.trigger.id)
    return bool(found)


def repeated(mistral: Mistral, schedule: Schedule) -> ScheduleDrill | None:
    """When drills of the schedule are done, or None."""
    found = generations.of_schedule(mistral, _KINDS[schedule.kind], schedule.id)
    return _drill(generations.newest(mistral, found)) if found else None


def every(mistral: Mistral, kind: str = BACKUP) -> dict[str, ScheduleDrill]:
    """When drills of the project's schedules are done, by their ids.

    :param kind: :data:`POLICY` for those of policies.
    """
    drills = _KINDS[kind]
    found = mistral.cron_triggers(workflow_name=f"eq:{workbook.WORKFLOWS[drills]}")
    # The highest generation of each comes last.
    return {each.name.schedule: _drill(each) for each in generations.among(found, drills)}


def _input(schedule: Schedule, pattern: str) -> dict[str, Any]:
    """The input of each drill, or of what chooses whose turn it is."""
    if not isinstance(schedule, Policy):
        return workflow_input(schedule, manual=False)
    days = cron.due_days(pattern)
    return {
        "schedule": {
            "id": schedule.id,
            "due": cron.due_minutes(pattern),
            **({"due_days": days} if days is not None else {}),
        },
        "selection": schedule.selection.written(),
    }


def _drill(generation: Generation) -> ScheduleDrill:
    trigger = generation.trigger
    return ScheduleDrill(
        schedule_id=generation.name.schedule,
        pattern=trigger.pattern or "",
        next_execution_time=trigger.next_execution_time,
        trigger_id=trigger.id,
    )
