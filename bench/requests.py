# SPDX-License-Identifier: Apache-2.0
"""What a run, a further attempt and retention cost: requests, and rows in Mistral.

Of schedules with more and more kept backups, each of a project of its own (Trove counts a project's
requests), on instances without a server (`crowd`). Requests are those that the services say they
send: urllib3 logs each with its answer. A trigger is fired by moving its next time to now.

With ``--burst N``, N schedules of one project on one minute instead, at Trove's default rate limit.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest import mock

from bench import rate_limit, report
from bench.crowd import Crowd, Project
from bench.executions import RUNNING, Left, Mistral
from bench.minicloud import import_path, mini_cloud
from bench.minutes import next_minute, wait_until
from bench.report import Report
from bench.traffic import OPTIONS, Traffic, Wire
from bench.workbook_5 import (
    BEFORE,
    FURTHER,
    GROWTH,
    INCREMENTAL,
    KEEPING,
    RUN_1,
    RUN_3,
    UNITS,
    Figures,
    What,
    beside,
)

#: How many backups the schedules keep.
KEPT = (0, 5, 14, 30, 100)
USUAL = 14
SHORT = (0, USUAL)
#: Of incremental schedules, whose every backup is looked at.
KEPT_INCREMENTAL = 40
#: Seconds that one firing may take.
_PATIENCE = 300.0


@dataclass(frozen=True)
class Cost:
    """Of one firing."""

    traffic: Traffic
    left: Left

    @property
    def figures(self) -> Figures:
        asked = self.traffic.trove.total()
        return Figures(asked, self.traffic.keystone, self.left.rows, self.left.size / 1000)


class Subject:
    """One schedule of a project, and what its firings cost."""

    def __init__(
        self,
        crowd: Crowd,
        owner: Project,
        kept: int,
        attempts: int,
        *,
        keeps: bool = False,
        incremental: bool = False,
    ) -> None:
        self._crowd, self._owner = crowd, owner
        self.mistral = Mistral(crowd.root)
        [self._member] = crowd.schedule(
            1,
            this_minute(),
            attempts=[attempts],
            # None comes by itself while another is measured.
            retry_every=20,
            keep_last=max(kept, 1) if keeps else None,
            incremental=incremental,
            projects=[owner],
        )
        crowd.keep([self._member], kept, incremental=incremental)

    def firing(self) -> Cost:
        """The trigger fires, as that of a schedule that has been there since long."""
        since = datetime.now(UTC) - timedelta(days=400)
        return self._measure(lambda: self._crowd.fire([self._member], since))

    def by_hand(self) -> Cost:
        """A person starts a run, whose retention waits for nothing."""
        return self._measure(lambda: self._owner.schedules.schedule_run(self._member.id))

    def backups(self) -> int:
        """How many completed ones there are."""
        return self._crowd.kept()[self._member.id]

    def _measure(self, start: Callable[[], object]) -> Cost:
        before = self.mistral.roots(self._member.instance).keys()
        wire = Wire(self._crowd.root)
        start()
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = self.mistral.roots(self._member.instance)
            new = {execution: found[execution] for execution in found.keys() - before}
            if new and RUNNING not in new.values():
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._member}: {new} after {_PATIENCE:.0f} s")
            time.sleep(0.5)
        [(execution, state)] = new.items()
        if state != "SUCCESS":
            raise RuntimeError(f"{self._member}: execution {execution} ended in {state}")
        return Cost(wire.traffic(), self.mistral.left(execution))


def this_minute() -> datetime:
    """A minute that goes on for a while."""
    if datetime.now(UTC).second > 30:
        wait_until(next_minute(0))
    return datetime.now(UTC).replace(second=0, microsecond=0)


def measure(found: Report, crowd: Crowd, kept: Sequence[int], several: int) -> dict[What, Cost]:
    """What each kind of firing costs, by the number of kept backups."""
    costs: dict[What, Cost] = {}
    for count in kept:
        owner = crowd.project()
        # The first action of a project may have to ask where Trove is.
        Subject(crowd, owner, 0, 1).firing()
        costs[RUN_1, count] = Subject(crowd, owner, count, 1).firing()
        three = Subject(crowd, owner, count, 3)
        costs[RUN_3, count] = three.firing()
        costs[FURTHER, count] = three.firing()
        found.expect(
            f"backups after a run and a further attempt, {count}", three.backups(), count + 1
        )
        keeping = Subject(crowd, owner, count, 3, keeps=True)
        costs[KEEPING, count] = keeping.by_hand()
        found.expect(f"backups after retention, {count}", keeping.backups(), max(count, 1))
        print(f"{count} kept backups", file=sys.stderr)
    chained = Subject(crowd, crowd.project(), KEPT_INCREMENTAL, 3, keeps=True, incremental=True)
    costs[INCREMENTAL, KEPT_INCREMENTAL] = chained.by_hand()
    found.expect("incremental backups after retention", chained.backups(), KEPT_INCREMENTAL)
    for (what, count), cost in costs.items():
        found.expect(f"refused requests of {what}, {count} kept", cost.traffic.refused, 0)

    owner = crowd.project()
    fired = Subject(crowd, owner, 0, 3)
    fired.firing()
    for name, fire in ((RUN_1, Subject(crowd, owner, 0, 1).firing), (FURTHER, fired.firing)):
        before = fired.mistral.size()
        for _ in range(several):
            fire()
        grown = (fired.mistral.size() - before) / several / 1000
        beside(found, f"{name}: Mistral's database grows by", "KB", grown, GROWTH[name])
    return costs


def add(found: Report, costs: Mapping[What, Cost]) -> None:
    """The rows of the table, beside those of the workbook before."""
    ours = {what: cost.figures for what, cost in costs.items()}
    for (what, kept), figures in ours.items():
        before = BEFORE.get((what, kept))
        for figure, unit in UNITS.items():
            # The others hardly depend on how many are kept.
            if figure == "trove" or kept in (USUAL, KEPT_INCREMENTAL):
                theirs = None if before is None else getattr(before, figure)
                beside(found, f"{what}, {kept} kept", unit, getattr(figures, figure), theirs)
        alone = retention(ours, kept)
        if what == KEEPING and alone is not None:
            theirs = retention(BEFORE, kept)
            beside(found, f"retention alone, {kept} kept", "to Trove", alone, theirs)
    found.series["requests to Trove"] = {
        f"{what}, {kept}": dict(cost.traffic.trove) for (what, kept), cost in costs.items()
    }


def retention(figures: Mapping[What, Figures], kept: int) -> int | None:
    """What a run sends Trove more with retention than without."""
    with_it, without = figures.get((KEEPING, kept)), figures.get((RUN_3, kept))
    return with_it.trove - without.trove if with_it and without else None


def run(full: bool) -> Report:
    """What each kind of firing costs."""
    import_path()
    found = Report("requests")
    # So that the first look at a backup finds its end: runs differ by nothing but what is asked.
    quick = mock.patch.dict(os.environ, TROVE_MINICLOUD_LIGHT_SECONDS="0.2")
    with quick, mini_cloud(overrides=OPTIONS) as root:
        kept, several = (KEPT, 10) if full else (SHORT, 3)
        add(found, measure(found, Crowd(root), kept, several))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--burst",
        type=int,
        metavar="N",
        help="a burst of N schedules on one minute (takes 15 to 35 minutes)",
    )
    parser.add_argument("--kept", type=int, default=30, metavar="N", help="backups of each in it")
    parser.add_argument("--incremental", action="store_true", help="the burst's schedules are so")
    chosen = parser.parse_args()
    report.end_when_told()
    if chosen.burst:
        found = rate_limit.run(chosen.burst, chosen.kept, chosen.incremental)
    else:
        found = run(full=True)
    print(f"written: {found.write()}", file=sys.stderr)
    return report.finish([found])


if __name__ == "__main__":
    sys.exit(main())
