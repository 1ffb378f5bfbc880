# SPDX-License-Identifier: Apache-2.0
"""What the chaos suite calls lost, stuck and noticed, and when it fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bench import chaos
from bench.chaos import Case, Row
from bench.firings import Firing
from tests.unit.bench.test_burst import DUE, firing

STUCK = replace(firing([1], [], []), ended=None)
LOST = firing([], [], [])


def row(*firings: Firing, named: tuple[Firing, ...] = (), **changes: object) -> Row:
    numbered = [
        replace(each, member=replace(each.member, id=str(number)))
        for number, each in enumerate(firings)
    ]
    case = Case("fault", chaos.nothing, DUE, [each.member for each in numbered], back="3 s")
    case.firings = numbered
    case.named = {
        found.member.id: "LOST"
        for original, found in zip(firings, numbered, strict=True)
        if original in named
    }
    [found] = case.rows()
    return replace(found, **changes)


def test_a_firing_without_a_run_is_lost_and_one_that_never_ends_is_stuck() -> None:
    found = row(firing(), LOST, STUCK, named=(LOST,))
    assert (found.due, found.runs, found.backups) == (3, 2, 1)
    assert (found.lost, found.stuck, found.named, found.states) == (1, 1, 1, "LOST")
    assert found.back == "3 s"


def test_a_backup_that_trove_never_finishes_is_stuck() -> None:
    assert row(replace(firing([1], [2], []), running=1)).stuck == 1


def test_nothing_is_judged_while_a_run_or_a_backup_may_still_end() -> None:
    def settled(*firings: Firing, named: bool = False) -> bool:
        case = Case("fault", chaos.nothing, DUE, [each.member for each in firings])
        case.firings = firings
        case.named = {each.member.id: "FAILED" for each in firings if named}
        return case.settled()

    assert settled(firing())
    assert settled(LOST, named=True)
    assert not settled(LOST)
    assert not settled(STUCK, named=True)
    assert not settled(replace(firing([1], [2], []), running=1), named=True)
    assert not settled(replace(firing(), ended=None))


def test_what_fired_early_is_counted_where_the_fault_comes_long_before() -> None:
    firings = [firing([-40]), firing([-2]), firing()]
    case = Case(
        "fault", chaos.nothing, DUE, [each.member for each in firings], timedelta(seconds=-75)
    )
    case.firings = firings
    assert [found.note for found in case.rows()] == ["1 fired early"]
    assert row(*firings).note == ""


def test_it_is_good_when_everything_is_there_or_named() -> None:
    assert row(firing()).good
    assert row(firing(), LOST, STUCK, named=(LOST, STUCK)).good


@pytest.mark.parametrize(
    "bad",
    [
        row(firing(), LOST),
        row(LOST, STUCK, named=(LOST,)),
        row(firing(completed=[4, 9])),
        row(firing(started=[1, 2])),
        row(firing(), back="not back: trove"),
    ],
)
def test_it_is_bad_when_one_is_lost_silently_or_done_twice(bad: Row) -> None:
    assert not bad.good


def test_each_number_of_attempts_has_a_row() -> None:
    firings = [firing(), firing(attempts=3)]
    case = Case("fault", chaos.nothing, DUE, [each.member for each in firings])
    case.firings = firings
    assert [(found.attempts, found.due) for found in case.rows()] == [(1, 1), (3, 1)]


def test_the_table_has_a_line_for_each_row() -> None:
    assert chaos.table([row(firing()), row(LOST)]).count("\n") == 3
