# SPDX-License-Identifier: Apache-2.0
"""Client, trigger and workbook agree on what is due on the clocks of zones: see local_times.py.

By default some zones and patterns are compared, around two changes of each clock. With
``LOCAL_TIMES=all`` every zone is compared with every pattern, over three years, which takes about
half an hour of processor time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.contract.local_times import APIA, DAY, PATTERNS, YEARS, ZONES, Clock, Workbook, compare
from tests.mistral_api import MistralApi
from trove_schedules.schedules import pattern as cron, zones

ALL = os.environ.get("LOCAL_TIMES") == "all"
SOME_ZONES = [
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "Europe/Berlin",
    "America/St_Johns",
    "America/Santiago",
]
AROUND = timedelta(days=12)


@pytest.fixture(scope="module")
def book(_mistral_api: MistralApi) -> Workbook:
    return Workbook()


def clocks(zone: str) -> Iterator[Clock]:
    """Three years, or some days around two of their changes."""
    years = APIA if zone == "Pacific/Apia" else YEARS
    if ALL:
        yield Clock(zone, *years)
        return
    changes = [since for since, _ in zones.offsets(zone, *years)[1:3]]
    for since in changes or [int(years[0].timestamp())]:
        at = years[0] + timedelta(seconds=since - years[0].timestamp())
        yield Clock(zone, at - AROUND, at + AROUND)


def looks(clock: Clock, chance: random.Random) -> list[int]:
    """Minutes in which the workbook is asked: every one around the changes, in a random order, and
    some others."""
    near = [utc for each in clock.changes for utc in range(each - 150, each + DAY + 150)]
    others = range(clock.first + 10 * DAY, clock.first + len(clock.reached) - 2 * DAY)
    return near + chance.sample(others, len(others) // 20)


@pytest.mark.timeout(3600 if ALL else 300)
@pytest.mark.parametrize("zone", ZONES if ALL else SOME_ZONES)
def test_nothing_is_due_at_another_time_or_missed(book, zone):
    chance = random.Random(zone)
    patterns = PATTERNS if ALL else PATTERNS[len(zone) % 10 :: 10]
    for clock in clocks(zone):
        for pattern in patterns:
            asked = looks(clock, chance)
            chance.shuffle(asked)
            compare(clock, pattern, book, asked, most=12 if ALL else 4)


def test_there_are_as_many_zones_and_patterns_as_promised():
    assert (len(set(ZONES)), len(set(PATTERNS))) == (40, 60)
    assert set(SOME_ZONES) <= set(ZONES)
    assert [each for each in PATTERNS if cron.validate(each) != each] == []
