# SPDX-License-Identifier: Apache-2.0
"""What drills have proved: it is kept in their executions, and nowhere else.

A record that an operator's Mistral expires takes the proof with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.drills.drill import RestoreProof
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.runs.reason import reason

#: How many of the project's newest drills tell of proofs: one page, asked for by one request.
SIGHT = 1000
_PASSED = "Drill passed"


def proofs(mistral: Mistral) -> dict[str, RestoreProof]:
    """What the project's newest drills have shown, by schedule, by one request."""
    found = mistral.executions(workflow_name=f"eq:{workbook.DRILL}", limit=SIGHT)
    return proofs_of(map(history.of_schedule, islice(found, SIGHT)))


def proofs_of(drills: Iterable[ScheduleExecution]) -> dict[str, RestoreProof]:
    """What drills, newest first, have shown, by schedule; what was skipped has shown nothing."""
    told: dict[str, RestoreProof] = {}
    for each in drills:
        schedule_id = each.schedule_id or ""
        seen = told.get(schedule_id)
        if seen is None and each.state == "ERROR":
            told[schedule_id] = RestoreProof(failure=reason(each.state_info) or each.state)
        elif passed(each) and (seen is None or seen.last_proven is None):
            ended_at = each.updated_at or each.created_at
            told[schedule_id] = RestoreProof(
                ended_at, each.backup_id, seen.failure if seen else None
            )
    return told


def passed(drill: ScheduleExecution) -> bool:
    """Whether a drill has shown that its backup restores."""
    return drill.state == "SUCCESS" and str(drill.output.get("status")).startswith(_PASSED)
