# SPDX-License-Identifier: Apache-2.0
"""What differs between the schedules of a project and those that a file declares, step by step.

A schedule is told by its instance and its name, a policy by its name. One that a file has made, or
taken over, is marked in its trigger's input, and only marked ones are ever deleted because a file
lacks them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trove_schedules import making
from trove_schedules.clients.services import Services
from trove_schedules.clients.trove import Trove
from trove_schedules.declared.document import Entry, options_of
from trove_schedules.drills import repeating
from trove_schedules.errors import (
    AmbiguousNameError,
    InstanceNotFoundError,
    InvalidScheduleError,
)
from trove_schedules.ids import is_uuid
from trove_schedules.schedules.names import BACKUP, EVERY, POLICY, new_schedule_id
from trove_schedules.schedules.options import OPTIONS
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers.finding import find_all

#: What tells one from others, by the kind of its trigger.
_TOLD_BY = {BACKUP: "instance and name", POLICY: "name"}
#: What stands for the value of a secret option.
HIDDEN = "(secret)"


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a step changes.

    :ivar name: of an option; or ``paused``, ``drill_every`` or ``declared``.
    :ivar before: None: it is not there; of a secret only that.
    :ivar after: as ``before``.
    """

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Step:
    """What is done to one schedule or policy.

    :ivar instance: the instance's id; ``*`` of a policy.
    :ivar instance_name: as the file has it, or the id where it is not in the file.
    :ivar schedule_id: of a new one too.
    :ivar differences: what is changed, in the order of the options; of a new one what the file says
        besides its name.
    :ivar schedule: as it is; None where it is new.
    :ivar plan: what it is to do; None where it is deleted.
    :ivar drill_every: the pattern of its repeated drills, or None.
    :ivar declared: whether it is marked as what a file has made.
    """

    action: Action
    instance: str
    instance_name: str
    name: str
    schedule_id: str
    differences: tuple[Difference, ...] = ()
    schedule: Schedule | None = None
    plan: Plan | None = None
    paused: bool = False
    drill_every: str | None = None
    declared: bool = True

    @property
    def is_of_policy(self) -> bool:
        """Whether it is done to a policy."""
        return self.instance == EVERY


def steps(
    services: Services,
    entries: Sequence[Entry],
    kinds: Collection[str],
    *,
    prune: bool,
    mark: bool = True,
) -> list[Step]:
    """What has to be done, in the order of the entries; what is deleted comes last.

    :param kinds: of triggers: what the entries are, and what is looked for.
    :param prune: delete marked schedules that no entry names.
    :param mark: mark what the entries name; a mark that is there stays in any case.
    :raises InvalidScheduleError: an entry is wrong, or two name one schedule.
    :raises InstanceNotFoundError: or AmbiguousNameError, of an instance.
    :raises AmbiguousNameError: an entry fits several schedules.
    """
    found = [each for kind in kinds for each in find_all(services.mistral, kind)]
    by_name: dict[tuple[str, str], list[Schedule]] = {}
    for schedule in found:
        by_name.setdefault((schedule.instance, schedule.name), []).append(schedule)
    # Those of policies are asked for only where there are policies.
    drilled = [kind for kind in kinds if kind == BACKUP or any(each.kind == kind for each in found)]
    drills = {
        key: each.pattern
        for kind in drilled
        for key, each in repeating.every(services.mistral, kind).items()
    }
    scheduled = {each.instance for each in found if each.kind == BACKUP}
    instances = _Instances(services.trove, entries, scheduled)
    made, places = list[Step](), dict[tuple[str, str], str]()
    for entry in entries:
        key = (instances.id_of(entry), entry.name)
        if key in places:
            raise InvalidScheduleError(
                f"{entry.place}: {places[key]} has the same {_TOLD_BY[entry.kind.kind]}"
            )
        places[key] = entry.place
        made.append(_step(entry, key[0], _one(entry, by_name.get(key, ())), drills, mark=mark))
    named = {each.schedule_id for each in made}
    if prune:
        made += [
            Step(Action.DELETE, each.instance, each.instance, each.name, each.id, schedule=each)
            for each in found
            if each.declared and each.id not in named
        ]
    return made


def make(services: Services, step: Step, plan: Plan) -> Schedule:
    """Create or change a schedule, as a step says.

    :param plan: the step's.
    :returns: the schedule as it is then.
    """
    mistral, schedule = services.mistral, step.schedule
    if schedule is None:
        schedule = making.create(
            services,
            step.schedule_id,
            step.instance,
            plan,
            paused=step.paused,
            declared=step.declared,
        )
    elif (schedule.plan, schedule.paused, schedule.declared) != (
        plan,
        step.paused,
        step.declared,
    ):
        schedule = making.change(
            services, schedule, plan, paused=step.paused, declared=step.declared
        )
    if step.drill_every is not None:
        repeating.repeat(mistral, schedule, step.drill_every)
    elif any(each.name == "drill_every" for each in step.differences):
        repeating.stop(mistral, schedule.id, schedule.kind, by_hand_too=False)
    return schedule


class _Instances:
    """The ids of the instances that entries name, in as few requests as that takes."""

    def __init__(self, trove: Trove, entries: Sequence[Entry], scheduled: set[str]) -> None:
        given = {each.instance for each in entries if each.kind.kind == BACKUP}
        self._trove, self._scheduled = trove, scheduled
        self._names = trove.instance_names() if not all(map(is_uuid, given)) else {}

    def id_of(self, entry: Entry) -> str:
        given = entry.instance
        if entry.kind.kind == POLICY:
            return EVERY
        if given in self._scheduled or given in self._names:
            return given
        ids = sorted(each for each, name in self._names.items() if name == given)
        if len(ids) > 1:
            raise AmbiguousNameError(
                f"{entry.place}: {len(ids)} instances are named {given!r}; give the id of one: "
                f"{', '.join(ids)}"
            )
        if not ids and not (is_uuid(given) and self._trove.instance_exists(given)):
            raise InstanceNotFoundError(f"{entry.place}: the project has no instance {given!r}")
        return ids[0] if ids else given


def _one(entry: Entry, fitting: Sequence[Schedule]) -> Schedule | None:
    """The schedule that an entry is for: a marked one, where others are named so too."""
    marked = [each for each in fitting if each.declared] or list(fitting)
    if len(marked) > 1:
        raise AmbiguousNameError(
            f"{entry.place}: there are {len(marked)} of this {_TOLD_BY[entry.kind.kind]}; rename "
            f"or delete all but one: {', '.join(each.id for each in marked)}"
        )
    return marked[0] if marked else None


def _step(
    entry: Entry,
    instance: str,
    schedule: Schedule | None,
    drills: Mapping[str, str],
    *,
    mark: bool,
) -> Step:
    schedule_id = schedule.id if schedule else new_schedule_id()
    plan = entry.plan(schedule_id, schedule)
    paused = entry.paused if entry.paused is not None else bool(schedule and schedule.paused)
    drill_every = entry.drill_every and _drill_pattern(entry, schedule_id)
    declared = mark or bool(schedule and schedule.declared)
    before: dict[str, Any]
    after: dict[str, Any]
    if schedule is None:
        # As the file has it: what an H becomes, and what fits that, follows from the id.
        before = {"name": entry.name}
        after = entry.options | {"paused": entry.paused, "drill_every": entry.drill_every}
    else:
        before = options_of(schedule) | {
            "paused": schedule.paused,
            "drill_every": drills.get(schedule_id),
            "declared": schedule.declared,
        }
        after = options_of(plan) | {
            "paused": paused,
            "drill_every": drill_every,
            "declared": declared,
        }
    differences = tuple(
        _difference(name, before.get(name), value)
        for name, value in after.items()
        if value != before.get(name)
    )
    action = Action.CREATE
    if schedule is not None:
        action = Action.CHANGE if differences else Action.KEEP
    return Step(
        action,
        instance,
        entry.instance,
        entry.name,
        schedule_id,
        differences,
        schedule,
        plan,
        paused,
        drill_every,
        declared,
    )


def _drill_pattern(entry: Entry, schedule_id: str) -> str:
    try:
        return repeating.check(str(entry.drill_every), schedule_id, entry.kind.kind)
    except InvalidScheduleError as error:
        raise InvalidScheduleError(f"{entry.place}: drill_every: {error}") from None


def _difference(name: str, before: Any, after: Any) -> Difference:
    if name in OPTIONS and OPTIONS[name].secret:
        return Difference(name, before and HIDDEN, after and HIDDEN)
    return Difference(name, before, after)
