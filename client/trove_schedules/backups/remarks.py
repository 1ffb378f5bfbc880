# SPDX-License-Identifier: Apache-2.0
"""What is to be said of a schedule or policy, by what it is to do and by the project's quota."""

from __future__ import annotations

from trove_schedules import clock
from trove_schedules.clients.services import Services
from trove_schedules.errors import PermissionDeniedError
from trove_schedules.schedules import warnings
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers.finding import find_all, find_of_instance, find_policies


def of(services: Services, schedule: Schedule) -> list[warnings.Remark]:
    """The remarks on a schedule, see :mod:`trove_schedules.schedules.warnings`."""
    policies = find_policies(services.mistral)
    listed = services.trove.instances() if policies else []
    found = [each for each in listed if each.id == schedule.instance]
    others = [
        *find_of_instance(services, schedule.instance),
        *(each for each in policies if each.selection.takes(found)),
    ]
    return warnings.remarks(schedule, others, _room(services), clock.now())


def of_policy(services: Services, policy: Policy) -> list[warnings.Remark]:
    """The same of a policy."""
    instances = services.trove.instances()
    others = [*find_all(services.mistral), *find_policies(services.mistral)]
    room = _room(services)
    return warnings.remarks_on_policy(policy, instances, others, room, clock.now())


def _room(services: Services) -> warnings.Room:
    try:
        quota = services.trove.backup_quota()
    except PermissionDeniedError as error:
        # Operators may keep the quota to themselves.
        if error.service != "Trove":
            raise
        return warnings.Room()
    return warnings.Room(quota.limit if quota else None, known=True)
