# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of stores shows of what it measured."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bench import report, stores
from bench.report import Report
from bench.stores import Measured
from tests.end_to_end.databases import Database
from trove_minicloud.errors import ProgramsMissingError


def test_each_backup_has_its_sizes_and_times_beside_the_folders() -> None:
    swift = {
        ("postgresql", 0): Measured(320, 160, 4.0, None),
        ("postgresql", 2): Measured(80, 20, 1.0, 9.0),
    }
    local = {
        ("postgresql", 0): Measured(330, 165, 2.0, None),
        ("postgresql", 2): Measured(90, 25, 2.0, 6.0),
    }
    found = Report("stores")
    stores.compare(found, swift, local)

    rows = [(row.what, row.unit, row.ours, row.theirs, row.ratio) for row in found.rows]
    assert rows == [
        ("postgresql, full: stored", "MB", [160], [165], 160 / 165),
        ("postgresql, full: taken (320 and 330 MB raw)", "s", [4.0], [2.0], 2.0),
        ("postgresql, 2nd incremental: stored", "MB", [20], [25], 0.8),
        ("postgresql, 2nd incremental: taken (80 and 90 MB raw)", "s", [1.0], [2.0], 0.5),
        ("postgresql, 2nd incremental: restored", "s", [9.0], [6.0], 1.5),
    ]
    assert "| 0.50 " in report.table([found])


def test_a_datastore_without_its_programs_is_named_and_not_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _postgresql, mariadb = stores.DATABASES

    def missing() -> None:
        raise ProgramsMissingError("found no mariadbd")

    monkeypatch.setattr(mariadb, "find_programs", missing)
    asked: list[tuple[str, list[str], list[int]]] = []

    def measure(store: str, databases: list[Database], links: Iterable[int]) -> stores.Side:
        asked.append((store, [each.name for each in databases], list(links)))
        return {}

    monkeypatch.setattr(stores, "measure", measure)
    for full in (False, True):
        assert stores.run(full).rows == []
    assert asked == [
        ("swift", ["postgresql"], [2, 3]),
        ("local", ["postgresql"], [2, 3]),
        ("swift", ["postgresql"], [0, 1, 2, 3]),
        ("local", ["postgresql"], [0, 1, 2, 3]),
    ]
    assert "NOT RUN: the stores of mariadb: found no mariadbd" in capsys.readouterr().err
