# SPDX-License-Identifier: Apache-2.0
"""Generations: how a cron trigger is replaced in Mistral, a schedule's or that of its drills.

Mistral can't change a trigger, and it has no locks. It creates, lists and deletes triggers, and a
name is unique in a project. Several clients may work on one schedule at once, and each of them may
be killed after any request. So each trigger has a number in its name, its generation, and each
client keeps to these rules:

A *change* of generation n creates n+1, lists the generations, and then deletes n. The highest
generation counts, and at no moment is there none.

A *reader* that finds several generations takes the highest. It deletes the others, which a killed
client left, but only ``SETTLING`` after the highest was created. Until then its maker may still be
at work.

A change that finds a higher generation which doesn't know n+1 was overtaken by somebody else's. It
deletes its n+1 and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trove_schedules import clock, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import CronTrigger
from trove_schedules.errors import PermissionDeniedError, ScheduleConflictError, ServiceError
from trove_schedules.runs import history
from trove_schedules.schedules.names import TRIAL, TriggerName

#: For so long after a change readers leave the replaced trigger alone.
SETTLING = timedelta(minutes=2)

#: From a firing on it may take so long until its execution can be seen; a firing may be early too.
_FIRING = timedelta(seconds=5)

#: Gives the error for a trigger of somebody else who was quicker; None where it can't be seen.
Conflict = Callable[[CronTrigger | None], ScheduleConflictError]


@dataclass(frozen=True, slots=True)
class Generation:
    """A trigger of a schedule, or of one of its drills or trials, and its name."""

    name: TriggerName
    trigger: CronTrigger


def among(found: Iterable[CronTrigger], kind: str, schedule_id: str = "") -> list[Generation]:
    """Those of a kind among triggers, the oldest first; of one schedule if it is given."""
    named = ((TriggerName.parse(each.name), each) for each in found)
    generations = [
        Generation(name, trigger)
        for name, trigger in named
        if name is not None
        and name.kind == kind
        and schedule_id in ("", name.schedule)
        and trigger.workflow_name == workbook.WORKFLOWS[kind]
        and (kind == TRIAL or trigger.pattern is not None)
    ]
    return sorted(generations, key=lambda each: each.name.number)


def of_schedule(mistral: Mistral, kind: str, schedule_id: str) -> list[Generation]:
    """Those of a schedule, or of its drills, the oldest first."""
    return among(mistral.cron_triggers(name=f"has:{schedule_id}"), kind, schedule_id)


def create(
    mistral: Mistral,
    name: TriggerName,
    workflow_id: str,
    pattern: str,
    given: dict[str, Any],
    conflict: Conflict,
    *,
    first_time: datetime | None = None,
) -> Generation:
    """The next generation.

    :param given: the workflow's input, by which ours is told from another one of this name.
    :raises ScheduleConflictError: somebody else has created the same generation.
    """
    try:
        made = mistral.create_cron_trigger(
            str(name), workflow_id, pattern, given, first_time=first_time
        )
    except ServiceError as error:
        if error.status != 409:
            raise
        raise conflict(None) from error
    if (made.pattern, made.input) != (pattern, given):
        raise conflict(made)
    return Generation(name, made)


def refuse_overtaken(
    mistral: Mistral, made: Generation, found: Sequence[Generation], conflict: Conflict
) -> None:
    """Take a generation back that somebody else has overtaken without knowing of it.

    :param found: the generations that were listed after it was made.
    :raises ScheduleConflictError: somebody has.
    """
    highest = max(found, key=lambda each: each.name.number, default=made)
    if highest.name.number > made.name.number and made.trigger.id not in earlier_ids(
        highest.trigger
    ):
        mistral.delete_cron_trigger(made.trigger.id)
        raise conflict(highest.trigger)


def newest(mistral: Mistral, found: Sequence[Generation]) -> Generation:
    """The highest generation; the others are deleted once its maker has had the time to do so."""
    *replaced, highest = sorted(found, key=lambda each: each.name.number)
    if clock.now() - highest.trigger.created_at >= SETTLING:
        for each in replaced:
            tidy(mistral, each.trigger)
    return highest


def tidy(mistral: Mistral, replaced: CronTrigger) -> None:
    """Delete a trigger that should be gone, unless a run or drill of it is in progress.

    Who looks at other projects leaves it to them.
    """
    if not mistral.scope.is_own or runs(mistral, replaced):
        return
    try:
        mistral.delete_cron_trigger(replaced.id)
    except PermissionDeniedError:
        # Who may only read leaves it to who may more.
        return


def fires_now(trigger: CronTrigger) -> bool:
    """Whether a firing may be under way of which no execution can be seen yet."""
    last, following = trigger.updated_at, trigger.next_execution_time
    return (last is not None and last > clock.now() - _FIRING) or (
        following is not None and following < clock.now() + _FIRING
    )


def runs(mistral: Mistral, trigger: CronTrigger) -> bool:
    """Whether a run or drill of the trigger is in progress."""
    found = history.running(mistral, {trigger.id}, clock.now(), trigger.workflow_name)
    return found is not None


def earlier_ids(trigger: CronTrigger) -> tuple[str, ...]:
    """The ids of the triggers that came before, the oldest first, as its input remembers them."""
    kept = trigger.input.get("schedule")
    earlier = kept.get("earlier") if isinstance(kept, dict) else None
    return tuple(map(str, earlier)) if isinstance(earlier, list) else ()
