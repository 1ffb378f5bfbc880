# SPDX-License-Identifier: Apache-2.0
"""A report as a page, as JSON and as rows."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from tests.unit.client.report.ninety_days import EXPECTED, NIGHTLY, NOW, RUNS_FROM, SINCE, nights
from trove_schedules.coverage import Cover, Coverage
from trove_schedules.report import ProvedRestore, Report, RunByHand, ScheduleReport
from trove_schedules.report.drawing import calendar, charts
from trove_schedules.report.due_times import due_times
from trove_schedules.report.formats import COLUMNS, as_csv, as_json
from trove_schedules.report.page import page
from trove_schedules.report.report import Span

PROJECTS = {"p1": "shop & co"}


@pytest.fixture
def report() -> Report:
    runs, backups = nights()
    schedule = replace(NIGHTLY, name="<b>nightly</b>", project_id="p1")
    found = ScheduleReport(
        schedule=schedule,
        instance_name="=orders",
        promises=(("Pattern", "0 2 * * *"), ("Keep for days", "14")),
        known_from=SINCE,
        due_times=tuple(due_times(schedule, backups, runs, SINCE, NOW, RUNS_FROM)),
        by_hand=(
            RunByHand(datetime(2026, 3, 5, 9, 0, tzinfo=UTC), "Backup complete", "b-hand", "ada"),
        ),
        drills=(
            ProvedRestore(datetime(2026, 3, 6, tzinfo=UTC), True, "Drill passed", "b-1", "bob"),
        ),
        longest_gap=Span(SINCE, SINCE + timedelta(days=3, hours=1)),
        last_success=datetime(2026, 3, 31, 2, 0, tzinfo=UTC),
    )
    return Report(SINCE, NOW, (found,), (exposed("forgotten"), exposed("=later", Cover.PAUSED)))


def exposed(name: str, state: Cover = Cover.UNPROTECTED) -> Coverage:
    """An instance that nothing backs up."""
    return Coverage(
        instance=f"id-of-{name}",
        name=name,
        project_id="p1",
        state=state,
        reason="no schedule backs it up; last backup 9 days ago, by hand",
        schedules=(),
        backup=None,
        age=None,
        last_proven=None,
        proven_backup=None,
        replica_of=None,
    )


class Page(HTMLParser):
    """The texts and the elements of a page; refuses one that isn't closed properly."""

    _EMPTY = ("meta", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in self._EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_a_page_names_every_gap_and_loads_nothing(report: Report) -> None:
    shown = Page(page(report, PROJECTS))

    told = " ".join(filter(None, shown.texts))
    for day, (outcome, reason) in EXPECTED.items():
        if outcome.is_gap:
            assert f"{day} 02:00 UTC {outcome} {reason}" in told
    assert "1 schedule had 90 due times. 6 brought no backup. Of 31 it is not known." in told
    assert "2 instances unprotected now." in told
    assert "Looked at 2026-04-01 02:05 UTC: 2 instances: 1 unprotected, 1 paused." in told
    assert "forgotten id-of-forgotten shop & co unprotected no schedule backs it up; last" in told
    assert "3 d 1 h, from 2026-01-01 03:00 UTC to 2026-01-04 04:00 UTC" in told
    assert "shop & co" in shown.texts
    assert all(each.startswith("#") for each in shown.loaded)


def test_coverage_is_told_in_a_report_on_all_schedules_only(report: Report) -> None:
    chosen = replace(report, coverage=None)
    assert "protected" not in page(chosen, PROJECTS)
    assert json.loads(as_json(chosen, PROJECTS))["coverage"] is None
    assert len(list(_rows(as_csv(chosen, PROJECTS)))) == 90
    none = replace(report, coverage=(exposed("orders", Cover.PROTECTED),))
    told = " ".join(Page(page(none, {})).texts)
    assert "1 instance: 1 protected. None is unprotected." in " ".join(told.split())


def test_names_are_texts_on_the_page_and_no_elements(report: Report) -> None:
    assert "<b>" not in page(report, PROJECTS)
    assert "<b>nightly</b>" in Page(page(report, PROJECTS)).texts


def test_a_picture_says_in_words_what_it_shows(report: Report) -> None:
    text = page(report, {})
    assert "2026-02-10: 1 missed" in text
    assert "2026-03-20: 1 backed up" in text
    assert 'aria-label="90 due times, 6 gaps"' in text


def test_the_calendar_has_a_row_for_each_month_and_a_letter_for_each_gap(report: Report) -> None:
    drawn = calendar(report.schedules[0], SINCE, NOW)
    assert [name for _, name in drawn.months] == ["Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026"]
    letters = {each.told[:10]: each.letter for each in drawn.days if each.letter not in ("", "?")}
    assert letters == {
        "2026-02-10": "M", "2026-02-12": "F", "2026-02-14": "S", "2026-03-25": "F",
        "2026-03-26": "F", "2026-03-27": "F", "2026-04-01": "…",
    }  # fmt: skip
    assert len(drawn.days) == 91
    assert drawn.days[0].outcome is None  # nothing was due after 03:00
    assert max(each.x + 18 for each in drawn.days) <= drawn.width
    assert max(each.y + 18 for each in drawn.days) <= drawn.height


def test_charts_show_what_trove_still_knows(report: Report) -> None:
    size, took = charts(report.schedules[0])
    assert (size.most, took.most) == ("0.50 GB", "4 min")
    known = [each for each in report.schedules[0].due_times if each.size is not None]
    assert len(size.bars) == len(known) == 11
    assert size.bars[-1].x + size.bars[-1].width <= size.width


def _rows(text: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(text))


def test_rows_hold_each_due_time_and_no_formula(report: Report) -> None:
    rows = list(_rows(as_csv(report, PROJECTS)))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 92
    last = {key: value for key, value in rows[-1].items() if value}
    assert last == {
        "project_id": "p1",
        "project_name": "shop & co",
        "instance_id": "id-of-=later",
        "instance_name": "'=later",
        "outcome": "PAUSED",
        "reason": "no schedule backs it up; last backup 9 days ago, by hand",
    }
    gap = next(each for each in rows if each["due_at"].startswith("2026-02-12"))
    assert (gap["outcome"], gap["reason"]) == tuple(map(str, EXPECTED["2026-02-12"]))
    assert gap["instance_name"] == "'=orders"
    assert as_csv(Report(SINCE, NOW, ()), {}) == ",".join(COLUMNS) + "\n"


def test_the_object_holds_the_same(report: Report) -> None:
    content = json.loads(as_json(report, PROJECTS))
    [found] = content["schedules"]
    assert (found["project_name"], found["instance_name"]) == ("shop & co", "=orders")
    assert found["outcomes"]["failed"] == 4
    assert [each["outcome"] for each in found["due_times"]] == [
        str(each.outcome) for each in report.schedules[0].due_times
    ]
    assert found["longest_gap"]["seconds"] == 73 * 3600
    assert found["drills"][0]["passed"] is True
    assert (found["runs_by_hand"][0]["by"], found["drills"][0]["by"]) == ("ada", "bob")
    told = content["coverage"]
    assert (told["looked_at"], told["states"]) == (
        "2026-04-01T02:05:00+00:00",
        {"UNPROTECTED": 1, "PAUSED": 1},
    )
    assert [each["instance_name"] for each in told["instances"]] == ["forgotten", "=later"]
    assert re.fullmatch(r"2026-01-01T03:00:00\+00:00", content["since"])
