# SPDX-License-Identifier: Apache-2.0
"""What is told of each due time, compared with tables made by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.unit.client.report.ninety_days import (
    BACKUPS_FROM,
    EXPECTED,
    NIGHTLY,
    NOW,
    RUNS_FROM,
    SINCE,
    backup,
    nights,
    run,
)
from trove_schedules.report import Outcome
from trove_schedules.report.due_times import due_times

FORGOTTEN = (Outcome.UNKNOWN, "Mistral keeps no executions from that time")


def test_ninety_nights_are_told_as_a_table_made_by_hand_has_them() -> None:
    runs, backups = nights()

    found = due_times(NIGHTLY, backups, runs, SINCE, NOW, RUNS_FROM)

    assert [f"{each.at:%H:%M}" for each in found] == ["02:00"] * 90
    assert [each.at.date() for each in found] == [
        date(2026, 1, 2) + timedelta(days=number) for number in range(90)
    ]
    for each in found:
        expected = EXPECTED.get(str(each.at.date()))
        if expected is None and each.at < RUNS_FROM:
            expected = FORGOTTEN
        elif expected is None:
            expected = (Outcome.BACKED_UP, "deleted since" if each.at < BACKUPS_FROM else "")
        assert (each.outcome, each.reason) == expected, each
    assert Counter(each.outcome for each in found) == {
        Outcome.UNKNOWN: 30 + 1,
        Outcome.BACKED_UP: 52,
        Outcome.MISSED: 1,
        Outcome.FAILED: 4,
        Outcome.SKIPPED: 1,
        Outcome.IN_PROGRESS: 1,
    }


def test_a_backup_has_its_size_and_time_while_trove_keeps_it_and_its_id_for_longer() -> None:
    runs, backups = nights()
    found = {f"{each.at:%m-%d}": each for each in due_times(
        NIGHTLY, backups, runs, SINCE, NOW, RUNS_FROM
    )}  # fmt: skip

    kept, deleted, second = found["03-20"], found["03-10"], found["03-28"]
    assert (kept.backup_id, kept.size, kept.seconds) == ("b-03-20", 0.5, 240.0)
    assert (deleted.backup_id, deleted.size, deleted.seconds) == ("b-03-10", None, None)
    assert second.began == datetime(2026, 3, 28, 2, 20, tzinfo=UTC)
    # Mistral fires up to two seconds early.
    assert found["03-30"].began == datetime(2026, 3, 30, 1, 59, 58, tzinfo=UTC)


def test_a_due_time_of_a_moment_ago_is_not_judged_yet() -> None:
    now = datetime(2026, 4, 1, 2, 1, tzinfo=UTC)
    [last] = due_times(NIGHTLY, [], [], now - timedelta(days=2), now, RUNS_FROM)[-1:]
    assert last.at == datetime(2026, 3, 31, 2, 0, tzinfo=UTC)


def test_what_was_due_before_the_pattern_was_changed_is_not_told() -> None:
    changed = replace(NIGHTLY, owed_since=datetime(2026, 3, 30, 12, 0, tzinfo=UTC))
    found = due_times(changed, [], [], SINCE, NOW, RUNS_FROM)
    assert [each.at.day for each in found] == [31, 1]


def test_a_paused_schedule_owes_what_was_due_before_it_was_paused() -> None:
    paused = replace(NIGHTLY, paused=True, changed_at=datetime(2026, 3, 20, 1, 0, tzinfo=UTC))
    found = due_times(paused, [], [], SINCE, NOW, RUNS_FROM)
    assert found[-1].at == datetime(2026, 3, 19, 2, 0, tzinfo=UTC)


def test_a_backup_that_is_newer_than_the_next_due_time_is_not_this_ones() -> None:
    since, now = datetime(2026, 3, 30, 1, 0, tzinfo=UTC), datetime(2026, 3, 31, 5, 0, tzinfo=UTC)
    late = [backup(datetime(2026, 3, 31, 4, 0, tzinfo=UTC))]
    manual = [run(late[0].created, status="Backup complete", backup_id="b", manual=True)]
    found = due_times(NIGHTLY, late, manual, since, now, RUNS_FROM)
    assert [each.outcome for each in found] == [Outcome.MISSED, Outcome.BACKED_UP]
    assert found[1].reason == "it began 2 h after it was due"
