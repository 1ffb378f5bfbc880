# SPDX-License-Identifier: Apache-2.0
"""Which patterns are accepted, and that their runs are croniter's."""

import random
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

import croniter
import pytest
from hypothesis import given, strategies as st

from trove_schedules.errors import InvalidPatternError
from trove_schedules.pattern import MAX_LENGTH, runs, validate

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LOWS_AND_HIGHS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


@st.composite
def fields(draw, low, high):
    def part():
        first = draw(st.integers(low, high))
        last = draw(st.integers(first, high))
        step = draw(st.integers(1, high))
        return draw(
            st.sampled_from(
                ["*", f"*/{step}", f"{first}", f"{first}-{last}", f"{first}-{last}/{step}"]
            )
        )

    return ",".join(part() for _ in range(draw(st.integers(1, 3))))


patterns = st.tuples(*(fields(*each) for each in LOWS_AND_HIGHS)).map(" ".join)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def accepted(pattern):
    try:
        return validate(pattern)
    except InvalidPatternError:
        return None


@pytest.mark.parametrize(
    "pattern",
    [
        "* * * * *",
        "*/2 * * * *",
        "0 2 * * *",
        "0,30 0-6/2 1,15 * *",
        "0 0 29 2 *",
        "0 0 31 2 mon",
        "59 23 31 12 7",
        "0 0 * jan-mar,DEC sun",
        "*/59 */23 */31 */12 */7",
        "0 4 * * 5-7",
    ],
)
def test_patterns_of_cron_are_accepted_as_they_are(pattern):
    assert validate(pattern) == pattern


def test_spaces_are_made_single_ones():
    assert validate("  0\t2 *  * *\n") == "0 2 * * *"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "0 fields"),
        ("   ", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * *", "6 fields"),
        ("* * * * * * *", "7 fields"),
        ("@daily", "1 fields"),
        ("61 * * * *", "61 is not a minute (0 to 59)"),
        ("* 24 * * *", "24 is not a hour"),
        ("* * 0 * *", "0 is not a day of month"),
        ("* * * 13 *", "13 is not a month"),
        ("* * * * 8", "8 is not a day of week"),
        ("R * * * *", "'R' is not a minute"),
        ("R(0-10) * * * *", "not a minute"),
        ("H * * * *", "'H' is not a minute"),
        ("* * L * *", "'L' is not a day of month"),
        ("* * * * L5", "not a day of week"),
        ("* * * * mon#1", "not a day of week"),
        ("* * 15W * *", "not a day of month"),
        ("* * ? * *", "'?' is not a day of month"),
        ("jan * * * *", "'jan' is not a minute"),
        ("-1 * * * *", "'' is not a minute"),
        ("5- * * * *", "'' is not a minute"),
        ("1-2-3 * * * *", "'2-3' is not a minute"),
        ("30-10 * * * *", "runs backwards"),
        ("5/2 * * * *", "a step needs * or a range"),
        ("*/0 * * * *", "step of minute"),
        ("*/60 * * * *", "step of minute"),
        ("*/ * * * *", "step of minute"),
        ("*/2/2 * * * *", "step of minute"),
        (", * * * *", "'' is not a minute"),
        ("1,, * * * *", "'' is not a minute"),
        ("\N{ARABIC-INDIC DIGIT ONE} * * * *", "is not a minute"),
        ("\N{SUPERSCRIPT TWO} * * * *", "is not a minute"),
        ("<% env() %> * * * *", "fields"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0," * 60 + "0 * * * *", "Mistral keeps 100"),
        (None, "text of five fields"),
        (5, "text of five fields"),
        (b"* * * * *", "text of five fields"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(pattern, reason):
    with pytest.raises(InvalidPatternError) as caught:
        validate(pattern)
    assert reason in str(caught.value)


def test_the_longest_pattern_that_mistral_keeps_is_accepted():
    minutes = ",".join(f"{each:02}" for each in range(31))
    pattern = f"{minutes} * * * *"
    assert len(pattern) == MAX_LENGTH
    assert validate(pattern) == pattern


@given(st.text(alphabet="0123456789*/-, LRWH#?@abcdefjunsot\n", max_size=40) | st.text())
def test_random_text_is_a_pattern_or_refused_but_never_another_error(text):
    pattern = accepted(text)
    if pattern is not None:
        assert len(pattern.split()) == 5


@given(patterns | st.lists(st.text("0123456789*/-,", max_size=5), min_size=5).map(" ".join))
def test_what_is_accepted_croniter_reads_as_five_fields(pattern):
    valid = accepted(pattern)
    if valid is not None:
        assert croniter.croniter.is_valid(valid)
        assert len(croniter.croniter.expand(valid)[0]) == 5


@given(patterns, moments)
def test_runs_are_croniters_from_any_moment(pattern, moment):
    valid = accepted(pattern)
    if valid is None:
        return
    ours = list(islice(runs(valid, moment), 4))
    theirs = croniter.croniter(valid, moment.replace(tzinfo=None))
    assert [each.replace(tzinfo=None) for each in ours] == [theirs.get_next(datetime) for _ in ours]


@given(patterns, moments)
def test_runs_strictly_increase_and_lie_after_the_moment(pattern, moment):
    valid = accepted(pattern)
    if valid is None:
        return
    found = list(islice(runs(valid, moment), 5))
    assert moment < found[0]
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(each.utcoffset() == timedelta(0) for each in found)


@given(patterns)
def test_an_accepted_pattern_has_no_chance_in_it(pattern):
    valid = accepted(pattern)
    if valid is not None:
        state = random.getstate()
        first = list(islice(runs(valid, NOON), 3))
        assert first == list(islice(runs(valid, NOON), 3))
        assert random.getstate() == state


def test_a_moment_in_another_zone_is_read_as_the_moment_it_is():
    in_tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert next(runs("0 18 * * *", in_tokyo)) == datetime(2026, 6, 1, 18, 0, tzinfo=UTC)


def test_days_of_month_and_of_week_together_mean_either():
    found = list(islice(runs("0 0 13 * fri", NOON), 3))
    assert [each.day for each in found] == [5, 12, 13]


def test_seven_is_sunday_too():
    assert next(runs("0 0 * * 7", NOON)) == next(runs("0 0 * * 0", NOON))


def test_a_leap_day_may_be_years_away():
    assert next(runs("0 0 29 2 *", NOON)) == datetime(2028, 2, 29, tzinfo=UTC)
