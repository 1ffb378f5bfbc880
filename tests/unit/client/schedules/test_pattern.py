# SPDX-License-Identifier: Apache-2.0
"""Which patterns are accepted, and that their runs are croniter's."""

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

import croniter
import pytest
from hypothesis import given, strategies as st

from trove_schedules.errors import InvalidPatternError
from trove_schedules.schedules.pattern import (
    MAX_LENGTH,
    day_matcher,
    due_days,
    due_minutes,
    freeze,
    names_every_hour,
    runs,
    runs_before,
    validate,
)

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


valid_patterns = patterns.map(accepted).filter(lambda pattern: pattern is not None)


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
        "0 2 L * *",
        "0 2 15,l 2 mon",
        "0 2 * * mon#1",
        "0 2 * * 0#5,FRI#2",
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
        ("@daily", "1 field;"),
        ("61 * * * *", "61 is not a minute (0 to 59)"),
        ("* 24 * * *", "24 is not an hour (0 to 23)"),
        ("* * 0 * *", "0 is not a day of month"),
        ("* * * 13 *", "13 is not a month"),
        ("* * * * 8", "8 is not a day of week"),
        ("R * * * *", "'R' is not a minute"),
        ("R(0-10) * * * *", "not a minute"),
        ("H * * * *", "'H' is not a minute"),
        ("* L * * *", "'L' is not an hour"),
        ("* * L-3 * *", "'L' is not a day of month"),
        ("* * LW * *", "'LW' is not a day of month"),
        ("* * * * L", "'L' is not a day of week"),
        ("* * * * L5", "not a day of week"),
        ("* * * * mon#6", "weekdays number 1 to 5"),
        ("* * * * mon#", "weekdays number 1 to 5"),
        ("* * * * mon#L", "weekdays number 1 to 5"),
        ("* * * * mon-fri#1", "'mon-fri' is not a day of week"),
        ("* * * * mon#1,fri", "with and without a #"),
        ("* * 15 * mon#1", "together with days of the month"),
        ("* * L * mon#1", "together with days of the month"),
        ("* * 15W * *", "not a day of month"),
        ("* * ? * *", "'?' is not a day of month"),
        ("jan * * * *", "'jan' is not a minute"),
        ("-1 * * * *", "'' is not a minute"),
        ("5- * * * *", "'' is not a minute"),
        ("1-2-3 * * * *", "'2-3' is not a minute"),
        ("30-10 * * * *", "runs backwards"),
        ("30-30 * * * *", "is one minute; write 30"),
        ("0 0 * * fri-fri", "is one day of week; write fri"),
        ("0 2-2/2 * * *", "is one hour; write 2"),
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


@given(valid_patterns, moments)
def test_runs_are_croniters_from_any_moment(pattern, moment):
    ours = list(islice(runs(pattern, moment), 4))
    theirs = croniter.croniter(pattern, moment.replace(tzinfo=None))
    assert [each.replace(tzinfo=None) for each in ours] == [theirs.get_next(datetime) for _ in ours]


@given(valid_patterns, moments)
def test_runs_strictly_increase_and_lie_after_the_moment(pattern, moment):
    found = list(islice(runs(pattern, moment), 5))
    assert moment < found[0]
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(each.utcoffset() == timedelta(0) for each in found)


@given(valid_patterns, moments)
def test_looked_back_at_the_runs_are_the_same(pattern, moment):
    found = list(islice(runs(pattern, moment), 5))
    after = found[-1] + timedelta(microseconds=1)
    assert list(islice(runs_before(pattern, after), 5)) == found[::-1]


@given(valid_patterns)
def test_an_accepted_pattern_has_no_chance_in_it(pattern):
    state = random.getstate()
    first = list(islice(runs(pattern, NOON), 3))
    assert first == list(islice(runs(pattern, NOON), 3))
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


FROZEN = "40 1 13 * 2"
RANGES = [(0, 59), (0, 23), (1, 28), (1, 12), (0, 6)]
seeds = st.uuids().map(str)


@st.composite
def hashed_fields(draw, low, high):
    """A field with an H, the lowest and the highest that it may become."""
    if draw(st.booleans()):
        return "H", low, high
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    return f"H({first}-{last})", first, last


class TestFreeze:
    @given(st.tuples(*(hashed_fields(*each) for each in RANGES)), seeds)
    def test_every_h_becomes_a_number_of_its_range(self, hashed, seed):
        frozen = freeze(" ".join(each[0] for each in hashed), seed).split()
        for number, (_, low, high) in zip(frozen, hashed, strict=True):
            assert low <= int(number) <= high

    @given(st.tuples(*(hashed_fields(*each) for each in RANGES)), seeds)
    def test_a_schedule_keeps_its_own_numbers_and_they_are_a_valid_pattern(self, hashed, seed):
        pattern = " ".join(each[0] for each in hashed)
        frozen = freeze(pattern, seed)
        assert freeze(pattern, seed) == frozen == freeze(frozen, "another seed")
        assert validate(frozen) == frozen

    @given(st.tuples(*(fields(*each) for each in LOWS_AND_HIGHS)).map(" ".join), seeds)
    def test_a_pattern_without_an_h_stays_as_it_is(self, pattern, seed):
        assert freeze(pattern, seed) == pattern

    def test_the_numbers_of_a_known_schedule_never_change(self):
        # They are what users have been shown: a change here would move their backups.
        assert freeze("H H(1-4) H * H", "fb149a29-be9b-49c1-a2f7-ca6c1213896f") == FROZEN

    def test_many_schedules_spread_evenly(self):
        minutes = Counter(
            freeze("H H * * *", str(uuid.UUID(int=n))).split()[0] for n in range(6000)
        )
        assert len(minutes) == 60
        assert min(minutes.values()) >= 60 and max(minutes.values()) <= 150

    def test_minute_and_hour_are_drawn_apart(self):
        pairs = {freeze("H(0-9) H(0-9) * * *", str(n)) for n in range(2000)}
        assert len(pairs) == 100

    def test_names_of_days_and_months_bound_a_range_too(self):
        day = freeze("0 0 * * H(mon-fri)", "x").split()[-1]
        assert 1 <= int(day) <= 5

    @pytest.mark.parametrize("text", ["H(4-1)", "H(0-60)", "H(-1-4)", "H(a-b)"])
    def test_a_range_that_is_none_is_refused_with_the_pattern(self, text):
        with pytest.raises(InvalidPatternError, match="not valid"):
            validate(freeze(f"{text} 2 * * *", "x"))

    def test_a_name_that_is_none_is_refused_with_those_that_are(self):
        with pytest.raises(InvalidPatternError, match=r"'@reboot' is not the name.*@daily"):
            freeze("@reboot", "x")

    @pytest.mark.parametrize("text", ["h", "H/5", "H-5", "H,5", "H()", "H(5)", "HH", "*/H"])
    def test_everything_else_with_an_h_is_left_to_be_refused(self, text):
        pattern = f"{text} 2 * * *"
        assert freeze(pattern, "x") == pattern
        with pytest.raises(InvalidPatternError):
            validate(pattern)

    @pytest.mark.parametrize("pattern", ["H H * *", "", None, 5])
    def test_what_is_no_pattern_is_left_to_be_refused(self, pattern):
        assert freeze(pattern, "x") == pattern


@pytest.mark.parametrize(
    ("pattern", "minutes"),
    [("0 2 * * *", [120]), ("30,0 4,2 * * *", [120, 150, 240, 270]), ("* * * * *", [*range(1440)])],
)
def test_due_minutes_are_counted_from_midnight_in_order(pattern, minutes):
    assert due_minutes(pattern) == minutes


@given(valid_patterns)
def test_the_due_minutes_are_those_that_croniter_fires_at(pattern):
    minutes, hours, *_ = croniter.croniter.expand(pattern)[0]
    hours = range(24) if "*" in hours else hours
    minutes = range(60) if "*" in minutes else minutes
    assert due_minutes(pattern) == sorted(h * 60 + m for h in hours for m in minutes)


@pytest.mark.parametrize(
    ("pattern", "days"),
    [
        ("0 2 * * *", None),
        ("0 2 * * mon,7", "^..-.. (0|1)$"),
        ("0 2 1,15 * *", "^..-(01|15) .$"),
        ("0 2 1 2 *", "^(02)-(01) .$"),
        ("0 2 1 * fri", "^(..-(01) .|..-.. (5))$"),
        ("0 2 L * *", "^L..-01$"),
        ("0 2 L,15 2,12 *", "^((02|12)-(15) .|L(03|01)-01)$"),
        ("0 2 * * mon#2", "^..-(08|09|10|11|12|13|14) 1$"),
    ],
)
def test_due_days_are_a_regular_expression_of_month_day_and_weekday(pattern, days):
    assert due_days(pattern) == days


dated_patterns = st.builds(
    "0 2 {} {} {}".format,
    st.sampled_from(["L", "L,15", "1,L"]),
    st.sampled_from(["*", "2", "*/5"]),
    st.sampled_from(["*", "mon", "2-4"]),
) | st.builds(
    "0 2 * {} {}".format,
    st.sampled_from(["*", "2", "*/5"]),
    st.sampled_from(["mon#1", "0#5", "7#4", "tue#1,fri#5"]),
)


@given(valid_patterns | dated_patterns, moments)
def test_the_due_days_are_those_that_croniter_fires_on(pattern, moment):
    is_due = day_matcher(pattern)
    due = next(runs(pattern, moment))
    assert is_due(due.date())
    between = range(1, (due.date() - moment.date()).days)
    assert not any(is_due(moment.date() + timedelta(days=n)) for n in between)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
    ],
)
def test_a_name_stands_for_a_pattern(name, pattern):
    assert freeze(name, "x") == pattern == validate(pattern)


@pytest.mark.parametrize("name", ["@reboot", "@every 5m", "daily", "@"])
def test_other_names_are_refused(name):
    with pytest.raises(InvalidPatternError):
        validate(freeze(name, "x"))


@pytest.mark.parametrize(
    ("pattern", "every"),
    [
        ("0 * * * *", True),
        ("5 0-23 * * mon", True),
        ("5 0-22,23 L * *", True),
        ("0 */2 * * *", False),
    ],
)
def test_whether_every_hour_is_named(pattern, every):
    assert names_every_hour(pattern) == every
