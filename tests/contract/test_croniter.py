# SPDX-License-Identifier: Apache-2.0
"""What the patterns assume of croniter, and why they are stricter than it."""

import random
from datetime import UTC, datetime

import croniter
import pytest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "pattern", ["* * * * * *", "* * * * * * *", "@daily", "0 0 L * *", "0 0 * * L5", "R * * * *"]
)
def test_croniter_takes_what_cron_does_not_know(pattern):
    assert croniter.croniter.is_valid(pattern)


def test_an_r_is_drawn_anew_at_each_look():
    random.seed(1)
    draws = {croniter.croniter("R R * * *", NOW).get_next(datetime) for _ in range(20)}
    assert len(draws) > 1


def test_a_day_that_never_comes_is_found_out_only_when_asked_for():
    never = croniter.croniter("0 0 31 2 *", NOW)
    with pytest.raises(croniter.CroniterBadDateError):
        never.get_next(datetime)


def test_an_aware_start_gives_aware_runs_in_utc():
    following = croniter.croniter("0 2 * * *", NOW).get_next(datetime)
    assert following == datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
    assert following.tzinfo is not None
