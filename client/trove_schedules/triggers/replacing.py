# SPDX-License-Identifier: Apache-2.0
"""A schedule's cron trigger: created, replaced by another, deleted.

How a trigger is replaced, and what a reader makes of several, is told in
:mod:`trove_schedules.triggers.generations`. A schedule can be deleted too, while somebody else
changes it:

A *deletion* lists all triggers of the schedule and deletes them, the oldest generation first. Then
it lists again, until nothing is left.

What a change of generation n finds after it created n+1 tells what the others did:

- A higher generation that doesn't know n+1: somebody else's change was quicker.
- n is gone, and it's too early for a reader: somebody deleted the schedule, perhaps before n+1 was
  there. The change finishes that deletion and says so. Nothing but a deletion may therefore delete
  a schedule's newest trigger.
- n is there: the change has come in time. Whoever deletes n from now on, to delete the schedule,
  lists again afterwards and sees n+1 too.

Whoever creates another trigger for a schedule, for drills or a trial, looks afterwards whether the
schedule is still there, and deletes its trigger if not. A deletion that comes later sees it.

One thing can't be prevented. A client that is killed right after it created n+1, while another one
deletes the schedule, leaves n+1 behind: then the schedule is there, as the killed client meant it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from trove_schedules import clock, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import CronTrigger
from trove_schedules.clients.services import Services
from trove_schedules.errors import (
    InvalidScheduleError,
    ScheduleConflictError,
    ScheduleNotFoundError,
)
from trove_schedules.ids import is_uuid
from trove_schedules.runs.progress import refuse_while_running
from trove_schedules.schedules.names import BACKUP, DRILL, POLICY, POLICY_DRILL, TRIAL, TriggerName
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers import generations
from trove_schedules.triggers.finding import find
from trove_schedules.triggers.generations import Generation
from trove_schedules.triggers.reading import NEVER, schedule_in

#: The most earlier triggers that are remembered, and their executions listed. They are part of each
#: run's input, which Mistral stores three times.
MOST_EARLIER = 10

#: What the workbook is needed for: a change, and a pause.
_PURPOSES = {
    BACKUP: (workbook.CHANGE, workbook.PAUSE),
    POLICY: (workbook.CHANGE_POLICY, workbook.PAUSE_POLICY),
}

#: A deletion gives up after the schedule was changed this many times meanwhile.
_ROUNDS = 10


def create(
    mistral: Mistral,
    schedule_id: str,
    instance: str,
    plan: Plan,
    *,
    paused: bool = False,
    declared: bool = False,
) -> Schedule:
    """The schedule's first generation.

    :param instance: the id of the instance; ``*`` for a policy.
    """
    name = TriggerName(1, schedule_id, instance, plan.kind)
    past = {"owed_since": _written(clock.now())} | _mark(declared=declared)
    trigger = mistral.create_cron_trigger(
        str(name),
        workbook.require(mistral, _PURPOSES[plan.kind][0]),
        plan.trigger_pattern(),
        plan.workflow_input(instance, schedule_id, past),
        first_time=NEVER if paused else None,
    )
    return schedule_in(Generation(name, trigger))


def replace(
    services: Services,
    schedule: Schedule,
    plan: Plan,
    *,
    paused: bool,
    declared: bool,
    force: bool = False,
) -> Schedule:
    """The next generation, and the end of the one before.

    :param force: end it although a run of it is in progress.
    :raises InvalidScheduleError: the schedule does not say which instance it is of.
    :raises ScheduleConflictError: a run is in progress, or somebody else changed or deleted it at
        the same time.
    """
    mistral = services.mistral
    if not force:
        refuse_while_running(services, schedule)
    if schedule.kind == BACKUP and not is_uuid(schedule.instance):
        raise InvalidScheduleError(
            f"the input of schedule {schedule.id} names no instance's id, but "
            f"{schedule.instance!r}; delete the schedule and create it anew"
        )
    began = clock.now()
    change, pause = _PURPOSES[schedule.kind]

    def conflict(_quicker: CronTrigger | None) -> ScheduleConflictError:
        return _conflict(f"{schedule.noun} {schedule.id}", "changed")

    made = generations.create(
        mistral,
        TriggerName(schedule.generation + 1, schedule.id, schedule.instance, schedule.kind),
        workbook.require(mistral, change if paused == schedule.paused else pause),
        plan.trigger_pattern(),
        plan.workflow_input(
            schedule.instance,
            schedule.id,
            _past(schedule, plan, paused=paused) | _mark(declared=declared),
        ),
        conflict,
        first_time=NEVER if paused else None,
    )
    found = generations.of_schedule(mistral, schedule.kind, schedule.id)
    generations.refuse_overtaken(mistral, made, found, conflict)
    old = next((each.trigger for each in found if each.trigger.id == schedule.trigger_id), None)
    if old is not None:
        # A run that has started since we looked keeps its rights, and the old trigger is left to a
        # reader. Until then both fire, and the workflow skips what the other has done or does.
        if force or not (generations.fires_now(old) or generations.runs(mistral, old)):
            mistral.delete_cron_trigger(old.id)
        return schedule_in(made)
    if mistral.delete_cron_trigger(schedule.trigger_id):  # a list may lag behind
        return schedule_in(made)
    # A reader may have been quicker, in spite of its patience.
    if clock.now() - began > generations.SETTLING / 2:
        raise _conflict(f"{schedule.noun} {schedule.id}", "changed or deleted")
    delete(mistral, schedule.id, schedule.noun)
    raise ScheduleConflictError(
        f"{schedule.noun} {schedule.id} was deleted by somebody else at the same time; it is gone"
    )


def delete(mistral: Mistral, schedule_id: str, noun: str = "schedule") -> None:
    """Delete all triggers of a schedule, and so their trusts. A schedule without any is fine.

    Those of its drills and trials go first, so that nothing is left to drill for a schedule that is
    gone. The oldest generation goes before the newer ones, so that whoever is killed on the way
    leaves the schedule as it was.

    :param noun: what an error calls it.
    :raises ScheduleConflictError: somebody else changes it again and again.
    """
    gone: set[str] = set()
    for _ in range(_ROUNDS):
        listed = mistral.cron_triggers(name=f"has:{schedule_id}")
        found = [
            each.trigger.id
            for kind in (DRILL, POLICY_DRILL, TRIAL, BACKUP, POLICY)
            for each in generations.among(listed, kind, schedule_id)
        ]
        left = [each for each in found if each not in gone]
        if not left:
            return
        for each in left:
            mistral.delete_cron_trigger(each)
            gone.add(each)
    raise _conflict(f"{noun} {schedule_id}", "changed")


def confirm(mistral: Mistral, schedule: Schedule, made: CronTrigger) -> None:
    """Delete a trigger that was made for a schedule, unless the schedule is still there.

    :raises ScheduleNotFoundError: somebody deleted it at the same time.
    """
    try:
        find(mistral, schedule.id, schedule.kind)
    except ScheduleNotFoundError:
        mistral.delete_cron_trigger(made.id)
        raise


def _past(schedule: Schedule, plan: Plan, *, paused: bool) -> dict[str, Any]:
    """What the next generation is to know of the ones before."""
    # A missed backup stays missed. Nobody knows what a schedule of python-troveclient missed.
    same_dues = (
        schedule.generation > 0
        and not (schedule.paused or paused)
        and (plan.pattern, plan.timezone) == (schedule.pattern, schedule.timezone)
    )
    return {
        "created_at": schedule.created_at.isoformat(),
        "owed_since": _written(schedule.owed_since if same_dues else clock.now()),
        "earlier": [*schedule.earlier_trigger_ids, schedule.trigger_id][-MOST_EARLIER:],
        # Tells our trigger from that of somebody who makes the same change at the same time.
        "change": secrets.token_hex(4),
    } | schedule.pins()


def _mark(*, declared: bool) -> dict[str, Any]:
    """What says that a file has made the schedule, or taken it over."""
    return {"declared": True} if declared else {}


def _written(moment: datetime) -> str:
    """A moment in whole seconds, rounded up: nothing is owed from before it."""
    return (moment + timedelta(microseconds=999_999)).replace(microsecond=0).isoformat()


def _conflict(what: str, done: str) -> ScheduleConflictError:
    return ScheduleConflictError(
        f"{what} was {done} by somebody else at the same time; look at it, and try again"
    )
