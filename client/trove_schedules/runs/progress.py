# SPDX-License-Identifier: Apache-2.0
"""Whether a run is in progress that a change of its schedule would take the rights away from."""

from __future__ import annotations

from trove_schedules import clock, workbook
from trove_schedules.clients.services import Services
from trove_schedules.errors import ScheduleConflictError
from trove_schedules.runs import history
from trove_schedules.runs.execution import ASKS_WITHIN, ScheduleExecution
from trove_schedules.schedules.names import POLICY, schedule_of
from trove_schedules.schedules.schedule import Schedule


def refuse_while_running(services: Services, schedule: Schedule) -> None:
    """Refuse to end a schedule's trigger while a run needs its trust.

    :raises ScheduleConflictError: a run is in progress.
    """
    known = {schedule.trigger_id, *schedule.earlier_trigger_ids}
    workflow = workbook.WORKFLOWS[schedule.kind]
    running = history.running(services.mistral, known, clock.now(), workflow)
    if running is not None and not _is_lost(services, schedule, running):
        raise ScheduleConflictError(
            f"{schedule.noun} {schedule.id} has a run in progress (execution {running.id}) that "
            "would lose its rights; wait for its end, or force it"
        )


def _is_lost(services: Services, schedule: Schedule, run: ScheduleExecution) -> bool:
    """Whether a run lost its engine or executor.

    It should have its backup by now, while none is running and nothing is being deleted. A policy's
    run is never called lost: it goes from instance to instance for an hour.
    """
    if schedule.kind == POLICY:
        return False
    if clock.now() - run.created_at <= ASKS_WITHIN or history.retains(services.mistral, run):
        return False
    backups = services.trove.backups(schedule.instance)
    return not any(
        each.running and schedule_of(each.description) == schedule.id for each in backups
    )
