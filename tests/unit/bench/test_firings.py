# SPDX-License-Identifier: Apache-2.0
"""What became of a due time, by the rows of the databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from bench.firings import Member, firing

DUE = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return DUE + timedelta(seconds=seconds)


def row(**fields: object) -> SimpleNamespace:
    return SimpleNamespace(**fields)


def test_a_firing_is_what_the_databases_say_of_it() -> None:
    runs = [
        row(created_at="2026-03-01 02:00:01.5", updated_at=DUE, state="SUCCESS"),
        row(created_at=DUE.replace(tzinfo=None), updated_at=DUE, state="RUNNING"),
    ]
    backups = [row(created=at(2), updated=at(4), state="COMPLETED")]
    found = firing(Member("s", "i", "p", 1), DUE, runs, backups)
    assert found.started == [DUE, at(1.5)]
    assert found.ended is None
    assert found.completed == [at(4)]
    assert found.running == 0
    assert found.lateness == 0.0
