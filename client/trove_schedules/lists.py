# SPDX-License-Identifier: Apache-2.0
"""What Mistral and Trove list, read once for all that want to know it."""

from __future__ import annotations

from functools import cached_property

from trove_schedules import clock
from trove_schedules.clients.instances import Instance
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.clients.services import Services
from trove_schedules.clients.trove import Backup, Quota
from trove_schedules.drills import proofs
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers.finding import find_all, find_policies


class Lists:
    """Each list is read when it is first needed. A list that can't be read is asked for again.

    Who needs several of them reads them in this order. Then an instance that gets a schedule
    meanwhile is not taken for unprotected, nor a schedule for one without the backup that it makes.
    Only policies may come first, because they tell whether the times of instances are needed.

    :ivar now: not later than when any of them was read.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.now = clock.now()

    @cached_property
    def instances(self) -> list[Instance]:
        """Every instance, in no order."""
        return self.services.trove.instances()

    @cached_property
    def instances_with_times(self) -> list[Instance]:
        """The same, and when each was created, for which Trove reads more."""
        return self.services.trove.instances(detailed=True)

    @cached_property
    def schedules(self) -> list[Schedule]:
        """Every schedule, the next to run first."""
        return find_all(self.services.mistral)

    @cached_property
    def policies(self) -> list[Policy]:
        """Every policy, the next to run first."""
        return find_policies(self.services.mistral)

    @cached_property
    def backups(self) -> list[Backup]:
        """Every backup, in no order."""
        return self.services.trove.backups()

    @cached_property
    def quota(self) -> Quota | None:
        """The project's quota of backups; None where it has none."""
        return self.services.trove.backup_quota()

    @cached_property
    def drills(self) -> list[Execution]:
        """The newest drills, see :data:`trove_schedules.drills.proofs.SIGHT`."""
        return proofs.newest(self.services.mistral)

    def instance_names(self, pages: int | None = None) -> dict[str, str]:
        """The names of the instances, by id.

        :param pages: the most pages to read where they were not read yet; None means all.
        """
        if "instances_with_times" in self.__dict__:
            return {each.id: each.name for each in self.instances_with_times}
        if pages is not None and "instances" not in self.__dict__:
            return self.services.trove.instance_names(pages)
        return {each.id: each.name for each in self.instances}
