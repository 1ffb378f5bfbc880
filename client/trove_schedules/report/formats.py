# SPDX-License-Identifier: Apache-2.0
"""A report for programs: one JSON object, or rows of due times and instances."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trove_schedules.coverage import Coverage
from trove_schedules.report.report import Report, ScheduleReport

#: The columns of the rows.
COLUMNS = (
    "project_id", "project_name", "instance_id", "instance_name", "schedule_id", "schedule_name",
    "due_at", "outcome", "reason", "backup_id", "began_at", "size_gigabytes", "seconds",
)  # fmt: skip


def as_json(report: Report, projects: Mapping[str, str]) -> str:
    """The whole report; times in ISO 8601, lengths in seconds.

    :param projects: the names of projects, by their ids.
    """
    content = {
        "since": _time(report.since),
        "until": _time(report.until),
        "due_times": _counts(report),
        "schedules": [_schedule(each, projects) for each in report.schedules],
        "coverage": None
        if report.coverage is None
        else {
            "looked_at": _time(report.until),
            "states": {str(state): count for state, count in report.covers.items()},
            "instances": [_instance(each, projects) for each in report.coverage],
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_csv(report: Report, projects: Mapping[str, str]) -> str:
    """A row for each due time, and for each instance that no schedule backs up, after the header.

    The latter have the instance's state in the place of an outcome, and neither a schedule nor a
    due time.

    :param projects: the names of projects, by their ids.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for found in report.schedules:
        whose = list(_identity(found, projects).values())
        for each in found.due_times:
            values = (*whose, _time(each.at), str(each.outcome), each.reason, each.backup_id,
                      _time(each.began), each.size, each.seconds)  # fmt: skip
            rows.writerow(map(_harmless, values))
    for exposed in report.unprotected:
        row = {
            **_place(exposed.project_id, projects, exposed.instance, exposed.name),
            "outcome": str(exposed.state),
            "reason": exposed.reason,
        }
        rows.writerow(_harmless(row.get(column)) for column in COLUMNS)
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """A spreadsheet takes a text that begins so for a formula, and owners choose names."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _schedule(found: ScheduleReport, projects: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_identity(found, projects),
        "kind": "policy" if found.by_policy else "schedule",
        "promises": dict(found.promises),
        "paused": found.schedule.paused,
        "known_from": _time(found.known_from),
        "remark": found.remark,
        "outcomes": _counts(found),
        "due_times": [
            {
                "at": _time(each.at),
                "outcome": str(each.outcome),
                "reason": each.reason,
                "backup_id": each.backup_id,
                "began": _time(each.began),
                "size_gigabytes": each.size,
                "seconds": each.seconds,
            }
            for each in found.due_times
        ],
        "runs_by_hand": [
            {
                "at": _time(each.at),
                "by": each.by,
                "status": each.status,
                "backup_id": each.backup_id,
            }
            for each in found.by_hand
        ],
        "drills": [
            {
                "at": _time(each.at),
                "by": each.by,
                "passed": each.passed,
                "said": each.said,
                "backup_id": each.backup_id,
            }
            for each in found.drills
        ],
        "longest_gap": {
            "start": _time(found.longest_gap.start),
            "end": _time(found.longest_gap.end),
            "seconds": found.longest_gap.length.total_seconds(),
        },
        "last_success": _time(found.last_success),
    }


def _instance(each: Coverage, projects: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_place(each.project_id, projects, each.instance, each.name),
        "state": str(each.state),
        "reason": each.reason,
        "schedules": [
            {"id": schedule.id, "name": schedule.name, "paused": schedule.paused}
            for schedule in each.schedules
        ],
        "last_backup": _time(each.backup.created if each.backup else None),
        "last_proven": _time(each.last_proven),
        "replica_of": each.replica_of,
    }


def _identity(found: ScheduleReport, projects: Mapping[str, str]) -> dict[str, str | None]:
    schedule = found.schedule
    return {
        **_place(schedule.project_id, projects, schedule.instance, found.instance_name),
        "schedule_id": schedule.id,
        "schedule_name": schedule.name,
    }


def _place(
    project_id: str | None, projects: Mapping[str, str], instance_id: str, name: str | None
) -> dict[str, str | None]:
    return {
        "project_id": project_id,
        "project_name": projects.get(project_id or ""),
        "instance_id": instance_id,
        "instance_name": name,
    }


def _counts(of: Report | ScheduleReport) -> dict[str, int]:
    return {str(outcome): count for outcome, count in of.counts.items()}


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
