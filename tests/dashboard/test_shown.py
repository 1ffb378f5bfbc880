# SPDX-License-Identifier: Apache-2.0
"""How a schedule, its state and its runs are shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.dashboard.examples import BACKUP, NOW, execution, schedule
from trove_schedules.health import State
from trove_schedules_dashboard.content.backup_schedules import badge, text
from trove_schedules_dashboard.content.backup_schedules.chart import HIGHEST, WIDEST, chart


@pytest.mark.parametrize("state", list(State))
def test_only_states_that_need_help_look_alarming(state: State) -> None:
    label, icon = badge.look(state)
    assert (label == "danger") == (state.exit_status == 2)
    assert icon


def test_runs_are_drawn_oldest_first_to_scale() -> None:
    short = execution(minutes_ago=9, backup_id="small")
    long = execution(minutes_ago=5, updated_at=NOW - timedelta(minutes=5) + timedelta(seconds=8))
    running = execution("RUNNING", minutes_ago=0, updated_at=None)
    drawn = chart([running, long, short], {BACKUP: 2.0, "small": 0.5}, NOW)
    assert drawn is not None
    assert [run.symbol for run in drawn.runs] == ["✓", "✓", "…"]
    assert [run.duration_bar.height for run in drawn.runs[:2]] == [HIGHEST / 2, HIGHEST]
    assert [run.size_bar and run.size_bar.height for run in drawn.runs] == [
        HIGHEST / 4,
        HIGHEST,
        None,
    ]
    assert (drawn.longest, drawn.largest) == ("8 s", "2.00 GB")
    assert [run.size for run in drawn.runs] == ["512.0 MB", "2.00 GB", "-"]


def test_a_run_that_hangs_is_drawn_to_the_scale_of_those_that_ended() -> None:
    hangs = execution("RUNNING", minutes_ago=24 * 60, updated_at=None)
    drawn = chart([execution(), hangs], {}, NOW)
    assert drawn is not None
    assert [run.duration_bar.height for run in drawn.runs] == [HIGHEST, HIGHEST]
    assert drawn.longest == "4 s"


@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_bars_share_the_whole_width_in_the_order_of_their_runs(count: int) -> None:
    drawn = chart([execution(minutes_ago=number) for number in range(count)], {}, NOW)
    assert drawn is not None
    bars = [run.duration_bar for run in drawn.runs]
    edges = [edge for bar in bars for edge in (bar.x, bar.end)]
    assert edges == sorted(edges)
    assert bars[0].x - drawn.left == pytest.approx(drawn.right - bars[-1].end, abs=0.3)
    assert all(0 < bar.width <= WIDEST for bar in bars)


def test_without_runs_nothing_is_drawn() -> None:
    assert chart([], {}, NOW) is None


@pytest.mark.parametrize(("length", "words"), [(4.4, "4 s"), (185, "3 min 05 s"), (None, "-")])
def test_lengths_are_written_for_people(length: float | None, words: str) -> None:
    assert text.seconds(None if length is None else timedelta(seconds=length)) == words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Full"),
        ({"parent_id": BACKUP}, f"Increment of {BACKUP}"),
        ({"incremental": True}, "Incremental"),
        ({"incremental": True, "full_every": 7}, "Incremental, a full backup every 7"),
    ],
)
def test_a_kind_says_what_each_run_makes(options: dict[str, Any], words: str) -> None:
    assert text.kind(schedule(**options)) == words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "all"),
        ({"keep_last": 7}, "the newest 7"),
        ({"keep_days": 30}, "those of the last 30 days"),
        ({"keep_last": 7, "keep_days": 30}, "the newest 7, those of the last 30 days"),
        (
            {"keep_daily": 7, "keep_weekly": 4, "keep_monthly": 12},
            "the newest of each of 7 days, the newest of each of 4 weeks, "
            "the newest of each of 12 months",
        ),
    ],
)
def test_retention_says_what_is_kept(options: dict[str, Any], words: str) -> None:
    assert text.retention(schedule(**options)) == words


def test_attempts_say_how_far_they_are_apart() -> None:
    assert text.attempts(schedule()) == "1"
    assert text.attempts(schedule(attempts=3, retry_every=20)) == "3, 20 minutes apart"


def test_a_paused_schedule_has_no_next_run() -> None:
    assert text.next_run(schedule(paused=True, next_execution_time=None)) == "Paused"
    assert text.next_run(schedule()) == "2030-01-02 12:00:00 UTC"


def test_a_run_in_progress_has_a_duration_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "now", lambda: NOW)
    running = execution("RUNNING", minutes_ago=2, updated_at=None)
    assert text.duration_so_far(running) == "2 min 00 s so far"
    assert text.duration_so_far(execution(minutes_ago=2)) == "4 s"
    assert text.duration_so_far(execution("RUNNING", 61, updated_at=None)) == "-"
