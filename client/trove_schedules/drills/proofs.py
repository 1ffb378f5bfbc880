# SPDX-License-Identifier: Apache-2.0
"""What drills have proved: it is kept in their executions, and nowhere else.

A record that an operator's Mistral expires takes the proof with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.drills.drill import RestoreProof
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.runs.reason import reason

#: How many of the project's newest drills tell of proofs: one page, asked for by one request.
SIGHT = 1000
_PASSED = "Drill passed"


def proofs(mistral: Mistral) -> dict[str, RestoreProof]:
    """What the project's newest drills have shown, by schedule, by one request."""
    return proofs_of(map(history.of_schedule, _newest(mistral)))


def proofs_of_instances(mistral: Mistral) -> dict[str, RestoreProof]:
    """The same by instance, also of drills whose schedules are gone."""
    return _shown(
        (str(each.input.get("instance")), history.of_schedule(each)) for each in _newest(mistral)
    )


def proofs_of_policy(mistral: Mistral, policy_id: str) -> dict[str, RestoreProof]:
    """What the drills of a policy have shown, by instance."""
    found = ((each, history.of_schedule(each)) for each in _newest(mistral))
    return _shown((run.instance or "", run) for _, run in found if run.schedule_id == policy_id)


def proofs_of(drills: Iterable[ScheduleExecution]) -> dict[str, RestoreProof]:
    """What drills, newest first, have shown, by schedule."""
    return _shown((each.schedule_id or "", each) for each in drills)


def _newest(mistral: Mistral) -> Iterator[Execution]:
    return islice(mistral.executions(workflow_name=f"eq:{workbook.DRILL}", limit=SIGHT), SIGHT)


def _shown(drills: Iterable[tuple[str, ScheduleExecution]]) -> dict[str, RestoreProof]:
    """What drills, newest first, have shown, by their subject; those skipped have shown nothing."""
    told: dict[str, RestoreProof] = {}
    for subject, each in drills:
        seen = told.get(subject)
        if seen is None and each.state == "ERROR":
            told[subject] = RestoreProof(failure=reason(each.state_info) or each.state)
        elif passed(each) and (seen is None or seen.last_proven is None):
            ended_at = each.updated_at or each.created_at
            told[subject] = RestoreProof(ended_at, each.backup_id, seen.failure if seen else None)
    return told


def passed(drill: ScheduleExecution) -> bool:
    """Whether a drill has shown that its backup restores."""
    return drill.state == "SUCCESS" and str(drill.output.get("status")).startswith(_PASSED)
