# SPDX-License-Identifier: Apache-2.0
"""A test of a schedule's webhook: Mistral sends what a run would send, and its answer is told."""

from __future__ import annotations

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.schedule import Schedule


def test(mistral: Mistral, schedule: Schedule) -> ScheduleExecution:
    """Have Mistral send a test to the webhook.

    :raises InvalidScheduleError: the schedule has none.
    """
    if schedule.webhook_url is None:
        raise InvalidScheduleError(
            f"{schedule.noun} {schedule.id} has no webhook; give it one with 'set --webhook-url'"
        )
    plan = schedule.plan.workflow_input(schedule.instance, schedule.id, {"manual": True})
    given = {
        "schedule": plan["schedule"],
        "instance": schedule.instance,
        "name": schedule.name,
        "test": True,
    }
    # Not by a trigger's id: it is no run of the schedule.
    workflow = workbook.require(mistral, workbook.WEBHOOKS)
    return history.of_schedule(mistral.start_execution(workflow, given, schedule.id))
