# SPDX-License-Identifier: Apache-2.0
"""What is told of many schedules of one project on one minute."""

from __future__ import annotations

from collections import Counter

from bench import rate_limit
from bench.rate_limit import Burst
from bench.report import Report
from bench.traffic import Traffic


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
