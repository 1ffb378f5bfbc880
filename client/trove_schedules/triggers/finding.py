# SPDX-License-Identifier: Apache-2.0
"""The schedules of a project, found among Mistral's cron triggers."""

from __future__ import annotations

from collections.abc import Collection

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.services import Services
from trove_schedules.errors import AmbiguousNameError, ScheduleNotFoundError
from trove_schedules.ids import HasId, id_of, is_uuid
from trove_schedules.schedules.names import BACKUP, POLICY
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers import generations
from trove_schedules.triggers.generations import Generation
from trove_schedules.triggers.reading import NEVER, schedule_in
from trove_schedules.words import plural

#: The most schedules of the same name that an error lists.
_MOST_TOLD = 20
#: What errors call one.
_NOUNS = {BACKUP: "schedule", POLICY: "policy"}


def find_all(mistral: Mistral, kind: str = BACKUP, **filters: str) -> list[Schedule]:
    """The schedules behind the triggers that fit Mistral's filters, the next to run first.

    :param kind: :data:`POLICY` for policies instead.
    """
    by_schedule: dict[str, list[Generation]] = {}
    found = mistral.cron_triggers(workflow_name=f"eq:{workbook.WORKFLOWS[kind]}", **filters)
    for each in generations.among(found, kind):
        by_schedule.setdefault(each.name.schedule, []).append(each)
    schedules = [_newest(mistral, each) for each in by_schedule.values()]
    return sorted(schedules, key=lambda each: (each.next_execution_time or NEVER, each.id))


def find_of_instance(services: Services, name_or_id: str) -> list[Schedule]:
    """The schedules of one instance, the next to run first.

    :raises InstanceNotFoundError: or AmbiguousNameError. An id whose instance is gone is not an
        error while it has schedules.
    """
    if is_uuid(name_or_id):
        found = find_all(services.mistral, name=f"has:trove-backup:{name_or_id}:")
        if found:
            return found
    instance_id = services.trove.instance_id(name_or_id)
    if instance_id == name_or_id:
        return []
    return find_all(services.mistral, name=f"has:trove-backup:{instance_id}:")


def find_each(
    services: Services, wanted: Collection[str | HasId], instance: str | None
) -> list[Schedule]:
    """Some schedules, or all, or those of an instance; one that is given is taken as it is.

    :raises ScheduleNotFoundError: or AmbiguousNameError, InstanceNotFoundError.
    """
    if wanted:
        return [find_unless_given(services.mistral, each) for each in wanted]
    if instance is None:
        return find_all(services.mistral)
    return find_of_instance(services, instance)


def find_unless_given(mistral: Mistral, wanted: str | HasId) -> Schedule:
    """A schedule as it is, where it is given itself; else the one that is found.

    A policy that is given is looked for as a schedule, because it has no single instance.
    """
    if isinstance(wanted, Schedule) and wanted.kind == BACKUP:
        return wanted
    return find(mistral, id_of(wanted))


def find(mistral: Mistral, name_or_id: str, kind: str = BACKUP) -> Schedule:
    """The schedule with this id or, if no schedule has it, with this name.

    Mistral can't look a name up, so a name costs a list of the project's schedules.

    :param kind: :data:`POLICY` for a policy instead.
    :raises ScheduleNotFoundError: the project has none.
    :raises AmbiguousNameError: it has several of this name.
    """
    if is_uuid(name_or_id) and (found := generations.of_schedule(mistral, kind, name_or_id)):
        return _newest(mistral, found)
    # Schedules that somebody made by hand may have no name.
    every = find_all(mistral, kind) if name_or_id else []
    named = [each for each in every if each.name == name_or_id]
    noun = _NOUNS[kind]
    if not named:
        raise ScheduleNotFoundError(
            f"no backup {noun} of this project has the id or name {name_or_id!r}; "
            f"'openstack database backup {noun} list' lists them"
        )
    if len(named) > 1:
        told = [_told(each) for each in named[:_MOST_TOLD]]
        left = [f"and {len(named) - _MOST_TOLD} more"] if len(named) > _MOST_TOLD else []
        raise AmbiguousNameError(
            f"{len(named)} backup {plural(noun)} are named {name_or_id!r}; "
            f"give the id of one: {', '.join(told + left)}"
        )
    return named[0]


def find_policies(mistral: Mistral) -> list[Policy]:
    """The policies of the project, the next to run first."""
    return [each for each in find_all(mistral, POLICY) if isinstance(each, Policy)]


def find_policy(mistral: Mistral, name_or_id: str) -> Policy:
    """The policy with this id or name, see :func:`find`.

    :raises ScheduleNotFoundError: or AmbiguousNameError.
    """
    return policy_in(find(mistral, name_or_id, POLICY))


def find_policy_unless_given(mistral: Mistral, wanted: str | HasId) -> Policy:
    """A policy as it is, where it is given itself; else the one that is found."""
    return wanted if isinstance(wanted, Policy) else find_policy(mistral, id_of(wanted))


def find_either(mistral: Mistral, wanted: str | HasId) -> Schedule:
    """A schedule or, where none has this id or name, a policy; one that is given is taken as it is.

    :raises ScheduleNotFoundError: or AmbiguousNameError.
    """
    if isinstance(wanted, Policy):
        return wanted
    try:
        return find(mistral, id_of(wanted))
    except ScheduleNotFoundError as error:
        try:
            return find_policy(mistral, id_of(wanted))
        except ScheduleNotFoundError:
            raise error from None


def policy_in(schedule: Schedule) -> Policy:
    """The same, known to be a policy."""
    if not isinstance(schedule, Policy):
        raise TypeError(f"{schedule.id} is a {schedule.noun}")
    return schedule


def _told(schedule: Schedule) -> str:
    if schedule.kind == POLICY:
        return schedule.id
    return f"{schedule.id} of instance {schedule.instance}"


def _newest(mistral: Mistral, found: list[Generation]) -> Schedule:
    return schedule_in(generations.newest(mistral, found))
