# SPDX-License-Identifier: Apache-2.0
"""What a schedule is to do: checked before any request, and written as a workflow's input.

The workflow's input is the only place where a schedule is kept. It holds the spec's four keys,
``incremental``, and one object ``schedule`` with everything else, absent options left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.ids import HasId
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.notify import USUAL_SUFFIXES, check_suffix, check_url
from trove_schedules.words import is_control

#: Trove's limits for a backup's name and description (trove/common/apischema.py).
MAX_TEXT = 255
_TEXT = re.compile(".*[0-9a-zA-Z].*")

#: Due minutes of a day that fit into a trigger without making it unwieldy: every five minutes.
MOST_DUE = 288

#: Options that are numbers, and the largest that each may be.
NUMBERS = {
    "full_every": 100,
    "keep_last": 1000,
    "keep_days": 36500,
    "attempts": 12,
    "retry_every": 59,
    "deadline": 1440,
}
_NOTIFY = ("notify_url", *USUAL_SUFFIXES)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a schedule is to do.

    :ivar pattern: what was asked for, with every ``H`` frozen; the trigger's may be wider.
    :ivar full_every: of so many backups in a row the first is full; None means that only the very
        first is. Only with ``incremental``.
    :ivar keep_last: keep so many of the newest completed backups, and what they build on.
    :ivar keep_days: keep completed backups of so many days, and what they build on.
    :ivar attempts: firings for each due minute; 1 means no guard ticks.
    :ivar retry_every: minutes between them.
    :ivar deadline: a run that starts more minutes than this after its due minute is skipped.
    :ivar notify_url: what each run pings, see :mod:`trove_schedules.schedules.notify`; the other
        three are what is put behind it when a run starts, has its backup, and fails.
    """

    instance: str
    pattern: str
    name: str
    description: str | None = None
    parent_id: str | None = None
    incremental: bool = False
    full_every: int | None = None
    keep_last: int | None = None
    keep_days: int | None = None
    attempts: int = 1
    retry_every: int | None = None
    deadline: int | None = None
    notify_url: str | None = None
    notify_start: str = USUAL_SUFFIXES["notify_start"]
    notify_success: str = USUAL_SUFFIXES["notify_success"]
    notify_fail: str = USUAL_SUFFIXES["notify_fail"]

    @classmethod
    def read(cls, given: dict[str, Any], trigger_pattern: str | None) -> Plan:
        """The plan in a workflow's input, python-troveclient's included.

        Users can make triggers of their own, with any input that Mistral takes: what is out of
        bounds in it is taken for not there.
        """
        kept = given.get("schedule")
        schedule = kept if isinstance(kept, dict) else {}
        numbers = {
            key: schedule[key]
            for key, largest in NUMBERS.items()
            if type(schedule.get(key)) is int and 1 <= schedule[key] <= largest
        }
        notify = {key: schedule[key] for key in _NOTIFY if isinstance(schedule.get(key), str)}
        return cls(
            instance=str(given.get("instance") or ""),
            pattern=str(schedule.get("pattern") or trigger_pattern or ""),
            name=str(given.get("name") or ""),
            description=_text(given.get("description")),
            parent_id=_text(given.get("parent_id")),
            incremental=bool(given.get("incremental")),
            **numbers,
            **notify,
        )

    def checked(self, schedule_id: str) -> Plan:
        """The plan with its pattern validated, frozen and guarded as usual.

        :raises InvalidScheduleError: something in it is wrong, or excludes something else.
        :raises InvalidPatternError: the pattern, or its guard ticks.
        """
        check_text("name", self.name)
        if self.description is not None:
            check_text("description", self.description, f" {marker(schedule_id)}")
        self._check_numbers()
        self._check_notify()
        if type(self.incremental) is not bool:
            raise InvalidScheduleError(f"incremental {self.incremental!r} is not True or False")
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
        cron.widen(pattern, plan.guard)
        if plan._needs_due() and len(cron.due_minutes(pattern)) > MOST_DUE:
            raise InvalidScheduleError(
                "a deadline, or more than one attempt, is for patterns of at most "
                f"{MOST_DUE} due minutes a day, which {pattern!r} exceeds"
            )
        return plan

    @property
    def guard(self) -> cron.Guard:
        """The guard ticks."""
        return cron.Guard(self.attempts, self.retry_every or 0)

    def trigger_pattern(self) -> str:
        """The pattern that the trigger fires at."""
        return cron.widen(self.pattern, self.guard)

    def workflow_input(self, schedule_id: str, past: dict[str, Any]) -> dict[str, Any]:
        """The input of every run.

        :param past: what the schedule keeps of its earlier triggers, see
            :mod:`trove_schedules.schedules.triggers`.
        """
        schedule: dict[str, Any] = {"id": schedule_id, "pattern": self.pattern, **past}
        for key in NUMBERS:
            value = getattr(self, key)
            if value is not None and (key, value) != ("attempts", 1):
                schedule[key] = value
        if self.notify_url is not None:
            schedule["notify_url"] = self.notify_url
            schedule |= self._unusual_suffixes()
        if self._needs_due():
            schedule["due"] = cron.due_minutes(self.pattern)
            if (days := cron.due_days(self.pattern)) is not None:
                schedule["due_days"] = days
        return {
            "instance": self.instance,
            "name": self.name,
            "description": self.description,
            "parent_id": self.parent_id,
            "incremental": self.incremental,
            "schedule": schedule,
        }

    def _needs_due(self) -> bool:
        """Whether the workflow, which can't read a pattern, must be told what is due."""
        return self.attempts > 1 or self.deadline is not None

    def _unusual_suffixes(self) -> dict[str, str]:
        suffixes = {key: getattr(self, key) for key in USUAL_SUFFIXES}
        return {key: each for key, each in suffixes.items() if each != USUAL_SUFFIXES[key]}

    def _check_notify(self) -> None:
        unusual = self._unusual_suffixes()
        if self.notify_url is not None:
            check_url(self.notify_url)
        elif unusual:
            raise InvalidScheduleError(
                f"{', '.join(unusual).replace('_', '-')}: there is no notify URL to add it to"
            )
        for key, suffix in unusual.items():
            check_suffix(key, suffix)

    def _check_numbers(self) -> None:
        for key, largest in NUMBERS.items():
            value = getattr(self, key)
            if value is not None and (type(value) is not int or not 1 <= value <= largest):
                raise InvalidScheduleError(
                    f"{key.replace('_', '-')} {value!r} is not a number from 1 to {largest}"
                )
        if (self.attempts > 1) != (self.retry_every is not None):
            raise InvalidScheduleError(
                f"attempts {self.attempts} and retry-every {self.retry_every}: more than one "
                "attempt needs the minutes between them, and one attempt has none"
            )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def guarded(plan: Plan, attempts: int | None, retry_every: int | None) -> Plan:
    """The checked plan with the guard ticks that were asked for, or the usual ones.

    :raises InvalidScheduleError: they are wrong, or don't fit the pattern.
    """
    if attempts is None and retry_every is None:
        guard = cron.usual_guard(plan.pattern)
        return replace(plan, attempts=guard.attempts, retry_every=guard.every or None)
    if attempts is None:
        attempts = cron.USUAL_ATTEMPTS
    plan = replace(plan, attempts=attempts, retry_every=retry_every)
    if retry_every is None and attempts != 1:
        # Any spacing will do for checking the number itself.
        replace(plan, retry_every=1)._check_numbers()
        plan = replace(plan, retry_every=cron.guard_of(plan.pattern, attempts).every)
    return plan


class Changes(TypedDict, total=False):
    """What can be changed of a schedule; None stands for no change."""

    pattern: str | None
    name: str | None
    description: str | None
    parent_id: str | HasId | None
    incremental: bool | None
    full_every: int | None
    keep_last: int | None
    keep_days: int | None
    attempts: int | None
    retry_every: int | None
    deadline: int | None
    notify_url: str | None
    notify_start: str | None
    notify_success: str | None
    notify_fail: str | None


#: What a schedule can be without.
UNSETTABLE = (
    "description",
    "parent_id",
    "incremental",
    "full_every",
    "keep_last",
    "keep_days",
    "deadline",
    "notify_url",
)


def changed(plan: Plan, schedule_id: str, changes: Changes, unset: Collection[str]) -> Plan:
    """The plan with some of it changed, checked.

    :raises InvalidScheduleError: no option is named, or the plan is wrong with the change.
    """
    unknown = sorted(set(unset) - set(UNSETTABLE))
    if unknown:
        raise InvalidScheduleError(
            f"{', '.join(unknown)} can't be unset; these can: {', '.join(UNSETTABLE)}"
        )
    strange = sorted(set(changes) - set(Changes.__annotations__))
    if strange:
        raise TypeError(f"a schedule has no {', '.join(strange)} to change")
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    if not given and not unset:
        raise InvalidScheduleError("there is nothing to change; name at least one option")
    both = sorted(set(given) & set(unset))
    if both:
        raise InvalidScheduleError(f"{', '.join(both)}: either set or unset it")
    cleared: dict[str, Any] = {key: False if key == "incremental" else None for key in unset}
    if "notify_url" in unset:
        cleared |= USUAL_SUFFIXES
    # A new base takes the place of the old one, and full_every says nothing without incremental.
    if given.get("incremental"):
        cleared["parent_id"] = None
    elif "parent_id" in given and "incremental" not in given:
        cleared["incremental"] = False
    if not {**cleared, **given}.get("incremental", plan.incremental):
        cleared["full_every"] = None
    return _reguarded(plan, replace(plan, **{**cleared, **given}), schedule_id, given)


def _reguarded(old: Plan, new: Plan, schedule_id: str, given: Mapping[str, Any]) -> Plan:
    """The changed plan with guard ticks: those asked for, the old ones, or what fits."""
    if {"pattern", "attempts", "retry_every"}.isdisjoint(given):
        return new.checked(schedule_id)
    plain = replace(new, attempts=1, retry_every=None).checked(schedule_id)
    attempts, retry_every = given.get("attempts"), given.get("retry_every")
    if attempts is not None or retry_every is not None:
        if attempts is None and old.attempts > 1:
            attempts = old.attempts
        return guarded(plain, attempts, retry_every).checked(schedule_id)
    if old.attempts == 1:
        return plain
    try:
        kept = replace(plain, attempts=old.attempts, retry_every=old.retry_every)
        return kept.checked(schedule_id)
    except InvalidScheduleError:
        return guarded(plain, None, None).checked(schedule_id)


def check_text(what: str, text: str, addition: str = "") -> None:
    """Refuse now what Trove would refuse at every run, and control characters.

    :raises InvalidScheduleError: The text is too long, is not a single line with a letter or digit,
        or holds a control character.
    """
    if not isinstance(text, str):
        raise InvalidScheduleError(f"the {what} must be a text, not {text!r}")
    longest = MAX_TEXT - len(addition)
    if len(text) > longest:
        raise InvalidScheduleError(
            f"the {what} is {len(text)} characters long; at most {longest} fit"
        )
    control = next(filter(is_control, text), None)
    if control is not None:
        raise InvalidScheduleError(
            f"the {what} {text!r} holds {control!r}; give a single line without line breaks, tabs, "
            "escapes and other control characters"
        )
    if _TEXT.fullmatch(text + addition) is None:
        raise InvalidScheduleError(
            f"the {what} {text!r} is not one that Trove takes: it needs a letter (a to z) or digit"
        )
