# SPDX-License-Identifier: Apache-2.0
"""Faults in mid-burst, and a table of what became of every firing.

Each fault has schedules of its own on a minute of its own: half of them fire once for the due
time, half have two further attempts as well. It passes if no firing made two backups, and if
health names every schedule whose due backup is not there, from two minutes after the due time on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import prettytable

from bench import faults
from bench.crowd import LIGHT, Crowd, Project
from bench.faults import Fault, NotRunError
from bench.firings import EARLY, Firing, Member
from bench.minicloud import import_path, mini_cloud
from bench.minutes import next_minute, wait_until
from bench.report import RESULTS, end_when_told, machine
from trove_minicloud.guest import datastores
from trove_minicloud.root import Root
from trove_minicloud.supervision import processes, state

#: Of each due time, in turns.
ATTEMPTS = (1, 3)
#: Health names a missing backup from two minutes after it was due; the rest is for the asking.
_NAMED_AFTER = timedelta(seconds=130)
#: A run that lost its executor is taken up again by Mistral after about 5 minutes.
_SETTLED_AFTER = timedelta(minutes=15)
_BACK_AFTER = 300.0
#: A fault that is there before the first firing, which may come early.
_BEFORE = -EARLY
#: Seconds that the schedules of all faults are made in.
_PREPARED = 60.0
_NOT_BACK = "not back"
_POLL = 5.0


@dataclass
class Case:
    """One fault.

    :ivar due: the minute of its schedules; the fault comes so long `after` it.
    :ivar back: when every program was ready again after the fault began.
    :ivar note: why it was not run, or what to know of it.
    """

    name: str
    fault: Fault
    due: datetime
    members: Sequence[Member]
    after: timedelta = timedelta(seconds=1.5)
    note: str = ""
    back: str = "-"
    firings: Sequence[Firing] = ()
    named: dict[str, str] = field(default_factory=dict)

    def settle(self, crowd: Crowd) -> None:
        """Look once more at what is missing, and at what health says of it."""
        self.firings = crowd.firings(
            self.members, self.due, self.due + min(self.after, timedelta())
        )
        self.named = crowd.named([firing.member for firing in self.firings if not firing.completed])

    def settled(self) -> bool:
        """Nothing is to be waited for: each backup is there or known not to be, each run over."""
        return all(
            (firing.completed or firing.member.id in self.named) and not firing.in_progress
            for firing in self.firings
        )

    def rows(self) -> Iterator[Row]:
        for attempts in sorted({member.attempts for member in self.members}):
            yield Row.of(self, [t for t in self.firings if t.member.attempts == attempts], attempts)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    attempts: int
    due: int
    runs: int
    backups: int
    duplicates: int
    lost: int
    stuck: int
    named: int
    states: str
    back: str
    note: str

    @classmethod
    def of(cls, case: Case, firings: Sequence[Firing], attempts: int) -> Row:
        missing = [firing for firing in firings if not firing.completed]
        # In progress for so long that nothing will become of it.
        stuck = [firing for firing in missing if firing.in_progress]
        early = sum(
            bool(firing.started) and firing.lateness < -EARLY.total_seconds() for firing in firings
        )
        named = [case.named[t.member.id] for t in missing if t.member.id in case.named]
        return cls(
            fault=case.name,
            attempts=attempts,
            due=len(firings),
            runs=sum(bool(firing.started) for firing in firings),
            backups=sum(bool(firing.completed) for firing in firings),
            duplicates=sum(firing.duplicates for firing in firings),
            lost=len(missing) - len(stuck),
            stuck=len(stuck),
            named=len(named),
            states=" ".join(sorted(set(named))),
            back=case.back,
            note=case.note or (f"{early} fired early" if case.after < -EARLY else ""),
        )

    @property
    def not_back(self) -> bool:
        """Something that was broken needs hands."""
        return self.back.startswith(_NOT_BACK)

    @property
    def good(self) -> bool:
        return not self.duplicates and self.named == self.lost + self.stuck and not self.not_back


def perform(root: Root, crowd: Crowd, cases: Sequence[Case]) -> list[Row]:
    """Run the cases, each at its minute, and tell what became of them."""
    for case in cases:
        wait_until(case.due + case.after)
        began = time.monotonic()
        try:
            case.fault(root)
        except NotRunError as error:
            case.note = f"not run: {error}"
            continue
        case.back = _back(root, began)
        print(f"{case.name}: back after {case.back}", file=sys.stderr)
    for case in cases:
        wait_until(case.due + _NAMED_AFTER)
        while True:
            case.settle(crowd)
            if case.settled() or datetime.now(UTC) > case.due + _SETTLED_AFTER:
                break
            time.sleep(_POLL)
        for row in case.rows():
            print(json.dumps(asdict(row)), file=sys.stderr)
    return [row for case in cases for row in case.rows()]


def _back(root: Root, began: float) -> str:
    """How long it took until every program was ready again, or what isn't after five minutes."""
    deadline = time.monotonic() + _BACK_AFTER
    while True:
        found = state.load(root)
        # The supervisor may not have noticed yet what has ended.
        waiting = [
            each.name
            for each in (found.programs if found else ())
            if each.state != "ready" or not (each.process and processes.is_alive(each.process))
        ]
        if found and not waiting:
            return f"{time.monotonic() - began:.0f} s"
        if time.monotonic() > deadline:
            return f"{_NOT_BACK}: {', '.join(waiting)}"
        time.sleep(0.2)


# Which faults there are


def nothing(_root: Root) -> None:
    """The control: what a burst without a fault looks like."""


CLUSTER: tuple[tuple[str, Fault], ...] = (
    ("none", nothing),
    ("a periodic server killed", faults.killed("mistral-periodic-1")),
    ("an engine killed", faults.killed("mistral-engine-1")),
    ("an executor killed", faults.killed("mistral-executor-1")),
    ("Trove killed", faults.killed("trove")),
    ("Keystone stopped for 20 s", faults.stopped("keystone", 20)),
    ("broker restarted", faults.restarted("rabbitmq")),
    ("database restarted", faults.restarted("mariadb")),
)
SINGLE: tuple[tuple[str, Fault], ...] = (
    ("Mistral killed", faults.killed("mistral")),
    ("Trove killed", faults.killed("trove")),
    ("Keystone stopped for 20 s", faults.stopped("keystone", 20)),
)
DISKS = ("mistral", "backups")


def on_cluster(count: int, wanted: Callable[[str], bool]) -> list[Row]:
    """Every fault that a cluster can have, and a clock that jumps last: it fires all there is."""
    chosen = [(name, fault) for name, fault in CLUSTER if wanted(name)]
    with mini_cloud(engines=2, overrides=LIGHT) as root:
        crowd = Crowd(root)
        due = next_minute(_PREPARED)
        cases = [
            Case(name, fault, at, crowd.schedule(count, at, attempts=ATTEMPTS))
            for at, (name, fault) in zip(_minutes(due), chosen, strict=False)
        ]
        at = max([due, *(case.due for case in cases)]) + timedelta(minutes=2)
        if wanted(name := "its user deleted"):
            project = crowd.project()
            members = crowd.schedule(count, at, attempts=ATTEMPTS, projects=[project])
            crowd.owners[project.id] = crowd.colleague(project)
            cases.append(Case(name, faults.user_deleted(project.user), at, members, _BEFORE))
            at = at + timedelta(minutes=3)
        if wanted(name := "clock an hour ahead for 40 s"):
            members = crowd.schedule(count, at, attempts=ATTEMPTS)
            cases.append(Case(name, faults.clock_jump(40), at, members, timedelta(seconds=-75)))
        _require_time(cases)
        return perform(root, crowd, cases)


def on_mini_cloud(count: int, wanted: Callable[[str], bool]) -> list[Row]:
    """Mistral in one process, on SQLite."""
    chosen = [(name, fault) for name, fault in SINGLE if wanted(name)]
    with mini_cloud(overrides=LIGHT) as root:
        crowd = Crowd(root)
        due = next_minute(_PREPARED)
        cases = [
            Case(name, fault, at, crowd.schedule(count, at, attempts=ATTEMPTS))
            for at, (name, fault) in zip(_minutes(due), chosen, strict=False)
        ]
        _require_time(cases)
        return perform(root, crowd, cases)


def on_databases(wanted: Callable[[str], bool]) -> list[Row]:
    """Faults of the guest and of disks, with real databases: two, because they are heavy."""
    chosen: list[tuple[str, Fault]] = [
        ("the guest's workers killed for 30 s", faults.guest_killed),
        ("disk full under the store for 40 s", faults.disk_full("backups", 40)),
        ("disk full under SQLite for 40 s", faults.disk_full("mistral", 40)),
    ]
    chosen = [(name, fault) for name, fault in chosen if wanted(name)]
    if not chosen:
        return []

    @contextlib.contextmanager
    def disks(root: Root) -> Iterator[None]:
        with faults.small_disk(root, DISKS, 96):
            yield

    try:
        with mini_cloud(overrides=LIGHT, around=disks) as root:
            crowd = Crowd(root)
            projects = [crowd.project() for _ in chosen]
            real = [_databases(root, project, len(ATTEMPTS)) for project in projects]
            due = next_minute(_PREPARED)
            cases = []
            for at, (name, fault), project, instances in zip(
                _minutes(due, step=3), chosen, projects, real, strict=False
            ):
                members = crowd.schedule(
                    len(instances), at, attempts=ATTEMPTS, projects=[project], instances=instances
                )
                cases.append(Case(name, fault, at, members, _BEFORE))
            _require_time(cases)
            return perform(root, crowd, cases)
    except NotRunError as error:
        return [
            Row(name, 0, 0, 0, 0, 0, 0, 0, 0, "", "-", f"not run: {error}") for name, _ in chosen
        ]


def _databases(root: Root, project: Project, count: int) -> list[str]:
    """PostgreSQL servers of the project, healthy."""
    server = datastores.named("postgresql")
    made = [server.create_server(root, f"chaos-{n}", project.id).id for n in range(count)]
    deadline = time.monotonic() + 120
    for instance in made:
        while True:
            answer = project.session.get(
                f"/instances/{instance}",
                endpoint_filter={"service_type": "database"},
                raise_exc=False,
            )
            status = answer.json()["instance"]["status"] if answer.ok else answer.status_code
            if status in ("ACTIVE", "HEALTHY"):
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"Instance {instance} is {status} after two minutes.")
            time.sleep(1)
    return made


def _minutes(first: datetime, step: int = 2) -> Iterator[datetime]:
    while True:
        yield first
        first += timedelta(minutes=step)


def _require_time(cases: Sequence[Case]) -> None:
    if cases and datetime.now(UTC) > cases[0].due - timedelta(seconds=5):
        raise RuntimeError("The schedules were not made before their minute came.")


# The command


def table(rows: Sequence[Row]) -> str:
    shown = prettytable.PrettyTable(
        ["fault", "attempts", "due", "runs", "backups", "duplicates", "lost", "stuck",
         "named by health", "as", "back after", "note"]
    )  # fmt: skip
    shown.set_style(prettytable.TableStyle.MARKDOWN)
    shown.align = "l"
    for row in rows:
        shown.add_row(list(asdict(row).values()))
    return shown.get_string()


def run(
    *, cluster: int = 0, mini_cloud: int = 0, databases: bool = False, only: str = ""
) -> list[Row]:
    """So many schedules for each fault; 0 leaves that kind of cloud out.

    :param only: a pattern; faults whose names it doesn't match are left out.
    """
    import_path()

    def wanted(name: str) -> bool:
        return re.search(only, name) is not None

    rows = on_cluster(cluster, wanted) if cluster else []
    rows += on_mini_cloud(mini_cloud, wanted) if mini_cloud else []
    return rows + (on_databases(wanted) if databases else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cluster", type=int, default=24, metavar="N", help="schedules a fault")
    parser.add_argument("--mini-cloud", type=int, default=24, metavar="N", help="schedules a fault")
    parser.add_argument("--no-databases", action="store_true", help="leave the guest's faults out")
    parser.add_argument("--only", default="", metavar="PATTERN", help="faults by their names")
    chosen = parser.parse_args()
    end_when_told()
    before = machine()
    rows = run(
        cluster=chosen.cluster,
        mini_cloud=chosen.mini_cloud,
        databases=not chosen.no_databases,
        only=chosen.only,
    )
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"machine": before, "load_after": os.getloadavg(), "rows": [asdict(r) for r in rows]}
    Path(RESULTS, "chaos.json").write_text(json.dumps(content, indent=2) + "\n")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {before['cores']} cores, load", end=" ")
    print(f"{before['load_before'][0]:.1f} before and {os.getloadavg()[0]:.1f} after")
    print(table(rows))
    bad = [row for row in rows if not row.good]
    for row in bad:
        print(f"FAILED: {row.fault}, attempts {row.attempts}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
