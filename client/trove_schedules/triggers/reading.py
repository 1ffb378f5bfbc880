# SPDX-License-Identifier: Apache-2.0
"""A schedule, read from the cron trigger that holds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from trove_schedules.errors import InvalidPatternError
from trove_schedules.schedules import pattern as cron, zones
from trove_schedules.schedules.due import DueTimes
from trove_schedules.schedules.names import POLICY
from trove_schedules.schedules.options import OPTIONS
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.policy import Policy, PolicyPlan
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers.generations import Generation, earlier_ids

#: The first run of a paused trigger. Mistral shows it, and never gets there.
NEVER = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


def schedule_in(generation: Generation) -> Schedule:
    """The schedule, or policy, that a trigger holds."""
    trigger = generation.trigger
    if generation.name.kind == POLICY:
        policy = PolicyPlan.read(trigger.input, trigger.pattern)
        return Policy(**_values(generation, policy), selection=policy.selection)
    plan = Plan.read(trigger.input, trigger.pattern)
    instance = str(trigger.input.get("instance") or "")
    return Schedule(**_values(generation, plan), instance=instance)


def _values(generation: Generation, plan: Plan) -> dict[str, Any]:
    """What a trigger tells, whatever it is for."""
    name, trigger = generation.name, generation.trigger
    kept = trigger.input.get("schedule")
    past = kept if isinstance(kept, dict) else {}
    offsets = zones.read(past.get("offsets"))
    paused = trigger.next_execution_time is not None and trigger.next_execution_time >= NEVER
    return {name: getattr(plan, name) for name in OPTIONS} | {
        "id": name.schedule,
        "paused": paused,
        "created_at": _time(past.get("created_at")) or trigger.created_at,
        "updated_at": trigger.updated_at,
        "next_execution_time": (
            None if paused else _next_due(plan, offsets, trigger.next_execution_time)
        ),
        "input": trigger.input,
        "changed_at": trigger.created_at,
        "owed_since": _time(past.get("owed_since")) or trigger.created_at,
        "next_firing": trigger.next_execution_time,
        "generation": name.number,
        "trigger_id": trigger.id,
        "earlier_trigger_ids": earlier_ids(trigger),
        "pinned": _pinned(past.get("pinned")),
        "project_id": trigger.project_id,
        "declared": past.get("declared") is True,
        "offsets": offsets,
    }


def _next_due(plan: Plan, offsets: zones.Offsets, next_firing: datetime | None) -> datetime | None:
    """When a backup is due next, where the next firing may be a further attempt for the last, or
    have nothing to do."""
    if next_firing is None or (plan.attempts == 1 and not offsets):
        return next_firing
    try:
        return _due_from(DueTimes(plan.pattern, offsets), next_firing)
    except InvalidPatternError:  # somebody spoilt the input
        return next_firing


# A project's thousands of schedules have few patterns, and reading one takes longer than all else
# that a row of a list needs.
@lru_cache(maxsize=4096)
def _due_from(times: DueTimes, moment: datetime) -> datetime:
    cron.validate(times.pattern)
    return next(times.after(moment - timedelta(seconds=1)))


def _pinned(given: object) -> tuple[str, ...]:
    ids = given if isinstance(given, list) else []
    return tuple(each for each in ids if isinstance(each, str))


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None
