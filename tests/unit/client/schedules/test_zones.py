# SPDX-License-Identifier: Apache-2.0
"""Names of time zones, and tables of their offsets."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules import zones

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"
NAMES = [BERLIN, "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia"]


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", *NAMES])
def test_names_of_the_iana_database_are_taken(name):
    zones.check(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "berlin",
        "Europe",
        "CEST",
        "+02:00",
        "localtime",
        "right/Europe/Berlin",
        "../UTC",
        "/",
        None,
    ],
)
def test_other_names_are_refused(name):
    with pytest.raises(InvalidScheduleError, match="is not a time zone"):
        zones.check(name)


class TestOffsets:
    def test_they_are_pairs_of_when_and_what(self):
        found = zones.offsets(BERLIN, NOW, NOW + timedelta(days=300))
        assert found == [[0, 3600], [1774746000, 7200], [1792890000, 3600]]

    def test_one_offset_is_one_pair(self):
        assert zones.offsets("Asia/Kathmandu", NOW, NOW + timedelta(days=3653)) == [[0, 20700]]

    @given(st.sampled_from(NAMES), st.datetimes(datetime(2022, 3, 1), datetime(2036, 2, 1)))  # noqa: DTZ001
    def test_at_each_moment_they_are_the_zones(self, name, moment):
        moment = moment.replace(tzinfo=UTC)
        held = [offset for since, offset in zones.current(name, NOW) if since <= moment.timestamp()]
        assert timedelta(seconds=held[-1]) == moment.astimezone(ZoneInfo(name)).utcoffset()

    @pytest.mark.parametrize("name", NAMES)
    def test_a_table_for_ten_years_is_small(self, name):
        assert len(str([list(each) for each in zones.current(name, NOW)])) < 700

    def test_utc_has_none(self):
        assert zones.current("UTC", NOW) == ()

    @pytest.mark.parametrize(
        "value", [None, "x", [1], [[1]], [[1, "x"]], [[2, 0], [1, 0]], [[0, 10**9]], [[0, True]]]
    )
    def test_what_is_no_table_is_taken_for_none(self, value):
        assert zones.read(value) == ()

    def test_a_table_is_read_as_it_was_written(self):
        table = zones.current(BERLIN, NOW)
        assert zones.read([list(pair) for pair in table]) == table


class TestTrouble:
    table = zones.current(BERLIN, NOW)

    @pytest.mark.parametrize("name", ["UTC", *NAMES])
    def test_a_new_table_has_none_for_years(self, name):
        table = zones.current(name, NOW)
        assert zones.trouble(name, table, NOW) is None
        assert zones.trouble(name, table, NOW + timedelta(days=8.5 * 365)) is None

    def test_a_table_that_ends_within_a_year_is_told(self):
        said = zones.trouble(BERLIN, self.table, NOW + timedelta(days=9.2 * 365))
        assert "ends before the change of 2036-03-30" in said and "set --timezone" in said

    def test_a_table_that_has_ended_is_told(self):
        assert "ends before" in zones.trouble(BERLIN, self.table, NOW + timedelta(days=12 * 365))

    def test_a_table_that_differs_from_now_on_is_told(self):
        other = tuple((since, 3600) for since, _ in self.table[-3:])
        assert "differs" in zones.trouble(BERLIN, other, NOW)
        assert "differs" in zones.trouble(BERLIN, (), NOW)

    def test_what_has_passed_does_not_count(self):
        coming = tuple(pair for pair in self.table if pair[0] > NOW.timestamp())
        assert zones.trouble(BERLIN, ((0, 0), (1, 3600), *coming), NOW) is None

    def test_a_zone_that_is_not_known_here_is_told(self):
        assert "not in the time zone database" in zones.trouble("Mars/Olympus", self.table, NOW)


def test_a_moment_is_told_with_the_zones_own_name_for_its_time():
    assert zones.told(BERLIN, NOW) == "01:00 CET"
    assert zones.told(BERLIN, NOW + timedelta(days=60)) == "02:00 CEST"
    assert zones.told("Asia/Kathmandu", NOW) == "05:45 +0545"
    assert zones.told("UTC", NOW) is zones.told("Mars/Olympus", NOW) is None


def test_a_moment_has_the_offset_of_the_table_that_holds_then() -> None:
    berlin = zones.current("Europe/Berlin", datetime(2026, 6, 1, tzinfo=UTC))
    for minutes in range(0, 365 * 24 * 60, 7 * 60 + 1):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        there = moment.astimezone(ZoneInfo("Europe/Berlin"))
        assert zones.local(moment, berlin).isoformat() == there.isoformat()
    assert zones.local(datetime(1999, 1, 1, tzinfo=UTC), berlin[1:]).utcoffset() == timedelta(
        seconds=berlin[1][1]
    )
    assert zones.local(datetime(2026, 7, 1, tzinfo=UTC), ()).utcoffset() == timedelta(0)
