# SPDX-License-Identifier: Apache-2.0
"""What is told of many schedules of one project on one minute."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from bench import rate_limit
from bench.rate_limit import Burst
from bench.report import Report
from bench.traffic import Traffic


@pytest.mark.parametrize(
    ("earliest", "due"), [("10:30", "10:31"), ("10:48", "10:49"), ("10:49", "11:00")]
)
def test_the_attempts_of_a_burst_lie_in_one_hour(earliest: str, due: str) -> None:
    at = datetime.fromisoformat(f"2026-03-01 {earliest}:10").replace(tzinfo=UTC)
    assert f"{rate_limit.burst_minute(at):%H:%M}" == due


def test_a_burst_that_left_an_instance_without_a_backup_or_undone_retention_is_wrong() -> None:
    burst = Burst(Traffic(Counter(GET=90), 7, 50), 1, 2, 2, 3, 0, 12.5)
    found = Report("burst")
    rate_limit.add_burst(found, "3 schedules", burst, 3, None)
    assert found.wrong == [
        "3 schedules: instances without a backup: 1, expected 0",
        "3 schedules: retentions not done: 1, expected 0",
    ]
    shown = {row.what: row.ours for row in found.rows}
    assert shown["3 schedules: GETs to Trove"] == [90]
    assert shown["3 schedules: refused by Trove"] == [7]
    assert shown["3 schedules: with a backup after the first attempt"] == [1]
