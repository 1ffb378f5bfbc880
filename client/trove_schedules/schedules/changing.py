# SPDX-License-Identifier: Apache-2.0
"""The plan of a new schedule, and of one that is changed: what was asked for, and what fits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules import firing
from trove_schedules.schedules.options import QUALIFIERS
from trove_schedules.schedules.plan import Plan


def planned(
    schedule_id: str,
    pattern: str,
    name: str,
    description: str | None,
    parent_id: str | None,
    options: Mapping[str, Any],
    kind: type[Plan] = Plan,
) -> Plan:
    """The plan of a new schedule, checked.

    :param kind: of what it is the plan.
    :raises InvalidScheduleError: something in it is wrong, or excludes something else.
    :raises InvalidPatternError: the pattern is wrong, or leaves no room for the attempts.
    """
    given: dict[str, Any] = {key: each for key, each in options.items() if each is not None}
    attempts, retry_every = given.pop("attempts", None), given.pop("retry_every", None)
    plain = kind(pattern, name, description, parent_id).with_options(given).checked(schedule_id)
    return with_attempts(plain, attempts, retry_every).checked(schedule_id)


def changed(
    plan: Plan, schedule_id: str, changes: Mapping[str, Any], unset: Collection[str]
) -> Plan:
    """The plan with some of it changed, checked.

    :raises InvalidScheduleError: no option is named, or the plan is wrong with the change.
    """
    unsettable = [name for name, option in plan.table.items() if option.can_be_unset]
    unknown = sorted(set(unset) - set(unsettable))
    if unknown:
        raise InvalidScheduleError(
            f"{', '.join(unknown)} can't be unset; these can: {', '.join(unsettable)}"
        )
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    if not given and not unset:
        raise InvalidScheduleError("there is nothing to change; name at least one option")
    both = sorted(set(given) & set(unset))
    if both:
        raise InvalidScheduleError(f"{', '.join(both)}: either set or unset it")
    cleared = {key: plan.table[key].default for key in unset}
    for url, usual in QUALIFIERS.items():
        if url in unset:
            cleared |= usual
    # A new base takes the place of the old one, and full_every says nothing without incremental.
    if given.get("incremental"):
        cleared["parent_id"] = None
    elif "parent_id" in given and "incremental" not in given:
        cleared["incremental"] = False
    if not {**cleared, **given}.get("incremental", plan.incremental):
        cleared["full_every"] = None
    return _with_new_attempts(plan, plan.with_options({**cleared, **given}), schedule_id, given)


def with_attempts(plan: Plan, attempts: int | None, retry_every: int | None) -> Plan:
    """The checked plan with the attempts that were asked for, or the usual ones.

    :raises InvalidScheduleError: they are wrong, or don't fit the pattern.
    """
    if attempts is None and retry_every is None:
        usual = firing.usual_attempts(plan.pattern)
        return replace(plan, attempts=usual.number, retry_every=usual.every or None)
    if attempts is None:
        attempts = firing.USUAL_ATTEMPTS
    plan = replace(plan, attempts=attempts, retry_every=retry_every)
    if retry_every is None and attempts != 1:
        # Any spacing will do for checking the number itself.
        replace(plan, retry_every=1).check_numbers()
        plan = replace(plan, retry_every=firing.attempts_of(plan.pattern, attempts).every)
    return plan


def _with_new_attempts(old: Plan, new: Plan, schedule_id: str, given: Mapping[str, Any]) -> Plan:
    """The changed plan with attempts: those asked for, the old ones, or what fits."""
    if {"pattern", "attempts", "retry_every"}.isdisjoint(given):
        return new.checked(schedule_id)
    plain = replace(new, attempts=1, retry_every=None).checked(schedule_id)
    attempts, retry_every = given.get("attempts"), given.get("retry_every")
    if attempts is not None or retry_every is not None:
        if attempts is None and old.attempts > 1:
            attempts = old.attempts
        return with_attempts(plain, attempts, retry_every).checked(schedule_id)
    if old.attempts == 1:
        return plain
    try:
        kept = replace(plain, attempts=old.attempts, retry_every=old.retry_every)
        return kept.checked(schedule_id)
    except InvalidScheduleError:
        return with_attempts(plain, None, None).checked(schedule_id)
