# SPDX-License-Identifier: Apache-2.0
"""A policy: a schedule whose subject is a selection of instances, not one instance.

Each instance has its own chain, retention and health in it: those of the schedule that
:meth:`Policy.of` gives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.names import EVERY, POLICY
from trove_schedules.schedules.options import OPTIONS, MoreOptions, Option
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.schedules.selection import (
    POLICY_OPTIONS,
    SELECTING,
    USUAL,
    Selection,
)
from trove_schedules.schedules.zones import Offsets


class PolicyOptions(MoreOptions, total=False):
    """The options of a policy besides its arguments, as callers give them; None: not given."""

    match: Collection[str] | None
    exclude: Collection[str] | None
    datastores: Collection[str] | None
    replicas: bool | None
    max_parallel: int | None


class PolicyChanges(PolicyOptions, total=False):
    """What can be changed of a policy; None: it stays."""

    pattern: str | None
    name: str | None
    description: str | None


def check_changes(changes: PolicyChanges) -> None:
    """Refuse a selection that can't be meant, whatever the policy is.

    :raises InvalidScheduleError: as :meth:`Selection.check`.
    """
    values = {name: value for name, value in changes.items() if name in SELECTING}
    USUAL.with_options({name: value for name, value in values.items() if value is not None}).check()


@dataclass(frozen=True, slots=True)
class PolicyPlan(Plan):
    """What a policy is to do, and for which instances."""

    kind: ClassVar[str] = POLICY
    table: ClassVar[Mapping[str, Option]] = POLICY_OPTIONS

    selection: Selection = USUAL

    @classmethod
    def read(cls, given: dict[str, Any], trigger_pattern: str | None) -> PolicyPlan:
        """The plan in a workflow's input, see :meth:`Plan.read`."""
        plan = Plan.read(given | {"parent_id": None}, trigger_pattern)
        return cls(**_options(plan), selection=Selection.read(given.get("selection")))

    def with_options(self, values: Mapping[str, Any]) -> PolicyPlan:
        """The same with some options changed."""
        selected = {name: value for name, value in values.items() if name in SELECTING}
        others = {name: value for name, value in values.items() if name not in SELECTING}
        return replace(self, selection=self.selection.with_options(selected), **others)

    def checked(self, schedule_id: str) -> PolicyPlan:
        """The plan with its pattern validated and frozen, see :meth:`Plan.checked`."""
        self.selection.check()
        if self.parent_id is not None:
            raise InvalidScheduleError(
                f"parent {self.parent_id} is a backup of one instance, and a policy is for many; "
                "make the policy incremental instead"
            )
        plan = Plan.checked(self, schedule_id)
        return replace(self, pattern=plan.pattern)

    def _needs_due(self, offsets: Offsets) -> bool:
        """Always: a second run of one due time is to find what the first has made."""
        del offsets
        return True

    def workflow_input(
        self, instance: str, schedule_id: str, past: dict[str, Any]
    ) -> dict[str, Any]:
        """The input of every run, which has a selection and no instance."""
        given = Plan.workflow_input(self, instance, schedule_id, past)
        del given["instance"], given["parent_id"]
        return given | {"selection": self.selection.written()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Schedule):
    """A policy: what it is to do for which instances, and where it stands.

    It has what a :class:`Schedule` has.

    :ivar instance: ``*``.
    :ivar selection: which instances it takes.
    """

    kind: ClassVar[str] = POLICY
    noun: ClassVar[str] = "policy"

    instance: str = EVERY
    selection: Selection = USUAL

    @property
    def plan(self) -> PolicyPlan:
        """What it is to do."""
        return PolicyPlan(**_options(self), selection=self.selection)

    def of(self, instance_id: str, born: datetime | None = None) -> Schedule:
        """The schedule that one of its instances has by it.

        :param born: when the instance was made, before which it is owed nothing.
        """
        values = {each.name: getattr(self, each.name) for each in fields(Schedule)}
        owed_since = self.owed_since if born is None else max(born, self.owed_since)
        return Schedule(**values | {"instance": instance_id, "owed_since": owed_since})


def _options(plan: Plan | Schedule) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in OPTIONS}
