# SPDX-License-Identifier: Apache-2.0
"""A schedule and its cron triggers: found, created, replaced, deleted.

Mistral can't change a trigger. A change therefore creates the next generation, under a name with
the next number, and then deletes the one before. Whoever is killed in between leaves two; both
fire, the higher is the schedule, and the next reader deletes the lower. At no moment is there none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from trove_schedules import pattern as cron, workbook
from trove_schedules.clients.mistral import CronTrigger, Mistral
from trove_schedules.errors import (
    AmbiguousNameError,
    InvalidPatternError,
    InvalidScheduleError,
    PermissionDeniedError,
    ScheduleConflictError,
    ScheduleNotFoundError,
)
from trove_schedules.model import Schedule, ScheduleTrial, TriggerName, is_uuid
from trove_schedules.plan import Plan

#: The first run of a paused trigger. Mistral shows it, and never gets there.
NEVER = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)

#: So many earlier triggers are remembered, and their executions listed: all of this is part of
#: every run's input, and costs a request each where all executions are asked for.
MOST_EARLIER = 100

#: So many schedules of the same name are listed in an error.
_MOST_TOLD = 20

#: Mistral wants a first firing to be a minute ahead, by its own clock.
_AHEAD = timedelta(minutes=2)

#: What a schedule has of its plan, by the same names.
_PLANNED = tuple(field.name for field in fields(Plan))

_Named = tuple[TriggerName, CronTrigger]


def find_all(mistral: Mistral, **filters: str) -> list[Schedule]:
    """The schedules behind the triggers that fit Mistral's filters, the next to run first."""
    generations: dict[str, list[_Named]] = {}
    for named in _backup_triggers(mistral, **filters):
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


def create(mistral: Mistral, schedule_id: str, plan: Plan) -> Schedule:
    """The schedule's first generation."""
    name = TriggerName(1, schedule_id, plan.instance)
    given = plan.workflow_input(schedule_id, {})
    return _schedule(name, _create(mistral, name, plan, given, _first_time(plan, None)))


def replace(mistral: Mistral, schedule: Schedule, plan: Plan, *, paused: bool) -> Schedule:
    """The next generation, and the end of the one before.

    :raises InvalidScheduleError: the schedule does not say which instance it is of.
    :raises ScheduleConflictError: somebody else changed the schedule at the same time.
    """
    if not is_uuid(plan.instance):
        raise InvalidScheduleError(
            f"the input of schedule {schedule.id} names no instance's id, but {plan.instance!r}; "
            "delete the schedule and create it anew"
        )
    name = TriggerName(schedule.generation + 1, schedule.id, plan.instance)
    past = {
        "created_at": schedule.created_at.isoformat(),
        "earlier": [*schedule.earlier_trigger_ids, schedule.trigger_id][-MOST_EARLIER:],
    }
    old = plan_of(schedule)
    same_dues = not schedule.paused and not paused and plan.pattern == old.pattern
    if same_dues and schedule.generation > 0:
        # What was missed before stays missed. Of python-troveclient's nobody can tell what was.
        past["owed_since"] = schedule.owed_since.isoformat()
    given = plan.workflow_input(schedule.id, past)
    same_times = same_dues and plan.guard == old.guard
    first = NEVER if paused else _first_time(plan, schedule.next_firing if same_times else None)
    trigger = _create(mistral, name, plan, given, first)
    if trigger.input != given:
        raise _conflict(schedule)
    if not mistral.delete_cron_trigger(schedule.trigger_id):
        # A reader may have tidied up, or somebody else has changed it in the meantime: from ours
        # on, or, if that was done twice, from the one that we have read.
        newest = max(_generations(mistral, schedule.id), default=(name, trigger))
        if newest[0] > name and trigger.id not in _schedule(*newest).earlier_trigger_ids:
            mistral.delete_cron_trigger(trigger.id)
            raise _conflict(schedule)
    return _schedule(name, trigger)


def delete(mistral: Mistral, schedule: Schedule) -> None:
    """Delete the schedule's triggers, and so their trusts.

    The oldest goes first: whoever is killed on the way leaves the schedule as it was.
    """
    for _, trigger in _generations(mistral, schedule.id):
        mistral.delete_cron_trigger(trigger.id)


def start_trial(mistral: Mistral, schedule: Schedule) -> ScheduleTrial:
    """A trigger that fires once, soon, and does what the schedule does at a run by hand."""
    earliest = _now() + _AHEAD
    due = earliest.replace(second=0, microsecond=0)
    if due < earliest:
        due += timedelta(minutes=1)
    # No schedule's name, so that it is taken for none.
    name = f"trove-backup-trial:{schedule.instance}:{schedule.id}:{int(due.timestamp()) // 60}"
    trigger = mistral.create_cron_trigger(
        name,
        workbook.require(mistral),
        None,
        plan_of(schedule).workflow_input(schedule.id, {"manual": True}),
        first_time=due,
        count=1,
    )
    return ScheduleTrial(schedule.id, trigger.id, due)


def plan_of(schedule: Schedule) -> Plan:
    """What the schedule is to do."""
    return Plan.read(schedule.input, schedule.pattern)


def _create(
    mistral: Mistral, name: TriggerName, plan: Plan, given: dict[str, Any], first: datetime | None
) -> CronTrigger:
    return mistral.create_cron_trigger(
        str(name),
        workbook.require(mistral),
        plan.trigger_pattern(),
        given,
        first_time=first,
    )


def _first_time(plan: Plan, promised: datetime | None) -> datetime | None:
    """When to fire first, or None where that is as the pattern has it.

    The first firing of a wide pattern may be a guard tick of a due time before the schedule was
    there, or while it was paused, at which nobody expects a backup.

    :param promised: the firing that is next before a change that leaves the times as they are.
    """
    if plan.attempts == 1:
        return None
    now = _now()
    first = next(cron.runs(plan.pattern, now))
    if promised is not None and now < promised < first:
        first = promised
    if first - now < _AHEAD or first == next(cron.runs(plan.trigger_pattern(), now)):
        return None
    return first


def _now() -> datetime:
    return datetime.now(UTC)


def _conflict(schedule: Schedule) -> ScheduleConflictError:
    return ScheduleConflictError(
        f"schedule {schedule.id} was changed by somebody else at the same time; "
        "look at it, and try again"
    )


def _generations(mistral: Mistral, schedule_id: str) -> list[_Named]:
    """A schedule's triggers, the oldest generation first."""
    found = _backup_triggers(mistral, name=f"has:{schedule_id}")
    ours = (named for named in found if named[0].schedule == schedule_id)
    return sorted(ours, key=lambda named: named[0].generation)


def _backup_triggers(mistral: Mistral, **filters: str) -> Iterator[_Named]:
    for trigger in mistral.cron_triggers(workflow_name=f"eq:{workbook.WORKFLOW}", **filters):
        name = TriggerName.parse(trigger.name)
        if name is not None and trigger.pattern is not None:
            yield name, trigger


def _newest(mistral: Mistral, generations: list[_Named]) -> Schedule:
    """The schedule as its newest trigger has it; what that one has replaced is deleted."""
    *replaced, newest = sorted(generations, key=lambda named: named[0].generation)
    for _, trigger in replaced:
        tidy(mistral, trigger)
    return _schedule(*newest)


def tidy(mistral: Mistral, replaced: CronTrigger) -> None:
    """Delete a trigger that should be gone, unless a run of it is in progress."""
    running = mistral.executions(description=f"has:{replaced.id}", state="RUNNING", limit=1)
    if any(each.trigger_id == replaced.id for each in running):
        return
    try:
        mistral.delete_cron_trigger(replaced.id)
    except PermissionDeniedError:
        # Who may only look leaves it to who may more.
        return


def _schedule(name: TriggerName, trigger: CronTrigger) -> Schedule:
    plan = Plan.read(trigger.input, trigger.pattern)
    kept = trigger.input.get("schedule")
    past = kept if isinstance(kept, dict) else {}
    earlier = past.get("earlier")
    paused = trigger.next_execution_time is not None and trigger.next_execution_time >= NEVER
    return Schedule(
        id=name.schedule,
        **{name: getattr(plan, name) for name in _PLANNED},
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
    """When a backup is due next, where the next firing may be a guard tick of the last."""
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
