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
import re
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from bench import report
from bench.crowd import (
    EARLY,
    LIGHT,
    Crowd,
    Project,
    wait_until,
    within_the_hour,
)
from bench.minicloud import import_path, mini_cloud
from bench.report import Report
from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services.config_files import logging_options
from trove_minicloud.services.preparation import database_file

_LEVELS = f"default_log_levels = {logging_options()['default_log_levels']}," + (
    "urllib3.connectionpool=DEBUG\n"
)
#: The mini cloud's options that bring the light guest in, and log each request of the services.
OPTIONS = {"mistral": f"[DEFAULT]\n{_LEVELS}", "trove": LIGHT["trove"] + _LEVELS}
#: How many backups the schedules keep.
KEPT = (0, 5, 14, 30, 100)
USUAL = 14
SHORT = (0, USUAL)
#: Of incremental schedules, whose every backup is looked at.
KEPT_INCREMENTAL = 40
#: Minutes from one attempt of a burst to the next.
RETRY_EVERY = 5
#: Seconds that one firing may take.
_PATIENCE = 300.0
#: Retention may wait for 25 minutes before it begins, and for more after a refusal.
_RETENTION = timedelta(minutes=45)
_ENDED = ("SUCCESS", "ERROR", "CANCELLED")
RUNNING = "RUNNING"
_REQUEST = re.compile(r' http://127\.0\.0\.1:(\d+) "([A-Z]+) \S+ HTTP/1\.1" (\d+) ')

# What is measured
RUN_1 = "run of 1 attempt"
RUN_3 = "run of 3 attempts"
FURTHER = "further attempt"
KEEPING = "run with retention"
INCREMENTAL = "incremental run with retention"
#: One of these, and how many backups were kept.
What = tuple[str, int]


@dataclass(frozen=True)
class Figures:
    """Of one firing.

    :ivar trove: requests to Trove, by all methods.
    :ivar keystone: requests to Keystone, by Mistral and by Trove.
    :ivar rows: that its execution left in Mistral's database: workflows, tasks and actions.
    :ivar kilobytes: the lengths of all columns of these rows.
    """

    trove: int
    keystone: int
    rows: int
    kilobytes: float


_UNITS = {"trove": "to Trove", "keystone": "to Keystone", "rows": "rows", "kilobytes": "KB"}
# Measured by this module on version 5 of the workbook, when each action cost six requests to
# Keystone; the lower of two runs, which a look at the backup more or less makes differ.
_TROVE_BEFORE = {
    RUN_1: {0: 4, 5: 9, 14: 9, 30: 9, 100: 9},
    RUN_3: {0: 4, 5: 9, 14: 18, 30: 24, 100: 24},
    FURTHER: {0: 2, 5: 7, 14: 16, 30: 21, 100: 21},
    KEEPING: {0: 6, 5: 17, 14: 35, 30: 57, 100: 127},
    INCREMENTAL: {40: 87},
}
#: Keystone, rows and KB. A run by hand has its catalog from the person's own request.
_REST_BEFORE = {
    RUN_1: (21, 7, 27.8),
    RUN_3: (21, 7, 27.9),
    FURTHER: (9, 3, 19.3),
    KEEPING: (0, 11, 33.4),
    INCREMENTAL: (0, 11, 33.9),
}
BEFORE = {
    (what, kept): Figures(trove, *_REST_BEFORE[what])
    for what, counts in _TROVE_BEFORE.items()
    for kept, trove in counts.items()
}
#: KB that Mistral's database grew by, each time.
_GROWTH_BEFORE = {RUN_1: 40.1, FURTHER: 26.6}


# Requests


@dataclass(frozen=True)
class Traffic:
    """Requests of Mistral and Trove.

    :ivar trove: to Trove, by method.
    :ivar refused: of these, because the project sent too many.
    :ivar keystone: to Keystone, by Trove too.
    """

    trove: Counter[str]
    refused: int
    keystone: int


def traffic(lines: Iterable[str], trove: int, keystone: int) -> Traffic:
    """What urllib3 logged of requests to these ports."""
    found = [match.groups() for line in lines if (match := _REQUEST.search(line))]
    asked = [(method, status) for port, method, status in found if int(port) == trove]
    return Traffic(
        trove=Counter(method for method, _ in asked),
        refused=sum(status == "413" for _, status in asked),
        keystone=sum(int(port) == keystone for port, _, _ in found),
    )


class Wire:
    """The requests since it was made."""

    def __init__(self, root: Root) -> None:
        self._settings = settings.load_or_create(root)
        self._logs = [root.log(name) for name in ("mistral", "trove")]
        self._began = [log.stat().st_size for log in self._logs]

    def traffic(self) -> Traffic:
        lines: list[str] = []
        for log, began in zip(self._logs, self._began, strict=True):
            lines += _after(log, began).splitlines()
        return traffic(lines, self._settings.trove_port, self._settings.keystone_port)


def _after(log: Path, position: int) -> str:
    with log.open("rb") as stream:
        stream.seek(position)
        return stream.read().decode(errors="replace")


# Rows


@dataclass(frozen=True)
class Left:
    """What executions left in Mistral's database.

    :ivar rows: of workflows, their tasks and their actions.
    :ivar size: bytes, the lengths of all columns of these rows.
    """

    rows: int
    size: int


_ROWS = {
    "workflow_executions_v2": "{roots} in (id, root_execution_id)",
    "task_executions_v2": "workflow_execution_id in (select id from workflow_executions_v2"
    " where {roots} in (id, root_execution_id))",
    "action_executions_v2": "task_execution_id in (select id from task_executions_v2 where"
    " workflow_execution_id in (select id from workflow_executions_v2"
    " where {roots} in (id, root_execution_id)))",
}


class Mistral:
    """What Mistral's database says: requests to ask it would be counted."""

    def __init__(self, root: Root) -> None:
        self._file = database_file(root.service("mistral"))

    def roots(self, instance: str = "") -> dict[str, str]:
        """The states of the executions of an instance, or of all, by ids; see `states`."""
        rows = self._rows(
            "select id, root_execution_id, state from workflow_executions_v2"
            " where workflow_name like 'trove.%' and input like ?",
            [f"%{instance}%"],
        )
        return states(rows)

    def left(self, root_execution: str) -> Left:
        """What an execution left, its sub-workflows included."""
        rows = [
            row
            for table, condition in _ROWS.items()
            for row in self._rows(
                f"select * from {table} where " + condition.format(roots="?"), [root_execution]
            )
        ]
        return Left(len(rows), sum(len(str(cell).encode()) for row in rows for cell in row if cell))

    def size(self) -> int:
        """Bytes of the database's pages that are in use."""
        [[size]] = self._rows(
            "select (page_count - freelist_count) * page_size"
            " from pragma_page_count, pragma_freelist_count, pragma_page_size",
            [],
        )
        return int(size)

    def _rows(self, statement: str, values: Sequence[str]) -> list[Any]:
        with closing(sqlite3.connect(self._file, timeout=60)) as connection:
            return connection.execute(statement, values).fetchall()


def states(rows: Iterable[tuple[str, str | None, str]]) -> dict[str, str]:
    """The state of each root execution; it runs until all that it has started is over.

    :param rows: id, id of the root execution (None for a root), state.
    """
    found: dict[str, str] = {}
    for execution, root, state in rows:
        key = root or execution
        if state not in _ENDED:
            found[key] = RUNNING
        elif root is None:
            found.setdefault(key, state)
    return found


# One schedule


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
    """A minute that goes on for a while, and whose two further attempts lie in the same hour."""
    now = datetime.now(UTC)
    if now.second > 30 or now.minute > 57:
        wait_until(within_the_hour((now + timedelta(minutes=1)).replace(second=0, microsecond=0)))
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
        _beside(found, f"{name}: Mistral's database grows by", "KB", grown, _GROWTH_BEFORE[name])
    return costs


def add(found: Report, costs: Mapping[What, Cost]) -> None:
    """The rows of the table, beside those of the workbook before."""
    ours = {what: cost.figures for what, cost in costs.items()}
    for (what, kept), figures in ours.items():
        before = BEFORE.get((what, kept))
        for figure, unit in _UNITS.items():
            # The others hardly depend on how many are kept.
            if figure == "trove" or kept in (USUAL, KEPT_INCREMENTAL):
                theirs = None if before is None else getattr(before, figure)
                _beside(found, f"{what}, {kept} kept", unit, getattr(figures, figure), theirs)
        alone = retention(ours, kept)
        if what == KEEPING and alone is not None:
            theirs = retention(BEFORE, kept)
            _beside(found, f"retention alone, {kept} kept", "to Trove", alone, theirs)
    found.series["requests to Trove"] = {
        f"{what}, {kept}": dict(cost.traffic.trove) for (what, kept), cost in costs.items()
    }


def retention(figures: Mapping[What, Figures], kept: int) -> int | None:
    """What a run sends Trove more with retention than without."""
    with_it, without = figures.get((KEEPING, kept)), figures.get((RUN_3, kept))
    return with_it.trove - without.trove if with_it and without else None


def _beside(found: Report, what: str, unit: str, ours: float, theirs: float | None) -> None:
    if theirs is None:
        found.add(what, unit, ours)
    else:
        found.add(what, unit, ours, against="workbook 5", theirs=theirs)


# A burst


@dataclass(frozen=True)
class Burst:
    """What became of many schedules of one project on one minute, after all attempts.

    :ivar first: instances that had a backup from the first attempt.
    :ivar backed_up: instances that have one.
    :ivar retained: schedules that keep no more than they shall.
    :ivar failed: executions that ended in an error.
    :ivar minutes: from the due time until nothing ran any more.
    """

    traffic: Traffic
    first: int
    backed_up: int
    retained: int
    failed: int
    duplicates: int
    minutes: float


#: By schedules, kept backups, and whether they are incremental; measured as `BEFORE` was.
BURSTS_BEFORE = {
    (30, 30, False): Burst(
        Traffic(Counter(GET=1772), refused=285, keystone=2364),
        first=9,
        backed_up=11,
        retained=7,
        failed=62,
        duplicates=0,
        minutes=11.0,
    )
}


def burst(root: Root, count: int, kept: int, incremental: bool) -> Burst:
    """N schedules with N kept backups each and 3 attempts, followed to the end."""
    crowd, mistral = Crowd(root), Mistral(root)
    owner = crowd.project()
    due = burst_minute(datetime.now(UTC) + timedelta(seconds=30 + count))
    members = crowd.schedule(
        count,
        due,
        attempts=[3],
        retry_every=RETRY_EVERY,
        keep_last=kept,
        incremental=incremental,
        projects=[owner],
    )
    crowd.keep(members, kept, incremental=incremental)
    print(f"{count} schedules wait for {due:%H:%M} UTC", file=sys.stderr)
    wait_until(due - timedelta(seconds=3))
    wire = Wire(root)
    last = due + timedelta(minutes=2 * RETRY_EVERY)
    states = _follow(mistral, last)
    kept_now = crowd.kept()
    firings = crowd.firings(members, due)
    second = due + timedelta(minutes=RETRY_EVERY) - EARLY
    return Burst(
        traffic=wire.traffic(),
        first=sum(bool(firing.completed) and firing.requested[0] < second for firing in firings),
        backed_up=sum(bool(firing.completed) for firing in firings),
        retained=sum(
            bool(firing.completed) and kept_now[firing.member.id] <= kept for firing in firings
        ),
        failed=sum(state == "ERROR" for state in states),
        duplicates=sum(firing.duplicates for firing in firings),
        minutes=(datetime.now(UTC) - due).total_seconds() / 60,
    )


def burst_minute(earliest: datetime) -> datetime:
    """The first whole minute from then on whose further attempts lie in the same hour."""
    due = earliest.replace(second=0, microsecond=0) + timedelta(minutes=1)
    late = due.minute + 2 * RETRY_EVERY >= 60
    return due + timedelta(minutes=60 - due.minute) if late else due


def _follow(mistral: Mistral, last: datetime) -> list[str]:
    """The states of all executions once the last attempts have ended, retention included."""
    said = 0.0
    while True:
        now = datetime.now(UTC)
        found = list(mistral.roots().values())
        over = now > last + timedelta(minutes=1) and RUNNING not in found
        if over or now > last + _RETENTION:
            return found
        if time.monotonic() > said + 60:
            said = time.monotonic()
            counts = ", ".join(f"{each} {state}" for state, each in Counter(found).items())
            print(f"{now:%H:%M:%S} UTC: {counts or 'nothing yet'}", file=sys.stderr)
        time.sleep(2)


def add_burst(found: Report, title: str, ours: Burst, count: int, before: Burst | None) -> None:
    """The rows of one burst, beside the same on the workbook before."""
    figures: tuple[tuple[str, str, Callable[[Burst], float]], ...] = (
        ("GETs to Trove", "requests", lambda each: each.traffic.trove["GET"]),
        ("refused by Trove", "requests", lambda each: each.traffic.refused),
        ("to Keystone", "requests", lambda each: each.traffic.keystone),
        ("with a backup after the first attempt", "instances", lambda each: each.first),
        ("with a backup after all attempts", "instances", lambda each: each.backed_up),
        ("retention done", "schedules", lambda each: each.retained),
        ("ended in an error", "executions", lambda each: each.failed),
        ("until nothing runs any more", "min", lambda each: each.minutes),
    )
    for what, unit, value in figures:
        theirs = None if before is None else value(before)
        _beside(found, f"{title}: {what}", unit, value(ours), theirs)
    found.expect(f"{title}: duplicates", ours.duplicates, 0)
    found.expect(f"{title}: instances without a backup", count - ours.backed_up, 0)
    found.expect(f"{title}: retentions not done", count - ours.retained, 0)


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


def run_burst(count: int, kept: int, incremental: bool) -> Report:
    """One burst."""
    import_path()
    kind = " incremental" if incremental else ""
    found = Report(f"requests-burst-{count}-{kept}{kind.replace(' ', '-')}")
    with mini_cloud(overrides=OPTIONS) as root:
        ours = burst(root, count, kept, incremental)
    title = f"{count} schedules of one project, {kept}{kind} kept"
    add_burst(found, title, ours, count, BURSTS_BEFORE.get((count, kept, incremental)))
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
        found = run_burst(chosen.burst, chosen.kept, chosen.incremental)
    else:
        found = run(full=True)
    print(f"written: {found.write()}", file=sys.stderr)
    return report.finish([found])


if __name__ == "__main__":
    sys.exit(main())
