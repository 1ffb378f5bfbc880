# SPDX-License-Identifier: Apache-2.0
"""What schedules are held to over a change of the clocks, and when a row is good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench import clock_changes
from bench.clock_changes import Change, Row, changes, due_times

SPRING = Change("Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC), timedelta(hours=1))
AUTUMN = Change("Europe/Berlin", datetime(2027, 10, 31, 1, tzinfo=UTC), timedelta(hours=-1))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2027-{text}").replace(tzinfo=UTC)


def test_a_year_has_both_changes() -> None:
    assert changes("Europe/Berlin", datetime(2026, 12, 1, tzinfo=UTC)) == [SPRING, AUTUMN]
    assert [
        (each.at, each.by) for each in changes("America/St_Johns", datetime(2027, 1, 1, tzinfo=UTC))
    ] == [
        (utc("03-14 05:30"), timedelta(hours=1)),
        (utc("11-07 04:30"), timedelta(hours=-1)),
    ]
    assert changes("UTC", datetime(2027, 1, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("change", "daily"), [(SPRING, "30 2 * * *"), (AUTUMN, "30 2 * * *")], ids=["spring", "autumn"]
)
def test_the_daily_pattern_is_in_the_hour_that_is_skipped_or_comes_twice(
    change: Change, daily: str
) -> None:
    assert list(change.patterns) == [daily, "15 * * * *"]


def test_a_time_that_does_not_exist_is_due_at_the_change_and_one_that_comes_twice_once() -> None:
    day = timedelta(days=1)
    assert due_times("30 2 * * *", "Europe/Berlin", SPRING.at - day, SPRING.at + day) == [
        utc("03-27 01:30"), utc("03-28 01:00"), utc("03-29 00:30")
    ]  # fmt: skip
    assert due_times("30 2 * * *", "Europe/Berlin", AUTUMN.at - day, AUTUMN.at + day) == [
        utc("10-31 00:30")
    ]  # fmt: skip


def test_a_pattern_of_every_hour_goes_on_every_hour() -> None:
    two = timedelta(hours=2)
    assert due_times("15 * * * *", "Europe/Berlin", AUTUMN.at - two, AUTUMN.at + two) == [
        utc("10-30 23:15"), utc("10-31 00:15"), utc("10-31 01:15"), utc("10-31 02:15")
    ]  # fmt: skip


def test_a_row_is_good_with_one_backup_for_each_due_time_and_no_other() -> None:
    due = [utc("03-27 01:30"), utc("03-28 01:00")]
    soon = timedelta(seconds=3)
    good = Row(SPRING, "30 2 * * *", due, [due[0] + soon, due[1] - soon / 3])
    assert good.good
    missed = replace(good, backups=good.backups[:1])
    assert (missed.good, missed.missed) == (False, due[1:])
    twice = replace(good, backups=[*good.backups, due[1] + 2 * soon])
    assert (twice.good, twice.superfluous) == (False, 1)
    late = replace(good, backups=[good.backups[0], due[1] + timedelta(hours=1)])
    assert (late.good, late.missed, late.superfluous) == (False, due[1:], 1)
    assert not replace(good, due=[], backups=[]).good
    assert "| 2 " in clock_changes.table([good])
