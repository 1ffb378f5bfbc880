# SPDX-License-Identifier: Apache-2.0
"""Tables that are too wide: texts wrap between words, IDs stay whole."""

from __future__ import annotations

import argparse
import sys

import pytest
from cliff import utils

from tests.examples import SCHEDULE
from trove_schedules.cli.openstack.fitting import fitted

HEADERS = ("ID", "Name", "Missed", "Reason")
ROWS = [
    [SCHEDULE, "orders-nightly", 3, "no backup for two nights; a quota"],
    [SCHEDULE, "weekly", 0, None],
]
#: What the table needs: its cells, and three columns of lines and spaces for each of them.
WHOLE = 36 + 14 + 6 + 33 + 3 * 4 + 1


def options(max_width: int = 0, fit_width: bool = False) -> argparse.Namespace:
    return argparse.Namespace(max_width=max_width, fit_width=fit_width)


def test_what_there_is_room_for_stays_as_it_is():
    assert fitted(HEADERS, ROWS, options(WHOLE)) == ROWS


def test_the_widest_text_wraps_between_words():
    [first, second] = fitted(HEADERS, ROWS, options(WHOLE - 10))
    assert first == [*ROWS[0][:3], "no backup for two\nnights; a quota"]
    assert second == ROWS[1]


def test_where_not_even_the_words_have_room_the_host_decides():
    assert fitted(HEADERS, ROWS, options(70)) == ROWS


@pytest.mark.parametrize(("is_terminal", "asked"), [(True, False), (False, True)])
def test_a_terminal_s_width_counts_or_that_of_who_asks_for_it(monkeypatch, is_terminal, asked):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    monkeypatch.setattr(utils, "terminal_width", lambda: WHOLE - 10)
    [first, _] = fitted(HEADERS, ROWS, options(fit_width=asked))
    assert "\n" in first[3]


def test_a_file_has_room_for_everything(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert fitted(HEADERS, ROWS, options()) == ROWS


def test_nothing_to_show_needs_no_room():
    assert fitted(HEADERS, [], options(10)) == []
