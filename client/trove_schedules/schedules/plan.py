# SPDX-License-Identifier: Apache-2.0
"""What a schedule is to do: checked before any request, and written as a workflow's input.

The workflow's input is the only place where a schedule is kept. It holds the spec's four keys,
``incremental``, and one object ``schedule`` with everything else, absent options left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from trove_schedules import clock
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules import firing, pattern as cron, zones
from trove_schedules.schedules.names import BACKUP, marker
from trove_schedules.schedules.notify import check_notify_url, check_suffix, check_url
from trove_schedules.schedules.options import (
    NUMBERS,
    OPTIONS,
    QUALIFIERS,
    STORES,
    Option,
    Options,
)
from trove_schedules.schedules.text import check_store, check_text

#: Due minutes of a day that fit into a trigger without making it unwieldy: every five minutes.
MOST_DUE = 288

#: What the object ``schedule`` of the input holds.
_KEPT = [
    each
    for each in OPTIONS.values()
    if each.name not in ("pattern", "name", "description", "parent_id", "incremental")
]


@dataclass(frozen=True, slots=True)
class Plan(Options):
    """What a schedule is to do, whatever the instance.

    ``pattern`` is what was asked for, with every ``H`` frozen, in the zone ``timezone``. The
    trigger's is in UTC, and may be wider.

    :cvar kind: of its trigger.
    :cvar table: its options, by name.
    """

    kind: ClassVar[str] = BACKUP
    table: ClassVar[Mapping[str, Option]] = OPTIONS

    @classmethod
    def read(cls, given: dict[str, Any], trigger_pattern: str | None) -> Plan:
        """The plan in a workflow's input, python-troveclient's included.

        Users can make triggers of their own, with any input that Mistral takes: what is out of
        bounds in it is taken for not there.
        """
        kept = given.get("schedule")
        schedule = kept if isinstance(kept, dict) else {}
        return cls(
            pattern=str(schedule.get("pattern") or trigger_pattern or ""),
            name=str(given.get("name") or ""),
            description=_text(given.get("description")),
            parent_id=_text(given.get("parent_id")),
            incremental=bool(given.get("incremental")),
            **{
                each.name: schedule[each.name]
                for each in _KEPT
                if each.takes(schedule.get(each.name))
            },
        )

    def with_options(self, values: Mapping[str, Any]) -> Plan:
        """The same with some options changed."""
        return replace(self, **values)

    def checked(self, schedule_id: str) -> Plan:
        """The plan with its pattern validated and frozen.

        :raises InvalidScheduleError: something in it is wrong, or excludes something else.
        :raises InvalidPatternError: the pattern, or its attempts.
        """
        check_text("name", self.name)
        zones.check(self.timezone)
        if self.description is not None:
            check_text("description", self.description, f" {marker(schedule_id)}")
        self.check_numbers()
        for name in STORES:
            if (value := getattr(self, name)) is not None:
                check_store(name.replace("_", "-"), value, OPTIONS[name].most or 0)
        self._check_urls()
        if self.parent_id is not None and self.incremental:
            raise InvalidScheduleError(
                f"parent {self.parent_id} and incremental exclude each other: a parent is one "
                "fixed base for every run, incremental builds on the schedule's newest backup"
            )
        if self.full_every is not None and not self.incremental:
            raise InvalidScheduleError(
                f"full-every {self.full_every} is for incremental schedules; without incremental "
                "every backup is full"
            )
        pattern = cron.validate(cron.freeze(self.pattern, schedule_id))
        plan = replace(self, pattern=pattern)
        firing.check_room(pattern, plan.firings)
        if plan._needs_due(plan.offsets()) and len(cron.due_minutes(pattern)) > MOST_DUE:
            raise InvalidScheduleError(
                "a policy, a deadline, more than one attempt, or a time zone is for patterns of at "
                f"most {MOST_DUE} due times a day, which {pattern!r} exceeds"
            )
        return plan

    @property
    def firings(self) -> firing.Attempts:
        """The attempts for each due time."""
        return firing.Attempts(self.attempts, self.retry_every or 0)

    def offsets(self) -> zones.Offsets:
        """The offsets of its zone from now on, and for the time that the workflow looks back."""
        return zones.current(self.timezone, clock.now())

    def trigger_pattern(self) -> str:
        """The pattern, in UTC, that a trigger fires at which is made now."""
        return firing.firing_pattern(self.pattern, self.firings, self.offsets())

    def workflow_input(
        self, instance: str, schedule_id: str, past: dict[str, Any]
    ) -> dict[str, Any]:
        """The input of every run.

        :param instance: the id of the instance to back up.
        :param past: what the schedule keeps of its earlier triggers, see
            :mod:`trove_schedules.schedules.triggers`.
        """
        schedule: dict[str, Any] = {"id": schedule_id, "pattern": self.pattern, **past}
        for option in _KEPT:
            value = getattr(self, option.name)
            needless = option.of and getattr(self, option.of) is None
            if value != option.default and not needless:
                schedule[option.name] = value
        offsets = self.offsets()
        if offsets:
            schedule["offsets"] = [list(pair) for pair in offsets]
        if self._needs_due(offsets):
            schedule["due"] = cron.due_minutes(self.pattern)
            if (days := cron.due_days(self.pattern)) is not None:
                schedule["due_days"] = days
            if offsets and cron.names_every_hour(self.pattern):
                schedule["every_hour"] = True
        return {
            "instance": instance,
            "name": self.name,
            "description": self.description,
            "parent_id": self.parent_id,
            "incremental": self.incremental,
            "schedule": schedule,
        }

    def check_numbers(self) -> None:
        """Refuse numbers that are out of bounds.

        :raises InvalidScheduleError: one of them is.
        """
        for name in NUMBERS:
            if (value := getattr(self, name)) is not None:
                OPTIONS[name].check_number(value)
        if (self.attempts > 1) != (self.retry_every is not None):
            raise InvalidScheduleError(
                f"attempts {self.attempts} and retry-every {self.retry_every}: more than one "
                "attempt needs the minutes between them, and one attempt has none"
            )

    def _needs_due(self, offsets: zones.Offsets) -> bool:
        """Whether the workflow, which can't read a pattern, must be told what is due."""
        return (
            self.attempts > 1
            or self.deadline is not None
            or not firing.same_in_utc(self.pattern, offsets)
        )

    def _check_urls(self) -> None:
        for url, usual in QUALIFIERS.items():
            unusual = [name for name, value in usual.items() if getattr(self, name) != value]
            if getattr(self, url) is None and unusual:
                raise InvalidScheduleError(
                    f"{', '.join(unusual).replace('_', '-')}: there is no "
                    f"{url.removesuffix('_url')} URL that it belongs to"
                )
            for name in unusual:
                _check_qualifier(OPTIONS[name], getattr(self, name))
        if self.notify_url is not None:
            check_notify_url(self.notify_url)
        if self.webhook_url is not None:
            check_url("webhook URL", self.webhook_url)


def _check_qualifier(option: Option, value: str) -> None:
    if not option.choices:
        check_suffix(option.name, value)
    elif value not in option.choices:
        raise InvalidScheduleError(
            f"{option.argument.removeprefix('--')} can't be {value!r}; give one of "
            f"{', '.join(option.choices)}"
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
