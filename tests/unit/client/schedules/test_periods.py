# SPDX-License-Identifier: Apache-2.0
"""Local time by a schedule's table of offsets, and the names of its periods."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from trove_schedules.schedules.periods import PERIODS, UTC_ALWAYS, local, offsets_in


def table(name, *changes):
    """The offsets of a zone, the first as long as anybody remembers, and from each change on."""
    zone = ZoneInfo(name)
    begins = [datetime(2020, 1, 15, tzinfo=UTC), *changes]
    return [
        [int(each.timestamp()), int(each.astimezone(zone).utcoffset().total_seconds())]
        for each in begins
    ]


BERLIN = table(
    "Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
)


def test_local_time_is_the_zones():
    for minutes in range(0, 365 * 24 * 60, 7 * 60 + 1):
        time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        there = time.astimezone(ZoneInfo("Europe/Berlin"))
        assert local(time, BERLIN).isoformat() == there.isoformat()


def test_the_first_offset_holds_before_its_moment_too():
    assert local(datetime(1999, 1, 1, tzinfo=UTC), BERLIN).hour == 1


@pytest.mark.parametrize(
    ("rule", "time", "name"),
    [
        ("keep_hourly", "2026-01-31T02:59:59+00:00", "2026-01-31 02+0000"),
        ("keep_hourly", "2026-01-31T02:59:59+05:45", "2026-01-31 02+0545"),
        ("keep_daily", "2026-01-31T00:00:00+05:45", "2026-01-31"),
        # The week of a year's first Thursday is its first; it may begin and end in another year.
        ("keep_weekly", "2027-01-03T23:59:59+00:00", "2026-W53"),
        ("keep_weekly", "2024-12-30T00:00:00+00:00", "2025-W01"),
        ("keep_monthly", "2026-01-31T02:00:00+00:00", "2026-01"),
        ("keep_yearly", "2026-12-31T23:59:59-03:30", "2026"),
    ],
)
def test_a_period_has_a_name(rule, time, name):
    assert PERIODS[rule].name_at(datetime.fromisoformat(time)) == name


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"schedule": None},
        {"schedule": {}},
        *(
            {"schedule": {"offsets": each}}
            for each in ([], {}, "x", [[0]], [["0", 0]], [[0, 86400]])
        ),
    ],
)
def test_without_a_table_it_is_utc(given):
    assert offsets_in(given) == UTC_ALWAYS


def test_the_table_is_in_the_input():
    assert offsets_in({"schedule": {"offsets": BERLIN}}) == BERLIN
