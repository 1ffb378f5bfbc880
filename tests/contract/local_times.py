# SPDX-License-Identifier: Apache-2.0
"""When patterns are due on the clocks of zones: told minute by minute, for these tests alone.

It asks Python's zoneinfo what the clock shows in each minute of UTC, and knows nothing of offsets,
spans or croniter.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from mistral.expressions import yaql_expression
from yaql.standard_library import date_time

from trove_schedules import workbook
from trove_schedules.schedules import firing, pattern as cron, zones
from trove_schedules.schedules.due import DueTimes

DAY = 1440
EPOCH = date(1970, 1, 1).toordinal()
#: Three years with a leap day.
YEARS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC))
#: Three years in which Apia left out a day.
APIA = (datetime(2010, 6, 1, tzinfo=UTC), datetime(2013, 6, 1, tzinfo=UTC))

ZONES = [
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Chisinau",
    "Europe/Kyiv",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/St_Johns",
    "America/Halifax",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "America/Sao_Paulo",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Adak",
    "America/Phoenix",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Asia/Tehran",
    "Asia/Jerusalem",
    "Asia/Beirut",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Australia/Eucla",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Antarctica/Troll",
]

PATTERNS = (
    """
0 2 * * *|30 2 * * *|58 2 * * *|0 0 * * *|59 23 * * *|0 3 * * *|1 1 * * *|45 1 * * *|15 0 * * *
30 23 * * *|0 12 * * *|0 1,2,3 * * *|30 0-3 * * *|0 */2 * * *|15 */3 * * *|*/15 2 * * *
*/20 1-3 * * *|10,50 0,12 * * *|0 8-18 * * mon-fri|*/30 22-23 * * sun|0 * * * *|30 * * * *
20,50 * * * *|*/15 * * * *|5 * * * mon-fri|0 * 1 * *|45 * * * sun|30 0-23 * 3,10 *|7 */1 L * *
0 2 * * sun|30 2 * * sun|30 1 * * 0|0 0 * * mon|0 0 * * 7|30 23 * * sat|15 2 * * 2-4|30 2 1 * *
0 0 1 * *|59 23 L * *|30 2 L * *|0 0 L * *|0 2 L 2 *|30 2 1,15,L * *|0 0 29 2 *|30 2 31 * *
0 0 1 1 *|30 2 29 3 *|30 1 25 10 *|0 2 13 * fri|0 0 L * mon|30 2 */2 * sun|30 2 * * mon#1
0 0 * * sun#1|30 1 * * sun#5|30 2 * * 7#4|0 3 * * tue#1,tue#3|30 2 * 3,10 sun#4
0 22-23,0-5 * 3,4,10,11 *|25 2 28-31 * *|30 2 1-7 * sun
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


def numbers(text: str, low: int, high: int, names: str = "") -> set[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        for place, name in enumerate(names.split()):
            part = part.replace(name, str(low + place))
        if part == "l" or "#" in part:
            continue
        base, _, step = part.partition("/")
        first, dash, last = base.partition("-")
        start, end = (low, high) if base == "*" else (int(first), int(last if dash else first))
        found.update(range(start, end + 1, int(step or 1)))
    return found


def due_days(pattern: str) -> Callable[[date], bool]:
    _, _, day, month, weekday = pattern.lower().split()
    days, months = numbers(day, 1, 31), numbers(month, 1, 12)
    weekdays = {each % 7 for each in numbers(weekday, 0, 7, "sun mon tue wed thu fri sat")}
    counted = {
        (
            numbers(part.partition("#")[0], 0, 7, "sun mon tue wed thu fri sat").pop() % 7,
            int(part[-1]),
        )
        for part in weekday.split(",")
        if "#" in part
    }

    def due(at: date) -> bool:
        of_month = at.day in days or (
            "l" in day.split(",") and at.day == calendar.monthrange(at.year, at.month)[1]
        )
        number = at.isoweekday() % 7
        of_week = number in weekdays or (number, (at.day - 1) // 7 + 1) in counted
        if day == "*" or weekday == "*":
            either = (day == "*" or of_month) and (weekday == "*" or of_week)
        else:
            either = of_month or of_week
        return at.month in months and either

    return due


class Clock:
    """What the clock of a zone shows in each minute of a time, in minutes since the epoch."""

    def __init__(self, zone: str, since: datetime, until: datetime) -> None:
        self.zone, self.since, self.until = zone, since, until
        place = ZoneInfo(zone)
        self.first, end = (int(each.timestamp()) // 60 for each in (since, until))
        #: By the minute that the clock shows, when it does, and when it first has reached it.
        self.shown = defaultdict[int, list[int]](list)
        self.reached: dict[int, int] = {}
        #: When the clock was changed.
        self.changes: list[int] = []
        highest = before = None
        for utc in range(self.first, end):
            at = datetime.fromtimestamp(utc * 60, place)
            local = (at.toordinal() - EPOCH) * DAY + at.hour * 60 + at.minute
            self.shown[local].append(utc)
            if highest is None or local > highest:
                for each in range(local if highest is None else highest + 1, local + 1):
                    self.reached[each] = utc
                highest = local
            if before is not None and local != before + 1:
                self.changes.append(utc)
            before = local

    def due(self, pattern: str) -> list[int]:
        """When a pattern is due, in minutes since the epoch."""
        minutes, hours = numbers(pattern.split()[0], 0, 59), numbers(pattern.split()[1], 0, 23)
        due_on = due_days(pattern)
        times: set[int] = set()
        for day in range(min(self.reached) // DAY, max(self.reached) // DAY + 1):
            if not due_on(date.fromordinal(EPOCH + day)):
                continue
            for local in (day * DAY + hour * 60 + minute for hour in hours for minute in minutes):
                if len(hours) == 24:
                    times.update(self.shown.get(local, ()))
                elif local in self.reached:
                    times.add(self.reached[local])
        return sorted(times)


def fires(pattern: str) -> Callable[[int], bool]:
    """Whether a trigger's pattern fires in a minute of UTC."""
    minutes, hours = numbers(pattern.split()[0], 0, 59), numbers(pattern.split()[1], 0, 23)
    due_on = due_days(pattern)
    return lambda utc: (
        utc % 60 in minutes
        and utc % DAY // 60 in hours
        and due_on(date.fromordinal(EPOCH + utc // DAY))
    )


class Workbook:
    """Ten seconds before the last due time, by the workbook's own expression on Mistral's YAQL."""

    def __init__(self) -> None:
        text = yaml.safe_load(workbook.text())["workflows"]["backup_create"]["vars"]["since"]
        self._expression = yaql_expression.get_yaql_engine_class()(text.strip().strip("<%>"))
        self.now = datetime.now(UTC)

    def since(self, schedule: dict[str, Any], now: datetime) -> str:
        class Now(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Now:
                return cls.fromtimestamp(now.timestamp(), tz or UTC)

        usual, date_time.DATETIME_TYPE = date_time.DATETIME_TYPE, Now
        try:
            context = yaql_expression.get_yaql_context({"schedule": schedule})
            return str(self._expression.evaluate(context=context))
        finally:
            date_time.DATETIME_TYPE = usual


def written(utc: int) -> str:
    return datetime.fromtimestamp(utc * 60, UTC).strftime("%FT%T")


def moment(utc: int) -> datetime:
    return datetime.fromtimestamp(utc * 60, UTC)


def compare(clock: Clock, pattern: str, book: Workbook, looks: Iterable[int], *, most: int) -> None:
    """Compare client, trigger and workbook with the reference.

    :param looks: in which minutes the workbook may be asked, if the trigger fires then.
    :param most: how often it is asked.
    """
    due = clock.due(pattern)
    table = zones.read(zones.offsets(clock.zone, clock.since - timedelta(days=1500), clock.until))
    assert len(str([list(each) for each in table])) < 1500
    which = f"{pattern} in {clock.zone}"

    # The client, forwards and backwards
    times = DueTimes(pattern, table)
    start, end = moment(clock.first - 1), clock.until
    if due:
        found = []
        for each in times.after(start):
            if each >= end:
                break
            found.append(int(each.timestamp()) // 60)
        assert found == due, which
        back = islice(times.before(end), min(len(due), 2000))
        assert [int(each.timestamp()) // 60 for each in back][::-1] == due[-2000:], which

    # The trigger
    attempts = firing.usual_attempts(pattern)
    plans = [firing.firing_pattern(pattern, each, table) for each in (firing.ONE_ATTEMPT, attempts)]
    for number, each in enumerate(plans):
        fires_at = fires(each)
        tries = attempts.number if number else 1
        missed = [
            written(time)
            for time in due
            for n in range(tries)
            if not fires_at(time + n * attempts.every)
        ]
        assert not missed, (which, each, missed[:3])

    # The workbook
    schedule: dict[str, Any] = {"due": cron.due_minutes(pattern), "offsets": table}
    if (days := cron.due_days(pattern)) is not None:
        schedule["due_days"] = days
    if cron.names_every_hour(pattern):
        schedule["every_hour"] = True
    fires_at = fires(plans[1])
    asked = (utc for utc in looks if due and utc >= due[0] and fires_at(utc))
    for utc in islice(asked, most):
        place = bisect_right(due, utc)
        # Up to two seconds early, or late.
        now = moment(utc) + timedelta(seconds=utc % 40 - 2)
        since = (moment(due[place - 1]) - timedelta(seconds=10)).strftime("%FT%T")
        assert book.since(schedule, now) == since, (which, written(utc))
