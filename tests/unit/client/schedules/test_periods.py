# SPDX-License-Identifier: Apache-2.0
"""The names of periods."""

from datetime import datetime

import pytest

from trove_schedules.schedules.periods import PERIODS


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
