# SPDX-License-Identifier: Apache-2.0
"""Schedules in local time over the changes of a year's clocks, fired by Mistral itself.

Before each moment at which a trigger would fire, the clock of all services is moved to two seconds
before it, and Mistral's periodic server does the rest. When the run that this starts is over, the
next moment is next. There has to be one backup for each due time, begun within a minute of it, and
no other.

A daily schedule is due in the hour that is skipped in spring, another one in the hour that comes
twice in autumn; a third one is due in every hour, in the hours around the change.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import prettytable

from bench.clock import Clock, own_clock
from bench.crowd import LIGHT, Crowd, Project
from bench.firings import EARLY
from bench.minicloud import import_path, mini_cloud
from bench.report import end_when_told
from bench.runs import Runs
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file
from trove_schedules import Schedule

ZONES = ("Europe/Berlin", "America/St_Johns")
_BEFORE = timedelta(seconds=2)
_WITHIN = timedelta(seconds=60)
_MINUTE = timedelta(minutes=1)
#: From before the change to after it.
_DAILY, _HOURLY = timedelta(hours=25), timedelta(hours=2)
#: For a run on a busy machine.
_PATIENCE = 180.0


@dataclass(frozen=True)
class Change:
    """A moment at which the clocks of a zone are put forward or back."""

    zone: str
    at: datetime
    by: timedelta

    @property
    def patterns(self) -> dict[str, timedelta]:
        """Patterns to try, and how long before and after the change."""
        local = ZoneInfo(self.zone)
        # The middle of the hour that is skipped, or that comes twice.
        middle = abs(self.by) / 2 if self.by > timedelta() else -abs(self.by) / 2
        reading = (self.at - _MINUTE).astimezone(local).replace(tzinfo=None) + _MINUTE + middle
        return {f"{reading.minute} {reading.hour} * * *": _DAILY, "15 * * * *": _HOURLY}


def changes(zone: str, after: datetime) -> list[Change]:
    """Those of the year that begins then."""
    local, found = ZoneInfo(zone), []
    hour = after.replace(minute=0, second=0, microsecond=0)
    for number in range(366 * 24):
        early = hour + timedelta(hours=number)
        first, last = (
            moment.astimezone(local).utcoffset() or timedelta()
            for moment in (early, early + timedelta(hours=1))
        )
        if first != last:
            at = early
            while at.astimezone(local).utcoffset() == first:
                at += _MINUTE
            found.append(Change(zone, at, last - first))
    return found


def due_times(pattern: str, zone: str, first: datetime, last: datetime) -> list[datetime]:
    """Of a pattern of one time a day or of one minute an hour; by its zone's clock, in UTC.

    Written for this comparison alone: minute by minute, as somebody would who watches the clock.
    """
    minute, hour = pattern.split()[:2]
    local = ZoneInfo(zone)
    found, seen = [], set()
    at = first.replace(second=0, microsecond=0) + _MINUTE
    before = (at - _MINUTE).astimezone(local).replace(tzinfo=None)
    while at <= last:
        reading = at.astimezone(local).replace(tzinfo=None)
        if hour == "*":
            due = reading.minute == int(minute)
        else:
            today = reading.replace(hour=int(hour), minute=int(minute))
            due = before < today <= reading and today not in seen
            seen |= {today} if due else set()
        if due:
            found.append(at)
        before = reading
        at += _MINUTE
    return found


@dataclass(frozen=True)
class Row:
    """What became of one schedule around one change."""

    change: Change
    pattern: str
    due: Sequence[datetime]
    backups: Sequence[datetime]

    @property
    def missed(self) -> list[datetime]:
        return [each for each in self.due if not self._of(each)]

    @property
    def superfluous(self) -> int:
        """Backups that no due time asked for, or that another one was there for."""
        return len(self.backups) - (len(self.due) - len(self.missed))

    @property
    def good(self) -> bool:
        return bool(self.due) and not self.missed and not self.superfluous

    def _of(self, due: datetime) -> list[datetime]:
        return [each for each in self.backups if due - EARLY <= each < due + _WITHIN]


class Walk:
    """One change, with its schedules, in one cloud."""

    def __init__(self, root: Root, clock: Clock, project: Project, crowd: Crowd) -> None:
        self._clock, self._project, self._crowd = clock, project, crowd
        self._runs = Runs(root)
        self._trove = database_file(root.service("trove"))

    def over(self, change: Change) -> list[Row]:
        """Go from before the change to after it."""
        schedules = self._project.schedules
        instances = self._crowd.instances(self._project.id, len(change.patterns))
        planned = [
            (change.at - around, change.at + around, pattern, instance)
            for (pattern, around), instance in zip(change.patterns.items(), instances, strict=True)
        ]
        made: dict[str, Schedule] = {}
        rows = []
        for mark in sorted({mark for first, last, *_ in planned for mark in (first, last)}):
            self._fire_until(mark)
            for first, last, pattern, instance in planned:
                if mark == first:
                    made[pattern] = schedules.schedule_create(
                        instance, pattern, "local", timezone=change.zone, attempts=1
                    )
                elif mark == last:
                    schedules.schedule_delete(made.pop(pattern))
                    due = due_times(pattern, change.zone, first, last)
                    rows.append(Row(change, pattern, due, self._backups(instance)))
        return rows

    def _fire_until(self, end: datetime) -> None:
        """Have Mistral fire everything up to then, each when the one before is over."""
        while (firing := self._runs.next_firing()) and firing <= end + EARLY:
            self._fire(firing)
        self._move_to(end)

    def _fire(self, at: datetime) -> None:
        due = self._runs.due(at)
        self._move_to(at - _BEFORE)
        deadline = time.monotonic() + _PATIENCE
        while self._runs.begun(at - EARLY) < due or self._runs.in_progress(at - EARLY):
            if time.monotonic() > deadline:
                raise RuntimeError(f"What fires at {at} is not over after {_PATIENCE:.0f} s.")
            time.sleep(0.2)

    def _move_to(self, moment: datetime) -> None:
        """Not back: the end of a run may have taken longer."""
        if datetime.now(UTC) < moment:
            self._clock.move_to(moment)

    def _backups(self, instance: str) -> list[datetime]:
        query = "select created from backups where instance_id = ? and state = ? order by 1"
        with closing(sqlite3.connect(self._trove, timeout=60)) as database:
            found = database.execute(query, (instance, "COMPLETED")).fetchall()
        return [datetime.fromisoformat(text).replace(tzinfo=UTC) for [text] in found]


def run(zones: Sequence[str] = ZONES, only: int | None = None) -> Iterator[Row]:
    """Go over the changes of the coming year, in their order.

    :param only: this many of them.
    """
    import_path()
    quick = mock.patch.dict(os.environ, TROVE_MINICLOUD_LIGHT_SECONDS="0.2")
    with quick, own_clock() as clock, mini_cloud(overrides=LIGHT) as root:
        crowd = Crowd(root)
        project = crowd.project()
        walk = Walk(root, clock, project, crowd)
        now = datetime.now(UTC) + timedelta(days=2)
        found = [change for zone in zones for change in changes(zone, now)]
        for change in sorted(found, key=lambda each: each.at)[:only]:
            yield from walk.over(change)


def table(rows: Sequence[Row]) -> str:
    shown = prettytable.PrettyTable(
        ["zone", "clocks change at", "by", "pattern", "due", "backups", "missed", "too many"]
    )
    shown.set_style(prettytable.TableStyle.MARKDOWN)
    shown.align = "l"
    for row in rows:
        hours = row.change.by / timedelta(hours=1)
        shown.add_row(
            [row.change.zone, f"{row.change.at:%Y-%m-%d %H:%M} UTC", f"{hours:+g} h", row.pattern,
             len(row.due), len(row.backups), len(row.missed), row.superfluous]
        )  # fmt: skip
    return shown.get_string()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zones", nargs="*", default=ZONES, metavar="ZONE")
    chosen = parser.parse_args()
    end_when_told()
    rows = []
    for row in run(chosen.zones):
        print(f"{row.change.zone} {row.pattern}: {'good' if row.good else row}", file=sys.stderr)
        rows.append(row)
    print(table(rows))
    return 0 if rows and all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
