# SPDX-License-Identifier: Apache-2.0
"""Schedules that are only looked at: at one moment, or by an administrator."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trove_schedules import health
from trove_schedules.arguments import checked_methods
from trove_schedules.clients.services import Services
from trove_schedules.coverage import Coverage, coverage_of
from trove_schedules.health import preflight
from trove_schedules.health.policies import health_of_policies
from trove_schedules.health.selection import health_of
from trove_schedules.ids import HasId, id_if_any
from trove_schedules.lists import Lists
from trove_schedules.report import report as reporting
from trove_schedules.report.report import Report
from trove_schedules.triggers import finding

if TYPE_CHECKING:
    from trove_schedules.health.check import Check
    from trove_schedules.schedules.schedule import Schedule


@checked_methods
class Snapshot:
    """What :meth:`ScheduledBackups.snapshot` returns.

    What its methods read of Mistral's and Trove's lists they remember, and read once. Ask for the
    coverage first: instances are to be read before the schedules that protect them.
    """

    def __init__(self, services: Services) -> None:
        self._lists = Lists(services)

    def schedule_health(
        self,
        schedules: Collection[str | HasId] = (),
        *,
        instance: str | HasId | None = None,
        limits: health.Limits = health.USUAL_LIMITS,
    ) -> list[health.Health]:
        """As :meth:`ScheduledBackups.schedule_health` does."""
        return health_of(self._lists, schedules, id_if_any(instance), limits)

    def policy_health(
        self,
        policies: Collection[str | HasId] = (),
        *,
        limits: health.Limits = health.USUAL_LIMITS,
    ) -> list[health.PolicyHealth]:
        """As :meth:`ScheduledBackups.policy_health` does."""
        return health_of_policies(self._lists, policies, limits)

    def coverage(
        self, *, exclude: Collection[str] = (), max_age: timedelta | None = None
    ) -> list[Coverage]:
        """As :meth:`ScheduledBackups.coverage` does."""
        return coverage_of(self._lists, exclude=exclude, max_age=max_age)

    def instance_names(self) -> dict[str, str]:
        """As :meth:`ScheduledBackups.instance_names` does."""
        return self._lists.instance_names()


@checked_methods
class Overview:
    """What :meth:`ScheduledBackups.overview` returns: it only reads.

    The number of requests grows with the pages of triggers, backups, executions and instances, not
    with the projects. Quotas are known of a single project only.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def schedule_list(self, instance: str | HasId | None = None) -> list[Schedule]:
        """As :meth:`ScheduledBackups.schedule_list` does."""
        return finding.find_each(self._services, (), id_if_any(instance))

    def schedule_health(
        self,
        schedules: Collection[str | HasId] = (),
        *,
        instance: str | HasId | None = None,
        limits: health.Limits = health.USUAL_LIMITS,
    ) -> list[health.Health]:
        """As :meth:`ScheduledBackups.schedule_health` does."""
        now = self.snapshot()
        return now.schedule_health(schedules, instance=instance, limits=limits)

    def policy_health(
        self,
        policies: Collection[str | HasId] = (),
        *,
        limits: health.Limits = health.USUAL_LIMITS,
    ) -> list[health.PolicyHealth]:
        """As :meth:`ScheduledBackups.policy_health` does."""
        return self.snapshot().policy_health(policies, limits=limits)

    def check(self, instance: str | HasId | None = None) -> list[Check]:
        """As :meth:`ScheduledBackups.check` does."""
        return list(preflight.checks(self._services, id_if_any(instance)))

    def report(
        self,
        schedules: Collection[str | HasId] = (),
        *,
        since: datetime,
        exclude: Collection[str] = (),
    ) -> Report:
        """As :meth:`ScheduledBackups.report` does."""
        return reporting.make(self._services, schedules, since, exclude)

    def coverage(
        self, *, exclude: Collection[str] = (), max_age: timedelta | None = None
    ) -> list[Coverage]:
        """As :meth:`ScheduledBackups.coverage` does."""
        return self.snapshot().coverage(exclude=exclude, max_age=max_age)

    def snapshot(self) -> Snapshot:
        """As :meth:`ScheduledBackups.snapshot` does."""
        return Snapshot(self._services)

    def instance_names(self) -> dict[str, str]:
        """As :meth:`ScheduledBackups.instance_names` does."""
        return self._services.trove.instance_names()
