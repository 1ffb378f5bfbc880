# SPDX-License-Identifier: Apache-2.0
"""``schedule health -f prometheus``: metrics for the text file collector of node_exporter."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TextIO

from cliff.columns import FormattableColumn
from cliff.formatters.base import ListFormatter

_STATES = (
    "OK", "RUNNING", "PENDING", "PAUSED", "QUOTA", "STALE", "FAILED", "OVERDUE", "LOST", "BLOCKED",
    "ORPHANED", "UNKNOWN",
)  # fmt: skip
#: Metric, its help, and the column that it is read from.
_GAUGES = (
    (
        "last_success_timestamp_seconds",
        "When the newest completed backup of the schedule was begun.",
        "Last Success",
    ),
    (
        "last_proven_restore_timestamp_seconds",
        "When the newest restore drill of the schedule that passed ended.",
        "Last Proven Restore",
    ),
    (
        "next_execution_timestamp_seconds",
        "When the schedule is due next.",
        "Next Execution Time",
    ),
    ("missed", "Due times since the last success that brought no backup.", "Missed"),
    ("chain_depth", "Backups that a restore of the newest one reads.", "Chain Depth"),
    ("kept", "Completed backups of the schedule that exist.", "Kept"),
    (
        "last_backup_size_gigabytes",
        "Size of the newest completed backup of the schedule, as Trove has it.",
        "Last Size",
    ),
    ("quota_left", "Backups that the project may still make.", "Quota Left"),
)
_PREFIX = "trove_backup_schedule_"


class PrometheusFormatter(ListFormatter):
    """Gauges in Prometheus' text format, labelled by schedule, its name, instance and project.

    No label is called ``instance``: that is the target's own, and a scrape would rename ours. The
    instance's name would cost a list of Trove's instances.
    """

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """It has no options."""

    def emit_list(
        self,
        column_names: Sequence[str],
        data: Iterable[Iterable[Any]],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        rows = [dict(zip(column_names, row, strict=True)) for row in data]
        _emit(
            stdout,
            "state",
            "1 for the state that the schedule is in, 0 for the others.",
            (
                (f'{_labels(row)},state="{state}"', int(row["State"] == state))
                for row in rows
                for state in _STATES
            ),
        )
        for name, text, column in _GAUGES:
            values = ((_labels(row), _number(row[column])) for row in rows)
            _emit(
                stdout, name, text, ((each, value) for each, value in values if value is not None)
            )


def _emit(stdout: TextIO, name: str, text: str, samples: Iterable[tuple[str, float]]) -> None:
    stdout.write(f"# HELP {_PREFIX}{name} {text}\n# TYPE {_PREFIX}{name} gauge\n")
    for labels, value in samples:
        stdout.write(f"{_PREFIX}{name}{{{labels}}} {value}\n")


def _labels(row: dict[str, Any]) -> str:
    labels = {
        "schedule": row["ID"],
        "name": row["Name"],
        "instance_id": row["Instance"],
        "project_id": row["Project"],
    }
    return ",".join(f'{key}="{_escape(value)}"' for key, value in labels.items() if value)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: Any) -> float | None:
    if isinstance(value, FormattableColumn):
        return datetime.fromisoformat(value.machine_readable()).timestamp()
    return None if value is None else float(value)
