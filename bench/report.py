# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: both sides timed in turns, a table of ratios, JSON, charts.

A benchmark is a module with ``run(full) -> Report`` and, where a picture says more, ``draw(report,
folder)``; it ends with ``report.main(run, draw)``, so that it is a command of its own, and stands
in ``bench/__main__.py``, so that ``make bench`` runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import prettytable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Where the JSON of a run goes.
RESULTS = Path("build/bench")


@dataclass(frozen=True)
class Row:
    """One thing measured, beside another measured in the same run.

    :ivar ours: one value a round, in ``unit``.
    :ivar against: what the other side is; empty where there is none.
    :ivar theirs: the same of the other side.
    :ivar at_most: the goal for the ratio of the medians, ours / theirs, if it is an upper limit.
    :ivar at_least: the same if it is a lower limit; without an other side, for our median itself.
    """

    what: str
    unit: str
    ours: Sequence[float]
    against: str = ""
    theirs: Sequence[float] = ()
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float | None:
        """None too where theirs is 0, as a lateness in whole seconds may be."""
        theirs = median(self.theirs) if self.theirs else 0
        return median(self.ours) / theirs if theirs else None

    @property
    def goal(self) -> str:
        """The goal, and whether it is met."""
        value = self.ratio if self.theirs else median(self.ours)
        if value is None:
            return ""
        for limit, sign, met in (
            (self.at_most, "≤", lambda limit: value <= limit),
            (self.at_least, "≥", lambda limit: value >= limit),
        ):
            if limit is not None:
                return f"{sign} {limit:.3g}: {'met' if met(limit) else 'MISSED'}"
        return ""


@dataclass
class Report:
    """What one benchmark found.

    :ivar rows: see :meth:`add`.
    :ivar series: what charts are drawn from, by name: anything that JSON holds.
    :ivar wrong: answers that were not what they had to be. One makes the command fail; a goal that
        is missed does not, because the machine may have been busy.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    series: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    when: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    machine: dict[str, Any] = field(default_factory=lambda: machine())

    def add(
        self,
        what: str,
        unit: str,
        ours: float | Sequence[float],
        *,
        against: str = "",
        theirs: float | Sequence[float] = (),
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Add a row; several values of a side are its rounds."""
        sides = [[side] if isinstance(side, (int, float)) else side for side in (ours, theirs)]
        self.rows.append(Row(what, unit, sides[0], against, sides[1], at_most, at_least))

    def expect(self, what: str, found: object, expected: object) -> None:
        """Note an answer that is not what it has to be."""
        if found != expected:
            self.wrong.append(f"{what}: {found!r}, expected {expected!r}")

    def write(self, folder: Path = RESULTS) -> Path:
        """Write it as JSON, with the machine's load when it began and now."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        rows = [asdict(row) | {"ratio": row.ratio, "goal": row.goal} for row in self.rows]
        content = asdict(self) | {"rows": rows, "load_after": os.getloadavg()}
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return path


def machine() -> dict[str, Any]:
    """What a reader must know of the machine to judge a figure."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def in_turns(rounds: int, *sides: Callable[[], float]) -> list[list[float]]:
    """What each side says of each round, every other round in the opposite order.

    A side measures itself, see :func:`timed`; a warm-up is the caller's affair.
    """
    results: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        order = list(enumerate(sides))
        for position, side in order if number % 2 == 0 else reversed(order):
            results[position].append(side())
    return results


def timed(call: Callable[[], object]) -> Callable[[], float]:
    """A side of :func:`in_turns` that says how many seconds a call takes."""

    def seconds() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return seconds


def table(reports: Iterable[Report]) -> str:
    """All rows as one table, which Markdown takes too: medians, and ours / theirs."""
    shown = prettytable.PrettyTable(
        ["measured", "unit", "ours", "against", "theirs", "ratio", "goal"]
    )
    shown.set_style(prettytable.TableStyle.MARKDOWN)
    shown.align = "l"
    for report in reports:
        for row in report.rows:
            theirs = f"{median(row.theirs):.3g}" if row.theirs else ""
            ratio = "" if row.ratio is None else _ratio(row.ratio)
            ours = f"{median(row.ours):.3g}"
            shown.add_row([row.what, row.unit, ours, row.against, theirs, ratio, row.goal])
    return shown.get_string()


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio > 0.1 or ratio == 0 else f"1/{1 / ratio:.0f}"


def main(run: Callable[[bool], Report], draw: Callable[[Report, Path], None] | None = None) -> int:
    """The command that a benchmark is."""
    return run_all([(run, draw)])


def run_all(
    benchmarks: Sequence[tuple[Callable[[bool], Report], Callable[[Report, Path], None] | None]],
) -> int:
    """Run benchmarks one after the other; print their table, write their JSON, draw their charts.

    :returns: the exit status: 1 if an answer was wrong.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="the sizes of the documentation")
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="also draw the charts")
    arguments = parser.parse_args()
    end_when_told()
    reports = []
    for run, draw in benchmarks:
        report = run(arguments.full)
        if arguments.charts and draw:
            draw(report, arguments.charts)
        print(f"written: {report.write()}", file=sys.stderr)
        reports.append(report)
    return finish(reports)


def end_when_told() -> None:
    """Let SIGTERM end this program as Ctrl-C does, so that it stops its mini clouds."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def finish(reports: Sequence[Report]) -> int:
    """Print their table; the exit status as `run_all` has it."""
    found = machine()
    before = reports[0].machine["load_before"][0]
    print(
        f"{reports[0].when}, {found['cores']} cores, load {before:.1f} before and "
        f"{found['load_before'][0]:.1f} after, {found['system']}, Python {found['python']}"
    )
    print(table(reports))
    wrong = [f"{report.name}: {fault}" for report in reports for fault in report.wrong]
    for fault in wrong:
        print(f"WRONG: {fault}", file=sys.stderr)
    return 1 if wrong else 0


# Charts, as SVG


def line_chart(
    path: Path,
    title: str,
    axes: tuple[str, str],
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    logarithmic: bool = False,
) -> None:
    """Lines through points (x, y), by their names in the legend.

    :param axes: what x and y are, with their units.
    """
    figure, plot = _chart(title)
    for name, points in lines.items():
        plot.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    plot.set(xlabel=axes[0], ylabel=axes[1])
    if logarithmic:
        plot.set(xscale="log", yscale="log")
    else:
        plot.set_ylim(bottom=0)
    _save(figure, plot, path)


def bar_chart(
    path: Path,
    title: str,
    unit: str,
    groups: Sequence[str],
    bars: Mapping[str, Sequence[float]],
    *,
    logarithmic: bool = False,
) -> None:
    """Horizontal bars, in groups: ``bars`` has for each side one value a group."""
    figure, plot = _chart(title)
    height = 0.8 / len(bars)
    for number, (name, values) in enumerate(bars.items()):
        places = [group + number * height for group in range(len(groups))]
        drawn = plot.barh(places, values, height=height * 0.9, label=name)
        plot.bar_label(drawn, fmt="%.3g", padding=2, fontsize=8)
    middle = (len(bars) - 1) * height / 2
    plot.set_yticks([group + middle for group in range(len(groups))], groups)
    plot.invert_yaxis()
    plot.margins(x=0.12)
    plot.set(xlabel=unit)
    if logarithmic:
        plot.set(xscale="log")
    _save(figure, plot, path)


def _chart(title: str) -> tuple[Figure, Axes]:
    # Not at import: only who draws needs the library, which is the extra `bench`.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4), layout="constrained")
    plot = figure.add_subplot()
    plot.set_title(title, fontsize=11)
    plot.spines[["top", "right"]].set_visible(False)
    plot.grid(alpha=0.3)
    plot.set_axisbelow(True)
    return figure, plot


def _save(figure: Figure, plot: Axes, path: Path) -> None:
    plot.legend(frameon=False, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    import matplotlib

    # Without a date and random ids in the file, so that the same figures give the same picture.
    with matplotlib.rc_context({"svg.hashsalt": "bench"}):
        figure.savefig(path, metadata={"Date": None})
