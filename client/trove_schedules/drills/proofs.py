# SPDX-License-Identifier: Apache-2.0
"""What drills have proved: it is kept in their executions, and nowhere else.

A record that an operator's Mistral expires takes the proof with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

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


def newest(mistral: Mistral) -> list[Execution]:
    """The project's newest drills, newest first, by one request."""
    found = mistral.executions(workflow_name=f"eq:{workbook.DRILL}", limit=SIGHT)
    return list(islice(found, SIGHT))


def proofs_of_schedules(drills: Iterable[Execution]) -> dict[str, RestoreProof]:
    """What drills, newest first, have shown, by schedule."""
    return proofs_of(map(history.of_schedule, drills))


def proofs_of_instances(drills: Iterable[Execution]) -> dict[str, RestoreProof]:
    """The same by instance, also of drills whose schedules are gone."""
    return _shown((str(each.input.get("instance")), history.of_schedule(each)) for each in drills)


def proofs_of_policy(drills: Iterable[Execution], policy_id: str) -> dict[str, RestoreProof]:
    """What those of a policy have shown, by instance."""
    runs = map(history.of_schedule, drills)
    return _shown((each.instance or "", each) for each in runs if each.schedule_id == policy_id)


def proofs_of(drills: Iterable[ScheduleExecution]) -> dict[str, RestoreProof]:
    """What drills, newest first, have shown, by schedule."""
    return _shown((each.schedule_id or "", each) for each in drills)


def _shown(drills: Iterable[tuple[str, ScheduleExecution]]) -> dict[str, RestoreProof]:
    """What drills, newest first, have shown, by their subject; those skipped have shown nothing."""
    told: dict[str, list[ScheduleExecution]] = {}
    for subject, each in drills:
        if each.state == "ERROR" or passed(each):
            told.setdefault(subject, []).append(each)
    return {subject: _proof(found) for subject, found in told.items()}


def _proof(told: list[ScheduleExecution]) -> RestoreProof:
    newest = told[0]
    failed = newest.state == "ERROR"
    failure = (reason(newest.state_info) or newest.state) if failed else None
    proofs = [each for each in told if passed(each)]
    if not proofs:
        return RestoreProof(failure=failure)
    last, *earlier = proofs
    return RestoreProof(_ended_at(last), last.backup_id, failure, _lacking(last, earlier))


def _lacking(last: ScheduleExecution, earlier: list[ScheduleExecution]) -> tuple[str, ...]:
    """What only the restored instance lacks although it is older than the backup.

    A drill sees what the source has at that time. What the source has now may be newer than the
    backup, unless a drill before the backup has seen it too.
    """
    # In UTC, as Trove writes it. Drills by an older workbook don't say it.
    backup_created = str(last.output.get("backup_created") or "")
    seen = {
        name
        for each in earlier
        if _ended_at(each).strftime("%Y-%m-%dT%H:%M:%S") < backup_created
        for name in _restored(each).get("source", ())
    }
    return tuple(name for name in _restored(last).get("lacks", ()) if name in seen)


def _restored(drill: ScheduleExecution) -> dict[str, Any]:
    """What a drill that passed says of its instance. An older workbook's says nothing."""
    return drill.output.get("restored") or {}


def _ended_at(drill: ScheduleExecution) -> datetime:
    return drill.updated_at or drill.created_at


def passed(drill: ScheduleExecution) -> bool:
    """Whether a drill has shown that its backup restores."""
    return drill.state == "SUCCESS" and str(drill.output.get("status")).startswith(_PASSED)
