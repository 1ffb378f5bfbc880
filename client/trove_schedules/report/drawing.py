# SPDX-License-Identifier: Apache-2.0
"""Where the marks of a report's pictures stand, in units of their SVG."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from trove_schedules.report.due_times import DueTime, Outcome
from trove_schedules.report.report import ScheduleReport
from trove_schedules.words import span

#: A letter for each outcome, so that nobody needs colours to read a picture.
LETTERS = {
    Outcome.BACKED_UP: "",
    Outcome.IN_PROGRESS: "…",
    Outcome.UNKNOWN: "?",
    Outcome.SKIPPED: "S",
    Outcome.FAILED: "F",
    Outcome.MISSED: "M",
}
#: From one day, or month, to the next.
_PITCH = 18
#: The room for a month's name before its days, and for the numbers of days above them.
_LEFT, _TOP = 64, 16
_CHART_WIDTH, _CHART_HEIGHT = 620.0, 56.0


@dataclass(frozen=True, slots=True)
class Day:
    """One day: the worst outcome of its due times, None where nothing was due.

    :ivar told: the day and its outcomes in words.
    """

    x: int
    y: int
    outcome: Outcome | None
    told: str

    @property
    def letter(self) -> str:
        return LETTERS[self.outcome] if self.outcome else ""

    @property
    def kind(self) -> str:
        """The outcome as a name of a style."""
        return str(self.outcome or "nothing").replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a report, a row for each month.

    :ivar months: the names of the rows, with their places.
    :ivar numbers: the days of the month, with their places.
    """

    width: int
    height: int
    months: tuple[tuple[int, str], ...]
    numbers: tuple[tuple[int, int], ...]
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A value of one due time; `told` says both in words."""

    x: float
    y: float
    width: float
    height: float
    told: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Values over time, as bars; `most` is the largest in words."""

    title: str
    most: str
    width: float
    height: float
    bars: tuple[Bar, ...]


def calendar(found: ScheduleReport, since: datetime, until: datetime) -> Calendar:
    """The days from one to another, in UTC, with what became of their due times."""
    by_day = defaultdict[date, list[DueTime]](list)
    for each in found.due_times:
        by_day[each.at.date()].append(each)
    months: dict[str, int] = {}
    days = []
    for number in range((until.date() - since.date()).days + 1):
        day = since.date() + timedelta(days=number)
        row = months.setdefault(f"{day:%b %Y}", len(months))
        due = by_day.get(day, [])
        worst = max((each.outcome for each in due), key=lambda each: each.severity, default=None)
        counts = Counter(str(each.outcome) for each in due)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        x, y = _LEFT + (day.day - 1) * _PITCH, _TOP + row * _PITCH
        days.append(Day(x, y, worst, f"{day}: {told or 'nothing due'}"))
    return Calendar(
        width=_LEFT + 31 * _PITCH,
        height=_TOP + len(months) * _PITCH,
        months=tuple((_TOP + row * _PITCH, name) for name, row in months.items()),
        numbers=tuple((_LEFT + (day - 1) * _PITCH, day) for day in range(1, 32)),
        days=tuple(days),
    )


def charts(found: ScheduleReport) -> tuple[Chart, ...]:
    """The sizes and durations of the backups that are known, in order; none where no value is."""
    sizes = [(each, each.size) for each in found.due_times if each.size is not None]
    lengths = [(each, each.seconds) for each in found.due_times if each.seconds is not None]
    made = (
        _chart("Size of the backups that still exist", sizes, lambda value: f"{value:.2f} GB"),
        _chart("Time that they took", lengths, lambda value: span(timedelta(seconds=value))),
    )
    return tuple(each for each in made if each is not None)


def _chart(
    title: str, values: Sequence[tuple[DueTime, float]], told: Callable[[float], str]
) -> Chart | None:
    most = max((value for _, value in values), default=0.0)
    if not most:
        return None
    pitch = min(_CHART_WIDTH / len(values), 20.0)
    bars = []
    for number, (due, value) in enumerate(values):
        height = _CHART_HEIGHT * value / most
        said = f"{due.at:%Y-%m-%d %H:%M} UTC: {told(value)}"
        bars.append(Bar(number * pitch, _CHART_HEIGHT - height, pitch * 0.8, height, said))
    return Chart(title, told(most), _CHART_WIDTH, _CHART_HEIGHT, tuple(bars))
