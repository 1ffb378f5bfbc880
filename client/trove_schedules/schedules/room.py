# SPDX-License-Identifier: Apache-2.0
"""How many backups a schedule has at once: what its rules keep, and the next one beside it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import islice, takewhile

from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.options import Options
from trove_schedules.schedules.periods import PERIODS

#: Trove's quota of backups where nobody has set another.
USUAL_QUOTA = 50
#: A count ends here.
MOST = 1000
#: More than a year of one run a day, or of as many a day as the longest chain has.
_SAMPLE = 400
_FIVE_YEARS = timedelta(days=5 * 366)


def keeps_all(plan: Options) -> bool:
    """Whether no backup is ever deleted: by no rule, or because one chain never ends."""
    return not plan.rules or (plan.incremental and plan.full_every is None)


def most_kept(plan: Options, now: datetime, *, pinned: int = 0) -> int | None:
    """How many backups a schedule has at once by its pattern, at most; None: it keeps all.

    It takes no zone: the due times of a pattern and the periods that they are counted in are of the
    same clock. Of the day on which that is changed, the hour more or less is not counted.

    A chain is kept whole. Not counted are failed backups, which go with the next success, backups
    of runs by hand, and what others need. From :data:`MOST` on it is MOST.

    :param now: the time from which on due times are looked at.
    :param pinned: how many backups are kept besides.
    """
    if keeps_all(plan):
        return None
    chain = plan.full_every or 1
    rules = plan.rules
    # The newest backups without a gap, and the rules that leave gaps: how many periods they count,
    # and how many due times a period has at most.
    newest, scattered = rules.get("keep_last", 1), []
    if "keep_days" in rules:
        newest = max(newest, _within(plan.pattern, now, timedelta(days=rules["keep_days"])))
    periods = [rule for rule in PERIODS if rule in rules]
    due = _sample(plan.pattern, now) if periods else []
    for rule in periods:
        most = max(Counter(map(PERIODS[rule].name_at, due)).values(), default=1)
        if most <= chain:
            # From the newest of one period down to that of the period before may all be one chain.
            newest = max(newest, (rules[rule] - 1) * most + 1)
        else:
            scattered.append((rules[rule], most))
    # The oldest one may be the last of its chain, and so may each that is kept by itself. All rules
    # keep the newest backup.
    kept = newest + chain - 1 + kept_by_pins(plan, pinned)
    for number, most in scattered:
        without_a_gap = 1 + (newest - 1) // most
        kept += max(0, number - without_a_gap) * chain
    return min(kept + 1, MOST)


def kept_by_pins(plan: Options, pinned: int) -> int:
    """How many backups this many pins keep at most, with what those build on."""
    return pinned * (plan.full_every or 1)


def _within(pattern: str, now: datetime, length: timedelta) -> int:
    runs = takewhile(lambda run: run <= now + length, cron.runs(pattern, now))
    return sum(1 for _ in islice(runs, MOST))


def _sample(pattern: str, now: datetime) -> list[datetime]:
    """Due times enough to tell how many are in one period, as far as that matters for a chain."""
    runs = takewhile(lambda run: run < now + _FIVE_YEARS, cron.runs(pattern, now))
    return list(islice(runs, _SAMPLE))
