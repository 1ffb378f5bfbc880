# SPDX-License-Identifier: Apache-2.0
"""When triggers fire: at every due time, and for its further attempts."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, strategies as st

from tests.unit.client.schedules.test_pattern import moments, valid_patterns
from trove_schedules.errors import InvalidPatternError
from trove_schedules.schedules.due import DueTimes
from trove_schedules.schedules.firing import (
    ONE_ATTEMPT,
    Attempts,
    attempts_of,
    check_room,
    firing_pattern,
    same_in_utc,
    usual_attempts,
)
from trove_schedules.schedules.pattern import MAX_LENGTH, due_minutes, runs, validate
from trove_schedules.schedules.zones import current

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN, KATHMANDU, LORD_HOWE = (
    current(each, NOW) for each in ("Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe")
)
many_attempts = st.builds(Attempts, st.integers(2, 12), st.integers(1, 59))


def has_room(pattern, attempts):
    try:
        check_room(pattern, attempts)
    except InvalidPatternError:
        return False
    return True


class TestFiringPattern:
    @given(
        valid_patterns,
        many_attempts | st.just(ONE_ATTEMPT),
        moments,
        st.sampled_from([(), BERLIN, KATHMANDU, LORD_HOWE]),
    )
    def test_it_fires_at_every_due_time_and_for_every_attempt(
        self, pattern, attempts, moment, offsets
    ):
        wide = firing_pattern(pattern, attempts, offsets)
        assert validate(wide) == wide
        for due in islice(DueTimes(pattern, offsets).after(moment), 3):
            for n in range(attempts.number):
                at = due + timedelta(minutes=n * attempts.every)
                assert next(runs(wide, at - timedelta(seconds=1))) == at

    @pytest.mark.parametrize(
        ("pattern", "attempts", "offsets", "fires"),
        [
            ("0 2 * * *", Attempts(3, 20), (), "0,20,40 2 * * *"),
            ("0 0-6/2 * * mon", Attempts(2, 20), (), "0,20 0-6/2 * * mon"),
            ("58 2 * * *", Attempts(3, 20), (), "18,38,58 2,3 * * *"),
            ("50 23 * * mon", Attempts(3, 20), (), "10,30,50 0,23 * * 1,2"),
            ("0 2 L * *", Attempts(3, 20), (), "0,20,40 2 L * *"),
            ("0 2 * * *", ONE_ATTEMPT, BERLIN, "0 0,1 * * *"),
            # The clock is put forward at 01:00 UTC.
            ("30 2 * * *", ONE_ATTEMPT, BERLIN, "0,30 0,1 * * *"),
            ("0 0 1 * *", ONE_ATTEMPT, BERLIN, "0 22,23 28,29,30,31 * *"),
            ("0 0 1 3 *", ONE_ATTEMPT, KATHMANDU, "15 18 28,29 2 *"),
            ("0 0 * * mon#1", ONE_ATTEMPT, KATHMANDU, "15 18 * * 0"),
            ("0 0 13 * fri", ONE_ATTEMPT, KATHMANDU, "15 18 * * *"),
            # 1 March is a Tuesday in 2033.
            ("0 0 * 3 tue", ONE_ATTEMPT, KATHMANDU, "15 18 * 2,3 1"),
            ("0 0 * * sun#5", ONE_ATTEMPT, KATHMANDU, "15 18 * * 6"),
            ("5 * * * *", ONE_ATTEMPT, KATHMANDU, "20 * * * *"),
        ],
    )
    def test_it_fires_little_more_often(self, pattern, attempts, offsets, fires):
        assert firing_pattern(pattern, attempts, offsets) == fires

    @pytest.mark.parametrize(
        "pattern",
        ["0-58/4 1-22 1,2,3,4,5,6,7,8,9,10 1,2,3,4,5,6 *", "1,2,4,8,16,32 1,2,4,8,16,21 1,3,7 * *"],
    )
    def test_what_is_too_long_for_mistral_fires_more_often(self, pattern):
        wide = firing_pattern(pattern, Attempts(3, 1), BERLIN)
        assert len(wide) <= MAX_LENGTH

    @given(valid_patterns)
    def test_one_attempt_in_utc_leaves_a_pattern_as_it_is(self, pattern):
        assert firing_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "offsets", "same"),
    [
        ("30 2 29 2 *", (), True),
        ("0 * * * *", BERLIN, True),
        ("* * * * *", LORD_HOWE, True),
        ("*/15 0-23 * * *", LORD_HOWE, True),
        ("0 * * * *", LORD_HOWE, False),
        ("0 * * * mon", BERLIN, False),
        ("0 */2 * * *", BERLIN, False),
    ],
)
def test_whether_utc_can_say_it(pattern, offsets, same):
    assert same_in_utc(pattern, offsets) == same


class TestRoom:
    @given(valid_patterns, many_attempts)
    def test_there_is_room_up_to_the_next_due_time(self, pattern, attempts):
        due = due_minutes(pattern)
        gap = min(b - a for a, b in pairwise([*due, due[0] + 1440]))
        assert has_room(pattern, attempts) == ((attempts.number - 1) * attempts.every < gap)

    @pytest.mark.parametrize(
        ("pattern", "attempts"),
        [("0,25 2 * * *", Attempts(3, 15)), ("*/10 * * * *", Attempts(3, 5))],
    )
    def test_the_reason_is_told(self, pattern, attempts):
        with pytest.raises(InvalidPatternError, match="run into the next due time"):
            check_room(pattern, attempts)


class TestUsualAttempts:
    @pytest.mark.parametrize(
        ("pattern", "attempts"),
        [
            ("0 2 * * *", Attempts(3, 20)),
            ("58 2 * * *", Attempts(3, 20)),
            ("50 23 * * *", Attempts(3, 20)),
            ("30 * * * *", Attempts(3, 20)),
            ("0,30 2 * * *", Attempts(3, 10)),
            ("*/15 * * * *", Attempts(3, 5)),
            ("* * * * *", ONE_ATTEMPT),
            ("*/2 * * * *", ONE_ATTEMPT),
        ],
    )
    def test_it_is_three_attempts_as_far_apart_as_fits(self, pattern, attempts):
        assert usual_attempts(pattern) == attempts

    @given(valid_patterns)
    def test_it_always_fits(self, pattern):
        check_room(pattern, usual_attempts(pattern))

    @pytest.mark.parametrize(
        ("pattern", "attempts", "every"),
        [("0 2 * * *", 2, 20), ("0 2 * * *", 12, 20), ("0 * * * *", 5, 10), ("0 * * * *", 12, 5)],
    )
    def test_any_number_of_attempts_is_spaced_so(self, pattern, attempts, every):
        assert attempts_of(pattern, attempts) == Attempts(attempts, every)

    def test_what_does_not_fit_however_close_is_refused(self):
        with pytest.raises(InvalidPatternError, match="12 attempts every minute "):
            attempts_of("*/10 * * * *", 12)
