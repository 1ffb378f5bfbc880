# SPDX-License-Identifier: Apache-2.0
"""The schedules of a project, found among Mistral's cron triggers."""

from __future__ import annotations

from collections.abc import Collection

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.services import Services
from trove_schedules.errors import AmbiguousNameError, ScheduleNotFoundError
from trove_schedules.ids import HasId, id_of, is_uuid
from trove_schedules.schedules.names import BACKUP
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers import generations
from trove_schedules.triggers.generations import Generation
from trove_schedules.triggers.reading import NEVER, schedule_in

#: The most schedules of the same name that an error lists.
_MOST_TOLD = 20


def find_all(mistral: Mistral, **filters: str) -> list[Schedule]:
    """The schedules behind the triggers that fit Mistral's filters, the next to run first."""
    by_schedule: dict[str, list[Generation]] = {}
    found = mistral.cron_triggers(workflow_name=f"eq:{workbook.WORKFLOW}", **filters)
    for each in generations.among(found, BACKUP):
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
    """A schedule as it is, where it is given itself; else the one that is found."""
    return wanted if isinstance(wanted, Schedule) else find(mistral, id_of(wanted))


def find(mistral: Mistral, name_or_id: str) -> Schedule:
    """The schedule with this id or, if no schedule has it, with this name.

    Mistral can't look a name up, so a name costs a list of the project's schedules.

    :raises ScheduleNotFoundError: the project has none.
    :raises AmbiguousNameError: it has several of this name.
    """
    if is_uuid(name_or_id) and (found := generations.of_schedule(mistral, BACKUP, name_or_id)):
        return _newest(mistral, found)
    # Schedules that somebody made by hand may have no name.
    named = [each for each in find_all(mistral) if each.name == name_or_id] if name_or_id else []
    if not named:
        raise ScheduleNotFoundError(
            f"no backup schedule of this project has the id or name {name_or_id!r}; "
            "'openstack database backup schedule list' lists them"
        )
    if len(named) > 1:
        told = [f"{each.id} of instance {each.instance}" for each in named[:_MOST_TOLD]]
        left = [f"and {len(named) - _MOST_TOLD} more"] if len(named) > _MOST_TOLD else []
        raise AmbiguousNameError(
            f"{len(named)} backup schedules are named {name_or_id!r}; "
            f"give the id of one: {', '.join(told + left)}"
        )
    return named[0]


def _newest(mistral: Mistral, found: list[Generation]) -> Schedule:
    return schedule_in(generations.newest(mistral, found))
