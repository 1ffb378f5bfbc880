# SPDX-License-Identifier: Apache-2.0
"""What is said of a schedule when it is created or changed."""

from datetime import UTC, datetime

import pytest

from tests import examples
from trove_schedules.schedules.warnings import Room, remarks

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOM = Room(50, known=True)


def said(room=ROOM, others=(), **options):
    found = remarks(examples.schedule(**options), others, room, NOW)
    return [(each.warning, each.said) for each in found]


def traps(others=(), **options):
    """The warnings beside what is said of the room."""
    kept, *found = said(others=others, keep_last=7, **options)
    assert kept[0] is False
    assert all(is_warning for is_warning, _ in found)
    return [text for _, text in found]


@pytest.mark.parametrize(
    ("keep", "room", "warning", "words"),
    [
        (7, ROOM, False, "at most 8 backups at once, the one in progress included; the project's"),
        (49, ROOM, False, "at most 50 backups at once"),
        (50, ROOM, True, "at most 51 backups at once"),
        (50, ROOM, True, "the project's quota is 50 backups"),
        (1000, ROOM, True, "1000 or more backups at once"),
        (1000, Room(None, known=True), False, "the project has no quota of backups"),
        (50, Room(), True, "Trove doesn't tell the project's quota, which usually is 50 backups"),
    ],
)
def test_how_many_backups_it_has_is_said_beside_the_quota(keep, room, warning, words):
    [(is_warning, text)] = said(room, keep_last=keep)
    assert is_warning is warning
    assert words in text


def test_a_schedule_that_deletes_nothing_is_warned_of_where_there_is_a_quota():
    words = "no backup is ever deleted, because no rule of retention is set"
    assert said() == [(True, f"{words}; the project's quota is 50 backups")]
    assert said(Room(None, known=True)) == [
        (False, f"{words}; the project has no quota of backups")
    ]


@pytest.mark.parametrize("rule", ["keep_last", "keep_days", "keep_monthly"])
def test_rules_that_can_delete_nothing_of_an_endless_chain_are_warned_of(rule):
    [(warning, text)] = said(incremental=True, **{rule: 3})
    assert warning
    assert "retention will delete nothing: without full-every all backups are one chain" in text
    [(warning, _)] = said(incremental=True, full_every=7, **{rule: 3})
    assert not warning


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"attempts": 3, "retry_every": 20, "deadline": 39},
            "the last of 3 attempts is 40 minutes after the due time, and the deadline of 39 min",
        ),
        ({"attempts": 3, "retry_every": 20, "deadline": 40}, None),
        ({"attempts": 3, "retry_every": 20}, None),
        ({"deadline": 5}, None),
    ],
)
def test_a_deadline_that_cuts_attempts_off_is_warned_of(options, words):
    assert [each[: len(words or "")] for each in traps(**options)] == ([words] if words else [])


def test_two_schedules_that_are_due_together_are_warned_of():
    alike = examples.schedule(id="other", name="again", keep_last=1)
    [warning] = traps([examples.schedule(), alike])
    assert warning.startswith("schedule other (again) backs up the same instance at the same times")


@pytest.mark.parametrize(
    "changes",
    [
        {"pattern": "0 3 * * *"},
        {"timezone": "Asia/Kathmandu"},
        {"paused": True},
        {"instance": "another"},
    ],
)
def test_schedules_that_are_not_due_together_are_no_trap(changes):
    assert traps([examples.schedule(id="other", **changes)]) == []
