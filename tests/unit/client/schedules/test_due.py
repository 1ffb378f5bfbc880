# SPDX-License-Identifier: Apache-2.0
"""Due times on the clocks of zones; tests/contract/test_local_times.py compares many."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, strategies as st

from tests.unit.client.schedules.test_pattern import moments, valid_patterns
from trove_schedules.schedules.due import DueTimes
from trove_schedules.schedules.pattern import runs, runs_before
from trove_schedules.schedules.zones import current

TABLES = {
    each: current(each, datetime(2026, 3, 1, tzinfo=UTC))
    for each in ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu")
}


def due(pattern, zone, start, count):
    moment = datetime.fromisoformat(f"{start}T00:00:00+00:00")
    return [
        f"{each:%m-%d %H:%M}"
        for each in islice(DueTimes(pattern, TABLES[zone]).after(moment), count)
    ]


@pytest.mark.parametrize(
    ("pattern", "zone", "start", "times"),
    [
        ("0 2 * * *", "Europe/Berlin", "2026-03-01", ["03-01 01:00", "03-02 01:00"]),
        ("0 2 * * *", "Europe/Berlin", "2026-07-01", ["07-01 00:00", "07-02 00:00"][1:]),
        # 02:30 doesn't exist
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28",
            ["03-28 01:30", "03-29 01:00", "03-30 00:30"],
        ),
        # It is due once, however many there are
        ("*/15 2 * * *", "Europe/Berlin", "2026-03-29", ["03-29 01:00", "03-30 00:00"]),
        # 02:30 comes twice
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24",
            ["10-24 00:30", "10-25 00:30", "10-26 01:30"],
        ),
        # Every hour goes on
        ("30 * * * *", "Europe/Berlin", "2026-03-29", ["03-29 00:30", "03-29 01:30"]),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25",
            ["10-25 00:30", "10-25 01:30", "10-25 02:30"],
        ),
        # Half an hour
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03", ["10-03 15:30", "10-04 15:15"]),
        ("0 0 1 * *", "Asia/Kathmandu", "2026-03-02", ["03-31 18:15", "04-30 18:15"]),
    ],
)
def test_they_follow_the_clock(pattern, zone, start, times):
    assert due(pattern, zone, start, len(times)) == times


@given(valid_patterns, moments, st.sampled_from(sorted(TABLES)))
def test_looked_back_at_they_are_the_same(pattern, moment, zone):
    times = DueTimes(pattern, TABLES[zone])
    found = list(islice(times.after(moment), 4))
    after = found[-1] + timedelta(microseconds=1)
    assert list(islice(times.before(after), 4)) == found[::-1]
    assert found == sorted(set(found)) and moment < found[0]


@given(valid_patterns, moments)
def test_in_utc_they_are_what_mistral_fires_at(pattern, moment):
    times = DueTimes(pattern)
    assert list(islice(times.after(moment), 3)) == list(islice(runs(pattern, moment), 3))
    assert next(times.before(moment)) == next(runs_before(pattern, moment))
