# SPDX-License-Identifier: Apache-2.0
"""What becomes of a schedule's backups, and the reasons given; see also the contract test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trove_schedules.backups.retention import judge, perhaps_read
from trove_schedules.clients.trove import Backup
from trove_schedules.schedules.names import marker

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
OTHER = "11111111-be9b-49c1-a2f7-ca6c1213896f"
NOW = datetime(2026, 1, 31, 2, tzinfo=UTC)


def backup(name, days, status="COMPLETED", *, on=None, of=SCHEDULE):
    description = f"nightly {marker(of)}" if of else None
    created = NOW - timedelta(days=days)
    return Backup(name, "instance", name, description, status, on, created, None)


def told(backups, *, keep_last=None, keep_days=None, **needed):
    """Every backup's fate: ``-`` expires, ``+`` stays, and what it goes with."""
    verdicts = judge(backups, SCHEDULE, keep_last=keep_last, keep_days=keep_days, now=NOW, **needed)
    return {
        each.backup.id: (
            "-" if each.expired else "+",
            each.reason if each.goes_with is None else f"with {each.goes_with}",
        )
        for each in verdicts
    }


def test_the_newest_completed_ones_stay():
    backups = [backup("1", 3), backup("2", 2), backup("3", 1)]
    assert told(backups, keep_last=2) == {
        "3": ("+", "the newest"),
        "2": ("+", "one of the newest 2"),
        "1": ("-", "not one of the newest 2"),
    }


def test_so_do_those_of_the_last_days():
    backups = [backup("1", 3.001), backup("2", 3), backup("3", 1)]
    assert told(backups, keep_days=3) == {
        "3": ("+", "the newest"),
        "2": ("+", "not older than 3 days"),
        "1": ("-", "older than 3 days"),
    }


def test_with_both_either_is_enough():
    backups = [backup("1", 9), backup("2", 2), backup("3", 1)]
    assert told(backups, keep_last=1, keep_days=5) == {
        "3": ("+", "the newest"),
        "2": ("+", "not older than 5 days"),
        "1": ("-", "not one of the newest 1 and older than 5 days"),
    }


@pytest.mark.parametrize("keep", [{"keep_last": 1}, {"keep_days": 1}])
def test_the_newest_stays_however_old_it_is(keep):
    assert told([backup("1", 99)], **keep) == {"1": ("+", "the newest")}


def test_chains_are_kept_whole_and_go_whole():
    backups = [
        backup("1", 6),
        backup("2", 5, on="1"),
        backup("3", 4, on="2"),
        backup("4", 3),
        backup("5", 2, on="4"),
    ]
    assert told(backups, keep_last=1) == {
        "5": ("+", "the newest"),
        "4": ("+", "backup 5 builds on it"),
        "3": ("-", "with 2"),
        "2": ("-", "with 1"),
        "1": ("-", "not one of the newest 1"),
    }


@pytest.mark.parametrize("status", ["FAILED", "DELETE_FAILED"])
def test_failed_ones_go(status):
    backups = [backup("1", 2), backup("2", 1, status, on="1")]
    assert told(backups, keep_last=9) == {
        "2": ("-", f"it is {status}"),
        "1": ("+", "the newest"),
    }


@pytest.mark.parametrize("status", ["NEW", "BUILDING", "SAVING", "RESTORED"])
def test_what_runs_or_was_brought_in_stays_and_so_does_its_parent(status):
    backups = [backup("1", 3), backup("2", 2, status, on="1"), backup("3", 1)]
    assert told(backups, keep_last=1) == {
        "3": ("+", "the newest"),
        "2": ("+", f"it is {status}"),
        "1": ("+", "backup 2 builds on it"),
    }


@pytest.mark.parametrize("whose", [None, OTHER])
def test_other_peoples_stay_unmentioned_and_so_do_their_parents(whose):
    backups = [
        backup("1", 4),
        backup("2", 3, on="1"),
        backup("theirs", 2, "FAILED", on="1", of=whose),
        backup("3", 1),
    ]
    assert told(backups, keep_last=1) == {
        "3": ("+", "the newest"),
        "2": ("-", "not one of the newest 1"),
        "1": ("+", "backup theirs builds on it"),
    }


def test_what_something_else_needs_stays_with_what_it_builds_on():
    backups = [backup("1", 5), backup("2", 4, on="1"), backup("3", 3), backup("4", 2)]
    assert told(backups, keep_last=1, needed={"2": "the schedule's parent"}) == {
        "4": ("+", "the newest"),
        "3": ("-", "not one of the newest 1"),
        "2": ("+", "the schedule's parent"),
        "1": ("+", "backup 2 builds on it"),
    }


def test_a_single_day_is_one():
    assert told([backup("1", 3), backup("2", 2)], keep_days=1)["1"] == ("-", "older than 1 day")


def test_a_drill_may_read_what_was_the_newest_within_the_hour():
    def at(name, minutes, completed=None, **values):
        made = backup(name, minutes / 1440, **values)
        done = None if completed is None else NOW - timedelta(minutes=completed)
        return replace(made, updated=done)

    # Two was the newest until three was completed, half an hour ago, however early that was begun.
    backups = [at("1", 300, 290), at("2", 200, 190), at("3", 100, 30), at("4", 20, status="FAILED")]
    assert perhaps_read(backups, SCHEDULE, NOW).keys() == {"2", "3"}
    assert perhaps_read([*backups, at("other", 5, 4, of=OTHER)], SCHEDULE, NOW).keys() == {"2", "3"}
    assert perhaps_read(backups[:2], SCHEDULE, NOW).keys() == {"2"}
    assert perhaps_read([], SCHEDULE, NOW) == {}


def test_no_backups_are_no_trouble():
    assert told([], keep_last=1) == {}
