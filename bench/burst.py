# SPDX-License-Identifier: Apache-2.0
"""Many schedules on one minute: how late they start, how many a second, whether any is lost.

Measured from the due time, each schedule once, every backup requested from Trove and completed
(`crowd` says of what instances). Mistral's and Trove's times are whole seconds on MariaDB.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles

import psutil

from bench import report
from bench.crowd import LIGHT, Crowd
from bench.firings import Firing, Member
from bench.minicloud import import_path, mini_cloud
from bench.minutes import next_minute, wait_until
from bench.report import Report
from trove_minicloud.cloud import daemon
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file
from trove_minicloud.supervision import state

#: As Keystone ships: bcrypt with 12 rounds at each login of a service user, and nothing cached.
KEYSTONE_DEFAULTS = {
    "keystone": "[identity]\npassword_hash_rounds = 12\n[cache]\nenabled = false\n"
}
#: No progress for so long ends a burst: whatever is missing then is lost or stuck.
_STALLED = 90.0
_POLL = 2.0


@dataclass(frozen=True)
class Burst:
    """What became of one burst. Times are in seconds after the due time.

    :ivar cpu: seconds that each kind of program used for one run.
    """

    firings: Sequence[Firing]
    unnoticed: Sequence[str]
    cpu: Mapping[str, float]

    @property
    def started(self) -> list[float]:
        return sorted(firing.lateness for firing in self.firings if firing.started)

    @property
    def lost(self) -> int:
        """Firings without a complete backup."""
        return sum(not firing.completed for firing in self.firings)

    @property
    def duplicates(self) -> int:
        return sum(firing.duplicates for firing in self.firings)

    @property
    def rate(self) -> float:
        """A second, from the due time (or the first, where that came early) to the last."""
        first = min(0.0, *self.started)
        return len(self.started) / max(self.started[-1] - first, 1.0)

    def lateness(self, percent: int) -> float:
        return quantiles(self.started, n=100, method="inclusive")[percent - 1]

    @property
    def requests(self) -> float:
        """Backups asked for in a second, from the due time to the last."""
        last = max(
            _after(firing.due, firing.requested[0]) for firing in self.firings if firing.requested
        )
        return sum(bool(firing.requested) for firing in self.firings) / max(last, 1.0)

    @property
    def done(self) -> float:
        """When the last of the backups that became complete was so."""
        return max(
            _after(firing.due, firing.completed[0]) for firing in self.firings if firing.completed
        )


def measure(root: Root, count: int) -> Burst:
    """So many schedules on one of the next minutes, followed until nothing more happens."""
    crowd = Crowd(root)
    began = time.monotonic()
    projects = crowd.projects(count)
    # To make a schedule in each of them takes no longer.
    due = next_minute(15 + 2 * (time.monotonic() - began))
    members = crowd.schedule(count, due, projects=projects)
    print(f"{count} schedules wait for {due:%H:%M} UTC", file=sys.stderr)
    if datetime.now(UTC) > due - timedelta(seconds=2):
        raise RuntimeError(f"The {count} schedules were not made before their minute came.")
    wait_until(due - timedelta(seconds=2))
    before = cpu_seconds(root)
    firings = follow(crowd, members, due)
    used = {name: (after - before[name]) / count for name, after in cpu_seconds(root).items()}
    return Burst(firings, unnoticed(crowd, firings), used)


def cpu_seconds(root: Root) -> dict[str, float]:
    """What each kind of program has used since it started; two engines are one kind."""
    found = state.load(root)
    used: dict[str, float] = {}
    for program in found.programs if found else ():
        if program.process is None:
            continue
        process = psutil.Process(program.process.pid)
        kind = program.name.rstrip("-0123456789")
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = each.cpu_times()
                used[kind] = used.get(kind, 0.0) + times.user + times.system
    return used


def follow(crowd: Crowd, members: Sequence[Member], due: datetime) -> list[Firing]:
    """The firings once every backup is complete, or nothing has changed for a minute and a half."""
    last: list[Firing] = []
    changed = time.monotonic()
    while True:
        firings = crowd.firings(members, due)
        if all(firing.completed and firing.ended for firing in firings):
            return firings
        if firings != last:
            last, changed = firings, time.monotonic()
            print(_progress(firings), file=sys.stderr)
        if time.monotonic() - changed > _STALLED:
            return firings
        time.sleep(_POLL)


def _progress(firings: Sequence[Firing]) -> str:
    since = (datetime.now(UTC) - firings[0].due).total_seconds()
    counts = {
        "started": sum(bool(firing.started) for firing in firings),
        "requested": sum(bool(firing.requested) for firing in firings),
        "complete": sum(bool(firing.completed) for firing in firings),
        "ended": sum(firing.ended is not None for firing in firings),
    }
    return f"{since:4.0f} s: " + ", ".join(f"{count} {what}" for what, count in counts.items())


def unnoticed(crowd: Crowd, firings: Sequence[Firing]) -> list[str]:
    """Schedules without a backup that the health of their project doesn't name.

    Asked from two minutes after the due time on, when it must be known.
    """
    members = [firing.member for firing in firings if not firing.completed]
    if not members:
        return []
    wait_until(firings[0].due + timedelta(seconds=130))
    named = crowd.named(members)
    # A backup may have come in after all.
    later = crowd.firings(members, firings[0].due)
    return sorted({firing.member.id for firing in later if not firing.completed} - named.keys())


def _after(due: datetime, moment: datetime) -> float:
    return (moment - due).total_seconds()


# Rows of the table


def add(found: Report, title: str, ours: Burst, against: str, theirs: Burst | None) -> None:
    """The rows of one burst, beside those of another where there is one."""
    for what, unit, value in _FIGURES:
        other = () if theirs is None else value(theirs)
        found.add(f"{title}: {what}", unit, value(ours), against=against, theirs=other)
    found.expect(f"{title}: duplicates", ours.duplicates, 0)
    found.expect(f"{title}: lost", ours.lost, 0)
    found.expect(f"{title}: lost without health naming it", list(ours.unnoticed), [])
    for name, each in ((title, ours), (f"{title}, {against}", theirs)):
        if each is not None:
            found.series[name] = {
                "started": each.started,
                "lost": each.lost,
                "duplicates": each.duplicates,
                "unnoticed": list(each.unnoticed),
                "cpu": dict(each.cpu),
            }
            figures = ", ".join(
                f"{what} {value(each):.1f} {unit}" for what, unit, value in _FIGURES
            )
            print(
                f"{name}: {len(each.started)} fired, {figures}, {each.duplicates} duplicates,"
                f" {each.lost} lost, {len(each.unnoticed)} of these unnoticed; CPU seconds a run: "
                + ", ".join(f"{kind} {used:.3f}" for kind, used in each.cpu.items()),
                file=sys.stderr,
            )


_FIGURES: tuple[tuple[str, str, Callable[[Burst], float]], ...] = (
    ("firings", "1/s", lambda each: each.rate),
    ("backups requested", "1/s", lambda each: each.requests),
    ("lateness, p50", "s", lambda each: each.lateness(50)),
    ("lateness, p99", "s", lambda each: each.lateness(99)),
    ("last backup complete after", "s", lambda each: each.done),
    ("CPU of all services for a run", "s", lambda each: sum(each.cpu.values())),
)


def run(full: bool) -> Report:
    """The mini cloud, and beside it the same with the defaults of Keystone and SQLite."""
    import_path()
    found = Report("burst")
    count = 100 if full else 20
    with mini_cloud(overrides=LIGHT) as root:
        ours = measure(root, count)
    with mini_cloud(overrides=LIGHT | KEYSTONE_DEFAULTS) as root:
        _sqlite_defaults(root)
        theirs = measure(root, count)
    title = f"{count} schedules on one minute, mini cloud"
    add(found, title, ours, "defaults of Keystone and SQLite", theirs)
    return found


def _sqlite_defaults(root: Root) -> None:
    """A rollback journal instead of the write-ahead log, and a wait of 5 seconds for a lock."""
    daemon.down(root)
    for service in ("keystone", "mistral", "trove"):
        file = database_file(root.service(service))
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        with (root.service(service) / "override.conf").open("a") as options:
            options.write(f"[database]\nconnection = sqlite:///{file}\n")
    daemon.up(root, lambda _line: None)


def clusters(engines: Sequence[int], counts: Sequence[int]) -> Report:
    """Clusters of N engines, one after the other, each with bursts of these sizes."""
    import_path()
    found = Report("burst-cluster")
    first: dict[int, Burst] = {}
    for number in engines:
        with mini_cloud(engines=number, overrides=LIGHT) as root:
            for count in counts:
                ours = measure(root, count)
                title = f"{count} schedules on one minute, cluster, engines: {number}"
                against = f"engines: {engines[0]}" if count in first else ""
                add(found, title, ours, against, first.get(count))
                first.setdefault(count, ours)
                # The rest may take half an hour more.
                found.write()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes of the documentation")
    parser.add_argument(
        "--engines", type=int, nargs="+", metavar="N", help="clusters of N engines instead"
    )
    parser.add_argument(
        "--schedules", type=int, nargs="+", default=[100, 500], metavar="N", help="of a burst"
    )
    chosen = parser.parse_args()
    report.end_when_told()
    found = clusters(chosen.engines, chosen.schedules) if chosen.engines else run(chosen.full)
    print(f"written: {found.write()}", file=sys.stderr)
    return report.finish([found])


if __name__ == "__main__":
    sys.exit(main())
