# SPDX-License-Identifier: Apache-2.0
"""``schedule health -f nagios``: the line that monitoring plugins print, and one per trouble."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from cliff.formatters.base import ListFormatter

from trove_schedules.words import counted, shown

#: The plugins' words for their exit statuses.
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def line(status: int, text: str) -> str:
    """The first line; what follows a ``|`` there are figures, so texts have none."""
    return f"BACKUPS {_WORDS[status]}: {_harmless(text)}"


class NagiosFormatter(ListFormatter):
    """``STATUS: text | figures``, then the schedules that are not fine, the worst first."""

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """It has no options."""

    def emit_list(
        self,
        column_names: Sequence[str],
        data: Iterable[Iterable[Any]],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        from trove_schedules.health import State  # not at import, see the package

        rows = [dict(zip(column_names, row, strict=True)) for row in data]
        statuses = [State(row["State"]).exit_status for row in rows]
        troubles = [
            f"{row['Name']} ({row['ID']}) is {row['State']}: {row['Reason']}"
            for row, status in zip(rows, statuses, strict=True)
            if status
        ]
        if not rows:
            stdout.write(line(State.UNKNOWN.exit_status, "no schedules") + "\n")
            return
        text = troubles[0] if troubles else counted(len(rows), "schedule")
        more = f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        counts = Counter(_WORDS[status].lower() for status in statuses)
        figures = " ".join(f"{word.lower()}={counts[word.lower()]}" for word in _WORDS)
        missed = sum(row["Missed"] for row in rows)
        # The worst is the first row.
        stdout.write(f"{line(statuses[0], text + more)} | {figures} missed={missed}\n")
        stdout.writelines(f"{_harmless(each)}\n" for each in troubles)


def _harmless(text: str) -> str:
    return shown(text).replace("|", "/")
