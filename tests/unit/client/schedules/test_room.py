# SPDX-License-Identifier: Apache-2.0
"""How many backups a schedule has at most: what simulated years come to never exceeds it."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from trove_schedules.backups.retention import judge
from trove_schedules.clients.trove import Backup
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.room import MOST, keeps_all, most_kept

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
START = datetime(2026, 1, 1, tzinfo=UTC)


def plan(pattern="0 2 * * *", **options):
    return Plan(pattern, "n", **options)


def most_in(plan, days, first):
    """How many backups there are at once at most within some days, by retention itself.

    :param first: which one of its chain the first backup is.
    """
    backups, most, number = [], 0, first - 1
    end = START + timedelta(days=days)
    for index, due in enumerate(takewhile(lambda each: each < end, cron.runs(plan.pattern, START))):
        number = number % (plan.full_every or 1) + 1
        parent = backups[0].id if number > 1 and backups else None
        made = Backup(str(index), "i", "n", marker(SCHEDULE), "COMPLETED", parent, due, None)
        backups.insert(0, made)
        most = max(most, len(backups))
        verdicts = judge(backups, SCHEDULE, plan.rules, now=due + timedelta(minutes=5))
        backups = [each.backup for each in verdicts if not each.expired]
    return most


@pytest.mark.parametrize(
    ("options", "days", "bound"),
    [
        ({"keep_last": 14}, 30, 15),
        ({"keep_days": 30}, 50, 31),
        ({"keep_daily": 7}, 30, 8),
        ({"keep_daily": 7, "keep_weekly": 4, "keep_monthly": 12}, 500, 22),
        ({"pattern": "0 * * * *", "keep_hourly": 24, "keep_daily": 7, "keep_weekly": 4}, 40, 34),
        ({"pattern": "0 2 * * sun", "keep_weekly": 8, "keep_yearly": 2}, 900, 10),
        ({"full_every": 7, "keep_last": 7}, 60, 14),
        ({"full_every": 7, "keep_daily": 7}, 60, 14),
        ({"full_every": 7, "keep_daily": 7, "keep_weekly": 4}, 60, 29),
        ({"full_every": 7, "keep_monthly": 3}, 150, 22),
        ({"pattern": "0 * * * *", "full_every": 24, "keep_daily": 3}, 6, 73),
        ({"pattern": "0 */6 * * *", "full_every": 8, "keep_daily": 5, "keep_last": 3}, 20, 25),
    ],
    ids=str,
)
def test_years_that_are_simulated_come_to_nearly_as_many_and_never_to_more(options, days, bound):
    schedule = plan(incremental="full_every" in options, **options)
    firsts = range(1, (schedule.full_every or 1) + 1)
    most = max(most_in(schedule, days, first) for first in firsts)
    assert most_kept(schedule, START) == bound
    assert bound * 0.85 <= most <= bound


@pytest.mark.parametrize("options", [{}, {"incremental": True, "keep_last": 7}])
def test_what_keeps_everything_has_no_bound(options):
    assert keeps_all(plan(**options))
    assert most_kept(plan(**options), START) is None


def test_a_count_ends_somewhere():
    assert most_kept(plan("* * * * *", keep_days=36500), START) == MOST
    assert most_kept(plan(keep_yearly=900, keep_weekly=900), START) == MOST


def test_what_is_pinned_counts_with_its_chain():
    assert most_kept(plan(keep_last=7), START, pinned=3) == 11
    assert most_kept(plan(keep_last=7, incremental=True, full_every=7), START, pinned=3) == 35
