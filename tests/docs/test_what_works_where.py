# SPDX-License-Identifier: Apache-2.0
"""The page *What works where* is what the last run on each release has shown."""

from __future__ import annotations

from tests.releases import page


def test_the_page_is_what_the_last_runs_have_shown() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.partition(page.BEGIN)[2].partition(page.END)[0] == page.table(page.load())


def test_a_reason_is_told_once_below_the_table() -> None:
    old = page.Result("2025.1", "2026-11-28", {"Trove": "23.1.0"}, {"a": "no a yet", "b": "yes"})
    new = page.Result("2025.2", "2026-11-28", {"Trove": "24.1.0"}, {"a": "no a yet", "b": "broken"})
    text = page.table([old, new])
    assert "| a | no (1) | no (1) |\n| b | yes | no (2) |\n" in text
    assert text.endswith("\n\n1. no a yet\n2. broken\n")


def test_a_row_that_an_older_result_lacks_is_empty_there() -> None:
    old = page.Result("2025.1", "2026-11-28", {"Trove": "23.1.0"}, {})
    new = page.Result("2025.2", "2026-11-28", {"Trove": "24.1.0", "Swift": "2.36.4"}, {"a": "yes"})
    text = page.table([old, new])
    assert "| a |  | yes |\n" in text
    assert "| Swift |  | 2.36.4 |\n" in text
