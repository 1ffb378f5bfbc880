# SPDX-License-Identifier: Apache-2.0
"""When Mistral fires a schedule's trigger: at its due times, and for further attempts after them.

A trigger fires by five fields in UTC, which can't say everything. So it may fire more often, by any
minute that is due, or tried again, under any offset of the zone. The workflow takes the last due
time, and a firing that finds nothing new to do ends as a further attempt does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from trove_schedules.errors import InvalidPatternError
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.zones import Offsets
from trove_schedules.words import counted

_DAY = 1440
_EPOCH = date(1970, 1, 1).toordinal()
#: Days, as ordinals, among which is every date, and then every date on every day of the week.
_FOUR_YEARS = range(date(2024, 1, 1).toordinal(), date(2028, 1, 1).toordinal())
_28_YEARS = range(date(2024, 1, 1).toordinal(), date(2052, 1, 1).toordinal())


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a schedule tries for each due time.

    :ivar number: the first included; 1 means no further ones.
    :ivar every: minutes between them.
    """

    number: int
    every: int


ONE_ATTEMPT = Attempts(1, 0)
USUAL_ATTEMPTS = 3
#: Minutes between attempts, tried in this order where the user has not said.
_SPACINGS = (20, 15, 10, 5, 4, 3, 2, 1)


def usual_attempts(pattern: str) -> Attempts:
    """The attempts that a valid pattern gets where the user has not said."""
    try:
        attempts = attempts_of(pattern, USUAL_ATTEMPTS)
    except InvalidPatternError:
        return ONE_ATTEMPT
    # A minute apart they hardly outlast any trouble.
    return attempts if attempts.every > 1 else ONE_ATTEMPT


def attempts_of(pattern: str, number: int) -> Attempts:
    """N attempts, 2 or more, as far apart as usual or as they fit before the next due time.

    :raises InvalidPatternError: they don't fit, however close.
    """
    for every in _SPACINGS[:-1]:
        attempts = Attempts(number, every)
        try:
            check_room(pattern, attempts)
        except InvalidPatternError:
            continue
        return attempts
    closest = Attempts(number, _SPACINGS[-1])
    check_room(pattern, closest)
    return closest


def check_room(pattern: str, attempts: Attempts) -> None:
    """Refuse attempts that run into the next due time of a valid pattern.

    :raises InvalidPatternError: they do.
    """
    gap = _smallest_gap(cron.due_minutes(pattern))
    if (attempts.number - 1) * attempts.every >= gap:
        apart = "minute" if attempts.every == 1 else f"{attempts.every} minutes"
        raise InvalidPatternError(
            f"{attempts.number} attempts every {apart} run into the next due time of {pattern!r}, "
            f"{counted(gap, 'minute')} later; choose fewer or closer attempts"
        )


def same_in_utc(pattern: str, offsets: Offsets) -> bool:
    """Whether a trigger can fire exactly at the due times of a valid pattern.

    It can in UTC, and where every hour of every day has the same minutes under all offsets.
    """
    if not offsets:
        return True
    if cron.due_days(pattern) is not None or not cron.names_every_hour(pattern):
        return False
    due = cron.due_minutes(pattern)
    return len({frozenset((each - shift) % 60 for each in due) for shift in _shifts(offsets)}) == 1


def firing_pattern(pattern: str, attempts: Attempts = ONE_ATTEMPT, offsets: Offsets = ()) -> str:
    """The pattern in UTC that fires at least at every due time and for its further attempts.

    :param pattern: a valid one, in the zone of these offsets.
    """
    if not offsets and attempts.number == 1:
        return pattern
    due = cron.due_minutes(pattern)
    first = {each - shift for each in due for shift in _shifts(offsets) or {0}}
    first.update(_put_forward(pattern, due, offsets))
    firings = {each + n * attempts.every for each in first for n in range(attempts.number)}
    minutes = sorted({each % 60 for each in firings})
    hours = sorted({each % _DAY // 60 for each in firings})
    minute, hour, *days = pattern.split()
    if minutes != sorted({each % 60 for each in due}):
        minute = _listed(minutes, range(60))
    if hours != sorted({each // 60 for each in due}):
        hour = _listed(hours, range(24))
    if cron.due_days(pattern) is not None and (moved := {each // _DAY for each in firings}) != {0}:
        days = _moved(pattern, moved)
    every_day = ["*", "*", "*"]
    # The more often it fires, the shorter it can be written.
    for written in (
        [minute, hour, *days],
        [_ranges(minutes), _ranges(hours), *days],
        [_ranges(minutes), _ranges(hours), *every_day],
        [_ranges(minutes), "*", *every_day],
    ):
        if len(" ".join(written)) <= cron.MAX_LENGTH:
            return " ".join(written)
    return "* * * * *"


def _shifts(offsets: Offsets) -> set[int]:
    """The offsets in minutes east of UTC."""
    return {seconds // 60 for _, seconds in offsets}


def _put_forward(pattern: str, due: Sequence[int], offsets: Offsets) -> Iterator[int]:
    """The minutes, from midnight of the local day on and in UTC, at which a clock is put forward
    over a due time."""
    if cron.names_every_hour(pattern):
        return
    is_due = cron.day_matcher(pattern)
    for (_, before), (since, after) in pairwise(offsets):
        # Local minutes since the epoch that the clock leaves out.
        first, end = (since + before) // 60, (since + after) // 60
        for day in range(first // _DAY, end // _DAY + 1):
            left_out = any(first <= day * _DAY + each < end for each in due)
            if left_out and is_due(date.fromordinal(_EPOCH + day)):
                yield since // 60 - day * _DAY


def _moved(pattern: str, moved: Iterable[int]) -> list[str]:
    """The last three fields for days that lie as many days after those of a valid pattern."""
    day, _, weekday = pattern.split()[2:]
    is_due = cron.day_matcher(pattern)
    every_day = map(date.fromordinal, _FOUR_YEARS if weekday == "*" else _28_YEARS)
    local = [each for each in every_day if is_due(each)]
    dates = [each + timedelta(days=days) for each in local for days in moved]
    return [
        _listed({each.day for each in dates}, range(1, 32)) if weekday == "*" else "*",
        _listed({each.month for each in dates}, range(1, 13)),
        _listed({each.isoweekday() % 7 for each in dates}, range(7)) if day == "*" else "*",
    ]


def _listed(values: Collection[int], every: range) -> str:
    return "*" if len(values) == len(every) else ",".join(map(str, sorted(values)))


def _ranges(values: Sequence[int]) -> str:
    """The same values in fewer characters."""
    parts = []
    left = list(values)
    while left:
        step = left[1] - left[0] if len(left) > 1 else 1
        count = 1
        while count < len(left) and left[count] - left[count - 1] == step:
            count += 1
        if count < 3:
            parts.append(str(left.pop(0)))
            continue
        parts.append(f"{left[0]}-{left[count - 1]}" + (f"/{step}" if step > 1 else ""))
        del left[:count]
    return ",".join(parts)


def _smallest_gap(due: Sequence[int]) -> int:
    """Minutes between due times, at the least: the next day may be due too."""
    return min(after - before for before, after in pairwise([*due, due[0] + _DAY]))
