# SPDX-License-Identifier: Apache-2.0
"""A schedule and its cron triggers: found, created, replaced, deleted.

Mistral can't change a trigger, and it has no locks. It creates, lists and deletes triggers, and a
name is unique in a project. Several clients may work on one schedule at once, and each of them may
be killed after any request. So each keeps to these rules:

A *change* of generation n creates n+1, lists the generations, and then deletes n. The highest
generation is the schedule, and at no moment is there none.

A *deletion* lists all triggers of the schedule and deletes them, the oldest generation first. Then
it lists again, until nothing is left.

A *reader* that finds several generations takes the highest. It deletes the others, which a killed
client left, but only ``SETTLING`` after the highest was created. Until then its maker may still be
at work.

What a change finds after it created n+1 tells what the others did:

- A higher generation that doesn't know n+1: somebody else's change was quicker. The change deletes
  its n+1 and says so.
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
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from trove_schedules import workbook
from trove_schedules.clients.mistral import CronTrigger, Mistral
from trove_schedules.errors import (
    AmbiguousNameError,
    InvalidPatternError,
    InvalidScheduleError,
    PermissionDeniedError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    ServiceError,
)
from trove_schedules.ids import is_uuid
from trove_schedules.runs import history
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.names import TriggerName
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.schedule import Schedule, ScheduleTrial

#: The first run of a paused trigger. Mistral shows it, and never gets there.
NEVER = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)

#: The most earlier triggers that are remembered, and their executions listed. They are part of each
#: run's input, which Mistral stores three times.
MOST_EARLIER = 10

#: For so long after a change readers leave the replaced trigger alone.
SETTLING = timedelta(minutes=2)

#: From a firing on it may take so long until its execution can be seen; a firing may be early too.
_FIRING = timedelta(seconds=5)

#: The most schedules of the same name that an error lists.
_MOST_TOLD = 20

#: Mistral wants a first firing to be a minute ahead, by its own clock.
_AHEAD = timedelta(minutes=2)

#: A deletion gives up after the schedule was changed this many times meanwhile.
_ROUNDS = 10

#: How the names of the triggers begin that a schedule may have beside its generations.
DRILL_NAME = "trove-drill"
_TRIAL_NAME = "trove-backup-trial"

_Named = tuple[TriggerName, CronTrigger]


def find_all(mistral: Mistral, **filters: str) -> list[Schedule]:
    """The schedules behind the triggers that fit Mistral's filters, the next to run first."""
    generations: dict[str, list[_Named]] = {}
    found = mistral.cron_triggers(workflow_name=f"eq:{workbook.WORKFLOW}", **filters)
    for named in _backup_triggers(found):
        generations.setdefault(named[0].schedule, []).append(named)
    schedules = [_newest(mistral, each) for each in generations.values()]
    return sorted(schedules, key=lambda each: (each.next_execution_time or NEVER, each.id))


def find(mistral: Mistral, name_or_id: str) -> Schedule:
    """The schedule with this id or, where there is none, with this name.

    Mistral can't look a name up, so a name costs a list of the project's schedules.

    :raises ScheduleNotFoundError: the project has none.
    :raises AmbiguousNameError: it has several of this name.
    """
    if is_uuid(name_or_id) and (generations := _generations(mistral, name_or_id)):
        return _newest(mistral, generations)
    # Schedules that somebody made by hand may have no name.
    found = [each for each in find_all(mistral) if each.name == name_or_id] if name_or_id else []
    if not found:
        raise ScheduleNotFoundError(
            f"no backup schedule of this project has the id or name {name_or_id!r}; "
            "'openstack database backup schedule list' lists them"
        )
    if len(found) > 1:
        told = [f"{each.id} of instance {each.instance}" for each in found[:_MOST_TOLD]]
        left = [f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else []
        raise AmbiguousNameError(
            f"{len(found)} backup schedules are named {name_or_id!r}; "
            f"give the id of one: {', '.join(told + left)}"
        )
    return found[0]


def create(mistral: Mistral, schedule_id: str, instance: str, plan: Plan) -> Schedule:
    """The schedule's first generation."""
    name = TriggerName(1, schedule_id, instance)
    given = plan.workflow_input(instance, schedule_id, {"owed_since": _written(now())})
    trigger = mistral.create_cron_trigger(
        str(name), workbook.require(mistral), plan.trigger_pattern(), given
    )
    return _schedule(name, trigger)


def replace(
    mistral: Mistral, schedule: Schedule, plan: Plan, *, paused: bool, force: bool = False
) -> Schedule:
    """The next generation, and the end of the one before.

    :param force: end it although a run of it is in progress.
    :raises InvalidScheduleError: the schedule does not say which instance it is of.
    :raises ScheduleConflictError: somebody else changed or deleted it at the same time.
    """
    if not is_uuid(schedule.instance):
        raise InvalidScheduleError(
            f"the input of schedule {schedule.id} names no instance's id, but "
            f"{schedule.instance!r}; delete the schedule and create it anew"
        )
    began = now()
    name = TriggerName(schedule.generation + 1, schedule.id, schedule.instance)
    given = plan.workflow_input(
        schedule.instance, schedule.id, _past(schedule, plan, paused=paused)
    )
    purpose = workbook.CHANGE if paused == schedule.paused else workbook.PAUSE
    try:
        trigger = mistral.create_cron_trigger(
            str(name),
            workbook.require(mistral, purpose),
            plan.trigger_pattern(),
            given,
            first_time=NEVER if paused else None,
        )
    except ServiceError as error:
        if error.status != 409:
            raise
        raise _conflict(schedule.id, "changed") from error
    if trigger.input != given:
        raise _conflict(schedule.id, "changed")
    made = _schedule(name, trigger)

    generations = _generations(mistral, schedule.id)
    newest = _schedule(*generations[-1]) if generations else made
    if newest.generation > made.generation and trigger.id not in newest.earlier_trigger_ids:
        mistral.delete_cron_trigger(trigger.id)
        raise _conflict(schedule.id, "changed")
    old = next((each for _, each in generations if each.id == schedule.trigger_id), None)
    if old is not None:
        # A run that has started since we looked keeps its rights, and the old trigger is left to a
        # reader. Until then both fire, and the workflow skips what the other has done or does.
        if force or not (_fires_now(old) or _runs(mistral, old)):
            mistral.delete_cron_trigger(old.id)
        return made
    if mistral.delete_cron_trigger(schedule.trigger_id):  # a list may lag behind
        return made
    if now() - began > SETTLING / 2:  # a reader may have been quicker, in spite of its patience
        raise _conflict(schedule.id, "changed or deleted")
    delete(mistral, schedule.id)
    raise ScheduleConflictError(
        f"schedule {schedule.id} was deleted by somebody else at the same time; it is gone"
    )


def delete(mistral: Mistral, schedule_id: str) -> None:
    """Delete all triggers of a schedule, and so their trusts; fine if there are none.

    Those of its drills go first, so that nothing is left to drill for a schedule that is gone. The
    oldest generation goes before the newer ones, so that whoever is killed on the way leaves the
    schedule as it was.

    :raises ScheduleConflictError: somebody else changes it again and again.
    """
    gone: set[str] = set()
    for _ in range(_ROUNDS):
        found = mistral.cron_triggers(name=f"has:{schedule_id}")
        left = [each for each in found if _is_beside(each, schedule_id)]
        left += [each for _, each in _generations_among(found, schedule_id)]
        left = [each for each in left if each.id not in gone]
        if not left:
            return
        for each in left:
            mistral.delete_cron_trigger(each.id)
            gone.add(each.id)
    raise _conflict(schedule_id, "changed")


def confirm(mistral: Mistral, schedule_id: str, made: CronTrigger) -> None:
    """Delete a trigger that was made for a schedule, unless the schedule is still there.

    :raises ScheduleNotFoundError: somebody deleted it at the same time.
    """
    try:
        find(mistral, schedule_id)
    except ScheduleNotFoundError:
        mistral.delete_cron_trigger(made.id)
        raise


def start_trial(mistral: Mistral, schedule: Schedule) -> ScheduleTrial:
    """A trigger that fires once, soon, and does what the schedule does at a run by hand."""
    earliest = now() + _AHEAD
    due = earliest.replace(second=0, microsecond=0)
    if due < earliest:
        due += timedelta(minutes=1)
    # No schedule's name, so that it is taken for none.
    name = f"{_TRIAL_NAME}:{schedule.instance}:{schedule.id}:{int(due.timestamp()) // 60}"
    trigger = mistral.create_cron_trigger(
        name,
        workbook.require(mistral, workbook.RUN),
        None,
        schedule.plan.workflow_input(schedule.instance, schedule.id, {"manual": True}),
        first_time=due,
        count=1,
    )
    confirm(mistral, schedule.id, trigger)
    return ScheduleTrial(schedule.id, trigger.id, due)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def tidy(mistral: Mistral, replaced: CronTrigger) -> None:
    """Delete a trigger that should be gone, unless a run of it is in progress."""
    if _runs(mistral, replaced):
        return
    try:
        mistral.delete_cron_trigger(replaced.id)
    except PermissionDeniedError:
        # Who may only look leaves it to who may more.
        return


def _past(schedule: Schedule, plan: Plan, *, paused: bool) -> dict[str, Any]:
    """What the next generation is to know of the ones before."""
    # What was missed before stays missed. Of python-troveclient's nobody can tell what was.
    same_dues = (
        schedule.generation > 0
        and not (schedule.paused or paused)
        and plan.pattern == schedule.pattern
    )
    return {
        "created_at": schedule.created_at.isoformat(),
        "owed_since": _written(schedule.owed_since if same_dues else now()),
        "earlier": [*schedule.earlier_trigger_ids, schedule.trigger_id][-MOST_EARLIER:],
        # Tells our trigger from that of somebody who makes the same change at the same time.
        "change": secrets.token_hex(4),
    }


def _written(moment: datetime) -> str:
    """A moment in whole seconds, rounded up: nothing is owed from before it."""
    return (moment + timedelta(microseconds=999_999)).replace(microsecond=0).isoformat()


def _conflict(schedule_id: str, done: str) -> ScheduleConflictError:
    return ScheduleConflictError(
        f"schedule {schedule_id} was {done} by somebody else at the same time; "
        "look at it, and try again"
    )


def _fires_now(trigger: CronTrigger) -> bool:
    """Whether a firing may be under way of which no execution can be seen yet."""
    last, following = trigger.updated_at, trigger.next_execution_time
    return (last is not None and last > now() - _FIRING) or (
        following is not None and following < now() + _FIRING
    )


def _runs(mistral: Mistral, trigger: CronTrigger) -> bool:
    return history.running(mistral, {trigger.id}, now(), trigger.workflow_name) is not None


def _generations(mistral: Mistral, schedule_id: str) -> list[_Named]:
    """A schedule's triggers, the oldest generation first."""
    return _generations_among(mistral.cron_triggers(name=f"has:{schedule_id}"), schedule_id)


def _generations_among(found: Iterable[CronTrigger], schedule_id: str) -> list[_Named]:
    ours = (named for named in _backup_triggers(found) if named[0].schedule == schedule_id)
    return sorted(ours, key=lambda named: named[0].generation)


def _backup_triggers(found: Iterable[CronTrigger]) -> Iterator[_Named]:
    for trigger in found:
        name = TriggerName.parse(trigger.name)
        if (
            name is not None
            and trigger.pattern is not None
            and trigger.workflow_name == workbook.WORKFLOW
        ):
            yield name, trigger


def _is_beside(trigger: CronTrigger, schedule_id: str) -> bool:
    """Whether it is one of a schedule's drills or trials."""
    return (
        trigger.workflow_name in (workbook.WORKFLOW, workbook.DRILL)
        and trigger.name.split(":")[0] in (DRILL_NAME, _TRIAL_NAME)
        and trigger.name.split(":")[2:3] == [schedule_id]
    )


def _newest(mistral: Mistral, generations: list[_Named]) -> Schedule:
    """The schedule as its newest trigger has it; what that one has replaced is deleted in time."""
    *replaced, newest = sorted(generations, key=lambda named: named[0].generation)
    if now() - newest[1].created_at >= SETTLING:
        for _, trigger in replaced:
            tidy(mistral, trigger)
    return _schedule(*newest)


def _schedule(name: TriggerName, trigger: CronTrigger) -> Schedule:
    plan = Plan.read(trigger.input, trigger.pattern)
    kept = trigger.input.get("schedule")
    past = kept if isinstance(kept, dict) else {}
    earlier = past.get("earlier")
    paused = trigger.next_execution_time is not None and trigger.next_execution_time >= NEVER
    return Schedule(
        id=name.schedule,
        instance=str(trigger.input.get("instance") or ""),
        **asdict(plan),
        paused=paused,
        created_at=_time(past.get("created_at")) or trigger.created_at,
        updated_at=trigger.updated_at,
        next_execution_time=None if paused else _next_due(plan, trigger.next_execution_time),
        input=trigger.input,
        changed_at=trigger.created_at,
        owed_since=_time(past.get("owed_since")) or trigger.created_at,
        next_firing=trigger.next_execution_time,
        generation=name.generation,
        trigger_id=trigger.id,
        earlier_trigger_ids=tuple(map(str, earlier)) if isinstance(earlier, list) else (),
    )


def _next_due(plan: Plan, next_firing: datetime | None) -> datetime | None:
    """When a backup is due next, where the next firing may be a further attempt for the last."""
    if next_firing is None or plan.attempts == 1:
        return next_firing
    try:
        return _due_from(plan.pattern, next_firing)
    except InvalidPatternError:  # somebody spoilt the input
        return next_firing


# A project's thousands of schedules have few patterns, and reading one takes longer than all else
# that a row of a list needs.
@lru_cache(maxsize=4096)
def _due_from(pattern: str, moment: datetime) -> datetime:
    cron.validate(pattern)
    return next(cron.runs(pattern, moment - timedelta(seconds=1)))


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None
