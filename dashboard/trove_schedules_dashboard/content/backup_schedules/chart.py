# SPDX-License-Identifier: Apache-2.0
"""The newest runs of a schedule as a drawing: outcome, duration and size of the backup.

Only numbers and texts are made here; the template writes them as SVG. What a colour says, a
shape and a word say as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from trove_schedules import ScheduleExecution
from trove_schedules_dashboard.content.backup_schedules import text

WIDTH, MARGIN = 760, 70
#: Baselines of the two rows of bars, and how high and wide a bar can be.
DURATIONS_AT, SIZES_AT, HIGHEST, WIDEST = 130, 250, 80, 48
_SYMBOLS = {"SUCCESS": "✓", "ERROR": "✕", "RUNNING": "…", "CANCELLED": "■", "PAUSED": "▮▮"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from its baseline upwards, in the drawing's units."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def end(self) -> float:
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: what is drawn of it, and the same in words."""

    state: str
    symbol: str
    time: str
    duration: str
    size: str
    outcome: str
    duration_bar: Bar
    size_bar: Bar | None

    @property
    def symbol_y(self) -> float:
        return self.duration_bar.y - 6


@dataclass(frozen=True, slots=True)
class Chart:
    """The runs, oldest first, and what the axes say."""

    runs: tuple[Run, ...]
    longest: str
    largest: str
    width: int = WIDTH
    height: int = SIZES_AT + 40
    left: int = MARGIN
    right: int = WIDTH - 10
    durations_at: int = DURATIONS_AT
    sizes_at: int = SIZES_AT
    highest: int = HIGHEST

    @property
    def longest_at(self) -> int:
        return self.durations_at - self.highest

    @property
    def largest_at(self) -> int:
        return self.sizes_at - self.highest


def chart(
    executions: Sequence[ScheduleExecution], sizes: Mapping[str, float], now: datetime
) -> Chart | None:
    """Draw executions, given newest first; None where there are none.

    :param sizes: of backups, in GB, by backup id.
    """
    if not executions:
        return None
    oldest_first = list(reversed(executions))
    lengths = [_length(each, now) for each in oldest_first]
    found = [sizes.get(each.backup_id or "") for each in oldest_first]
    # A run that hangs would make all others look like nothing.
    ended = [length for each, length in zip(oldest_first, lengths, strict=True) if each.ended]
    longest = max(ended or lengths)
    largest = max((size for size in found if size is not None), default=0.0)
    step = (WIDTH - 10 - MARGIN) / len(oldest_first)
    width = min(step * 0.7, WIDEST)
    runs = []
    for number, (each, length, size) in enumerate(zip(oldest_first, lengths, found, strict=True)):
        x = MARGIN + number * step + (step - width) / 2
        runs.append(
            Run(
                state=each.state,
                symbol=_SYMBOLS.get(each.state, "?"),
                time=text.utc(each.created_at),
                duration=text.seconds(text.duration(each)),
                size=text.size(size) if size is not None else "-",
                outcome=text.outcome(each),
                duration_bar=_bar(x, width, DURATIONS_AT, length, longest),
                size_bar=None if size is None else _bar(x, width, SIZES_AT, size, largest),
            )
        )
    return Chart(tuple(runs), _("%d s") % round(longest), text.size(largest) if largest else "")


def _length(execution: ScheduleExecution, now: datetime) -> float:
    duration = text.duration(execution) or now - execution.created_at
    return max(duration.total_seconds(), 0.0)


def _bar(x: float, width: float, baseline: int, value: float, most: float) -> Bar:
    # A bar of nothing could not be seen, and something was there.
    height = min(max(HIGHEST * value / most, 2.0), HIGHEST) if most else 2.0
    return Bar(round(x, 1), round(baseline - height, 1), round(width, 1), round(height, 1))
