# SPDX-License-Identifier: Apache-2.0
"""A report for programs: one JSON object, or rows of due times."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

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
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_csv(report: Report, projects: Mapping[str, str]) -> str:
    """A row for each due time, after one of the columns' names; a header only where none was due.

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
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """A spreadsheet takes a text that begins so for a formula, and owners choose names."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _schedule(found: ScheduleReport, projects: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_identity(found, projects),
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
            {"at": _time(each.at), "status": each.status, "backup_id": each.backup_id}
            for each in found.by_hand
        ],
        "drills": [
            {
                "at": _time(each.at),
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


def _identity(found: ScheduleReport, projects: Mapping[str, str]) -> dict[str, str | None]:
    schedule = found.schedule
    return {
        "project_id": schedule.project_id,
        "project_name": projects.get(schedule.project_id or ""),
        "instance_id": schedule.instance,
        "instance_name": found.instance_name,
        "schedule_id": schedule.id,
        "schedule_name": schedule.name,
    }


def _counts(of: Report | ScheduleReport) -> dict[str, int]:
    return {str(outcome): count for outcome, count in of.counts.items()}


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
