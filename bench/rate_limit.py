# SPDX-License-Identifier: Apache-2.0
"""Many schedules of one project on one minute, at Trove's default limit of requests."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.crowd import Crowd
from bench.executions import RUNNING, Mistral
from bench.firings import EARLY
from bench.minicloud import import_path, mini_cloud
from bench.minutes import next_minute, wait_until
from bench.report import Report
from bench.traffic import OPTIONS, Traffic, Wire
from bench.workbook_5 import beside
from trove_minicloud.root import Root

#: Minutes from one attempt to the next.
RETRY_EVERY = 5
#: Retention may wait for 25 minutes before it begins, and for more after a refusal.
_RETENTION = timedelta(minutes=45)


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


#: By schedules, kept backups, and whether they are incremental; measured like `workbook_5.BEFORE`.
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
    due = next_minute(30 + count)
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
        beside(found, f"{title}: {what}", unit, value(ours), theirs)
    found.expect(f"{title}: duplicates", ours.duplicates, 0)
    found.expect(f"{title}: instances without a backup", count - ours.backed_up, 0)
    found.expect(f"{title}: retentions not done", count - ours.retained, 0)


def run(count: int, kept: int, incremental: bool) -> Report:
    """One burst: what it came to, beside what it did on the workbook before."""
    import_path()
    kind = " incremental" if incremental else ""
    found = Report(f"requests-burst-{count}-{kept}{kind.replace(' ', '-')}")
    with mini_cloud(overrides=OPTIONS) as root:
        ours = burst(root, count, kept, incremental)
    title = f"{count} schedules of one project, {kept}{kind} kept"
    add_burst(found, title, ours, count, BURSTS_BEFORE.get((count, kept, incremental)))
    return found
