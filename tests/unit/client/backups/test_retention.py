# SPDX-License-Identifier: Apache-2.0
"""What becomes of a schedule's backups, and the reasons given; see also the contract test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trove_schedules.backups.retention import NOTHING, Keeper, judge, perhaps_read
from trove_schedules.clients.trove import Backup
from trove_schedules.schedules.names import marker

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
OTHER = "11111111-be9b-49c1-a2f7-ca6c1213896f"
NOW = datetime(2026, 1, 31, 2, tzinfo=UTC)


def backup(name, days, status="COMPLETED", *, on=None, of=SCHEDULE):
    description = f"nightly {marker(of)}" if of else None
    created = NOW - timedelta(days=days)
    return Backup(name, "instance", name, description, status, on, created, None)


def told(backups, *, needed=NOTHING, offsets=(), **rules):
    """Every backup's fate: ``-`` expires, ``+`` stays, and what it goes with."""
    verdicts = judge(backups, SCHEDULE, rules, now=NOW, needed=needed, offsets=offsets)
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


def test_the_newest_of_each_of_the_last_periods_stays():
    # NOW is a Saturday, of the fifth week.
    backups = [backup(str(days), days) for days in (40, 12, 9, 6, 2, 1.9, 1)]
    assert told(backups, keep_daily=2, keep_weekly=3) == {
        "1": ("+", "the newest"),
        "1.9": ("+", "the newest of day 2026-01-29"),
        "2": ("-", "not the newest of one of the last 2 days, 3 weeks"),
        "6": ("+", "the newest of week 2026-W04"),
        "9": ("-", "not the newest of one of the last 2 days, 3 weeks"),
        "12": ("-", "not the newest of one of the last 2 days, 3 weeks"),
        "40": ("+", "the newest of week 2025-W52"),
    }


def test_a_period_without_a_backup_does_not_count():
    backups = [backup("1", 400), backup("2", 100), backup("3", 1)]
    assert {name: fate for name, (fate, _) in told(backups, keep_monthly=3).items()} == {
        "1": "+",
        "2": "+",
        "3": "+",
    }
    assert told(backups, keep_yearly=1)["2"][0] == "-"


def test_a_failed_backup_is_the_newest_of_nothing():
    backups = [backup("1", 3), backup("2", 2.9, "FAILED"), backup("3", 1)]
    assert told(backups, keep_daily=9)["1"] == ("+", "the newest of day 2026-01-28")


def test_days_are_those_of_the_schedules_zone():
    # Made at 01:00, 22:00 and 23:30 UTC.
    backups = [backup("1", 2 + 1 / 24), backup("2", 1 + 4 / 24), backup("3", 1 + 2.5 / 24)]
    assert told(backups, keep_daily=9)["2"][0] == "-"
    assert told(backups, keep_daily=9, offsets=[[0, 3600]]) == {
        "3": ("+", "the newest"),
        "2": ("+", "the newest of day 2026-01-29"),
        "1": ("-", "not the newest of one of the last 9 days"),
    }


def test_an_hour_that_comes_twice_is_two():
    # In Berlin the clock is put back at 01:00 UTC.
    back = datetime(2025, 10, 25, 1, tzinfo=UTC).timestamp()
    berlin = [[0, 7200], [int(back), 3600]]
    backups = [
        replace(backup(str(minutes), 0), created=datetime.fromtimestamp(back + minutes * 60, UTC))
        for minutes in (-40, -10, 20, 50)
    ]
    fates = told(backups, keep_hourly=9, offsets=berlin)
    assert {name: said[0] for name, said in fates.items()} == {
        "50": "+",
        "20": "-",
        "-10": "+",
        "-40": "-",
    }
    assert fates["-10"][1] == "the newest of hour 2025-10-25 02+0200"


def test_everything_that_keeps_a_backup_is_named():
    backups = [backup("1", 9), backup("2", 8, on="1"), backup("3", 1)]
    needed = {"1": Keeper("drill", "a drill may be reading it")}
    verdicts = judge(
        backups,
        SCHEDULE,
        {"keep_last": 1, "keep_days": 8, "keep_weekly": 4},
        now=NOW,
        needed=needed,
    )
    assert {each.backup.id: each.kept_by for each in verdicts} == {
        "3": ("newest", "keep-last 1", "keep-days 8", "keep-weekly 4"),
        "2": ("keep-days 8", "keep-weekly 4"),
        "1": ("drill", "chain"),
    }
    assert [each.kept_by for each in judge(backups, SCHEDULE, {"keep_last": 1}, now=NOW)] == [
        ("newest", "keep-last 1"),
        (),
        (),
    ]


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
    assert told(backups, keep_last=1, needed={"2": Keeper("parent", "the schedule's parent")}) == {
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
