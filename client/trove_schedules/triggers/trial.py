# SPDX-License-Identifier: Apache-2.0
"""A trial: one run of a schedule by a trigger of its own, soon."""

from __future__ import annotations

from datetime import datetime, timedelta

from trove_schedules import clock, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.schedules.names import TRIAL, TriggerName
from trove_schedules.schedules.schedule import Schedule, ScheduleTrial
from trove_schedules.triggers.replacing import confirm

#: Mistral wants a first firing to be a minute ahead, by its own clock.
_AHEAD = timedelta(minutes=2)


def next_minute() -> datetime:
    """The next whole minute, in UTC, that Mistral takes for a first firing: two or three ahead."""
    earliest = clock.now() + _AHEAD
    due = earliest.replace(second=0, microsecond=0)
    return due if due == earliest else due + timedelta(minutes=1)


def why_not_run(due: datetime, *, fired: bool) -> str:
    """What keeps a trigger that was due once from having an execution.

    :param fired: whether the trigger is gone.
    """
    if fired:
        return (
            f"Mistral fired the trigger at {due:%H:%M} UTC, but left no execution: it can't use "
            "the trust; look at the log of its periodic server"
        )
    return (
        f"Mistral did not fire a trigger for {due:%H:%M} UTC: start its periodic server "
        "(mistral-server --server periodic), and see that [cron_trigger] enabled is not false. "
        "Before release 2026.2 its API fires triggers, and not if it can't use the trust"
    )


def start(mistral: Mistral, schedule: Schedule) -> ScheduleTrial:
    """A trigger that fires once, soon, and does what the schedule does at a run by hand."""
    due = next_minute()
    minute = int(due.timestamp()) // 60
    trigger = mistral.create_cron_trigger(
        str(TriggerName(minute, schedule.id, schedule.instance, TRIAL)),
        workbook.require(mistral, workbook.RUN),
        None,
        schedule.input_by_hand(),
        first_time=due,
        count=1,
    )
    confirm(mistral, schedule, trigger)
    return ScheduleTrial(schedule.id, trigger.id, due)
