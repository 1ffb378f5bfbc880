# SPDX-License-Identifier: Apache-2.0
"""What a firing costs is shown beside what it cost with the workbook before."""

from __future__ import annotations

from collections import Counter

from bench import requests
from bench.executions import Left
from bench.report import Report
from bench.requests import Cost
from bench.traffic import Traffic
from bench.workbook_5 import BEFORE, FURTHER, KEEPING, RUN_3, Figures


def _cost(trove: int) -> Cost:
    return Cost(Traffic(Counter(GET=trove - 1, POST=1), 0, 3), Left(7, 20_000))


def test_each_firing_is_shown_beside_the_workbook_before_and_retention_by_itself() -> None:
    found = Report("requests")
    costs = {
        (RUN_3, 30): _cost(4),
        (KEEPING, 30): _cost(6),
        (FURTHER, 14): _cost(2),
        (FURTHER, 7): _cost(2),
    }
    requests.add(found, costs)
    rows = [(row.what, row.unit, row.ours, row.theirs) for row in found.rows]
    assert rows == [
        ("run of 3 attempts, 30 kept", "to Trove", [4], [24]),
        ("run with retention, 30 kept", "to Trove", [6], [57]),
        ("retention alone, 30 kept", "to Trove", [2], [33]),
        ("further attempt, 14 kept", "to Trove", [2], [16]),
        ("further attempt, 14 kept", "to Keystone", [3], [9]),
        ("further attempt, 14 kept", "rows", [7], [3]),
        ("further attempt, 14 kept", "KB", [20], [19.3]),
        ("further attempt, 7 kept", "to Trove", [2], ()),
    ]


def test_retention_is_what_a_run_costs_more_with_it() -> None:
    # A list, a request for each of 31 listed backups, and a deletion.
    assert requests.retention(BEFORE, 30) == 1 + 31 + 1
    assert requests.retention({(KEEPING, 1): Figures(5, 0, 0, 0)}, 1) is None
