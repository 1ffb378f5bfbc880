# SPDX-License-Identifier: Apache-2.0
"""What people read where programs read a time, a number of seconds or an ID."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trove_schedules.cli.openstack import columns


@pytest.mark.parametrize(
    ("away", "past", "future"),
    [
        ({"seconds": 59}, "59 s ago", "in 59 s"),
        ({"minutes": 59, "seconds": 30}, "59 min ago", "in 59 min"),
        ({"hours": 3, "minutes": 5}, "3 h ago", "in 3 h"),
        ({"hours": 47, "minutes": 59}, "47 h ago", "in 47 h"),
        ({"days": 2}, "2 d ago", "in 2 d"),
        ({"days": 400}, "400 d ago", "in 400 d"),
    ],
)
def test_people_read_how_far_a_time_is_from_now_and_programs_the_time(
    monkeypatch, away, past, future
):
    now = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now

    monkeypatch.setattr(columns, "datetime", Clock)
    before, after = now - timedelta(**away), now + timedelta(**away)
    assert columns.Relative(before).human_readable() == past
    assert columns.Relative(after).human_readable() == future
    assert columns.Relative(before).machine_readable() == before.isoformat()


def test_people_read_a_length_of_time_and_programs_seconds():
    length = columns.length(timedelta(hours=47, minutes=59).total_seconds() + 0.4)
    assert length.human_readable() == "47 h 59 min"
    assert length.machine_readable() == 172_740


def test_what_is_missing_is_no_column():
    assert columns.time(None) is columns.relative(None) is columns.length(None) is None
