# SPDX-License-Identifier: Apache-2.0
"""Cron patterns: strict five fields in, the runs that Mistral will make out.

Mistral hands a pattern to croniter, which accepts more than cron (six and seven fields,
``@daily``, ``L``, ``#``, and ``R``, a value drawn anew at every look). All of that is refused
here; what is accepted is handed to croniter unchanged, so that the next runs are Mistral's.

Two things go beyond cron: ``H``, a value that a schedule gets for good when it is created
(:func:`freeze`), and further attempts after a due time (:func:`widen`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import croniter

from trove_schedules.errors import InvalidPatternError
from trove_schedules.words import counted

#: Mistral's column for a trigger's pattern is this long.
MAX_LENGTH = 100


@dataclass(frozen=True, slots=True)
class _Field:
    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.low
        is_number = re.fullmatch(r"[0-9]{1,4}", text) is not None
        if is_number and self.low <= int(text) <= self.high:
            return int(text)
        told = text if is_number else repr(text)
        article = "an" if self.title == "hour" else "a"
        raise InvalidPatternError(
            f"{told} is not {article} {self.title} ({self.low} to {self.high})"
        )

    def values(self, text: str) -> list[int]:
        """The values that ``*``, ``*/n``, ``a``, ``a-b``, ``a-b/n`` and lists of them stand for."""
        values: set[int] = set()
        for part in text.split(","):
            base, slash, step = part.partition("/")
            first, dash, last = base.partition("-")
            low, high = self.low, self.high
            if base != "*":
                low, high = self.number(first), self.number(last if dash else first)
            if low > high:
                raise InvalidPatternError(f"the range {base!r} runs backwards in {self.title}")
            if dash and low == high:
                # croniter, and so Mistral, reads such a range as every value.
                raise InvalidPatternError(f"the range {base!r} is one {self.title}; write {first}")
            if slash and base != "*" and not dash:
                raise InvalidPatternError(f"{part!r}: a step needs * or a range before the /")
            if slash and (not re.fullmatch(r"[0-9]{1,4}", step) or not 1 <= int(step) <= self.high):
                raise InvalidPatternError(
                    f"{part!r}: the step of {self.title} must be 1 to {self.high}"
                )
            values.update(range(low, high + 1, int(step) if slash else 1))
        return sorted(values)

    def freeze(self, text: str, seed: str) -> str:
        """Replace ``H`` or ``H(a-b)`` by a value that follows from the seed."""
        match = re.fullmatch(r"H(?:\(([^-()]+)-([^-()]+)\))?", text)
        if match is None:
            return text
        low, high = self.low, min(self.high, _ALWAYS_THERE.get(self.title, self.high))
        if match[1]:
            low, high = self.number(match[1]), self.number(match[2])
            if low > high:
                raise InvalidPatternError(f"the range of {text!r} runs backwards in {self.title}")
        digest = hashlib.sha256(f"{self.title}:{seed}".encode()).digest()
        return str(low + int.from_bytes(digest[:8], "big") % (high - low + 1))


#: Values above these are not in every month, or mean a day a second time.
_ALWAYS_THERE = {"day of month": 28, "day of week": 6}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


def validate(pattern: str) -> str:
    """Return the pattern with single spaces between its fields.

    Days of month and of week together mean either (cron's OR rule), as croniter has it.

    :raises InvalidPatternError: it is not a five-field cron pattern, or it names a time that
        never comes, such as 31 February.
    """
    if not isinstance(pattern, str):
        raise InvalidPatternError(f"a pattern is a text of five fields, not {pattern!r}")
    fields = pattern.split()
    if len(fields) != len(_FIELDS):
        raise InvalidPatternError(
            f"the pattern {pattern!r} has {counted(len(fields), 'field')}; a pattern has five, in "
            "quotes: minute hour day-of-month month day-of-week, for example '0 2 * * *'"
        )
    normal = " ".join(fields)
    if len(normal) > MAX_LENGTH:
        raise InvalidPatternError(
            f"the pattern is {len(normal)} characters long; Mistral keeps {MAX_LENGTH}"
        )
    try:
        for field, text in zip(_FIELDS, fields, strict=True):
            field.values(text)
        next(runs(normal, datetime.now(UTC)))
    except InvalidPatternError as error:
        raise InvalidPatternError(f"the pattern {pattern!r} is not valid: {error}") from None
    return normal


def runs(pattern: str, after: datetime) -> Iterator[datetime]:
    """Yield the times in UTC at which Mistral will run a pattern, after an aware time.

    :raises InvalidPatternError: croniter can't read it, or finds no such time.
    """
    return _times(pattern, after, croniter.croniter.get_next)


def runs_before(pattern: str, before: datetime) -> Iterator[datetime]:
    """The same before an aware time, the latest first."""
    return _times(pattern, before, croniter.croniter.get_prev)


def _times(
    pattern: str, start: datetime, step: Callable[[croniter.croniter, type[datetime]], datetime]
) -> Iterator[datetime]:
    try:
        iterator = croniter.croniter(pattern, start.astimezone(UTC))
    except croniter.CroniterError as error:
        raise InvalidPatternError(f"the pattern {pattern!r} can't be read: {error}") from None
    while True:
        try:
            yield step(iterator, datetime)
        except croniter.CroniterBadDateError:
            raise InvalidPatternError("it names a day that never comes") from None


def freeze(pattern: str, seed: str) -> str:
    """Replace each field ``H``, or ``H(a-b)``, by a number that follows from the seed.

    Schedules that were created with ``H H(1-4) * * *`` so spread over their hours, and each keeps
    its own time. Everything else is left as it is, to be validated.

    :param seed: the schedule's id.
    :raises InvalidPatternError: the range behind an H is none.
    """
    fields = pattern.split() if isinstance(pattern, str) else []
    if len(fields) != len(_FIELDS):
        return pattern
    try:
        frozen = [field.freeze(text, seed) for field, text in zip(_FIELDS, fields, strict=True)]
    except InvalidPatternError as error:
        raise InvalidPatternError(f"the pattern {pattern!r} is not valid: {error}") from None
    return " ".join(frozen)


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a schedule fires for each due time.

    :ivar number: the first included; 1 means no further ones.
    :ivar every: minutes between them.
    """

    number: int
    every: int


ONE_ATTEMPT = Attempts(1, 0)
USUAL_ATTEMPTS = 3
#: Minutes between attempts, tried in this order where the user has not said.
_SPACINGS = (20, 15, 10, 5, 4, 3, 2, 1)


def due_minutes(pattern: str) -> list[int]:
    """The minutes of a day, counted from midnight, that a pattern names, in order.

    :raises InvalidPatternError: it is not a five-field cron pattern.
    """
    minutes, hours = validate(pattern).split()[:2]
    return [h * 60 + m for h in _FIELDS[1].values(hours) for m in _FIELDS[0].values(minutes)]


def due_days(pattern: str) -> str | None:
    """A regular expression of the days that a valid pattern names, or None where it is all.

    A day is written as its month, day and day of the week, ``03-09 1`` for Monday, 9 March: what
    strftime makes of ``%m-%d %w``. Which of the fields excludes what, croniter decides.
    """
    fields, _ = croniter.croniter.expand(pattern)
    days, months, weekdays = fields[2:5]
    if (days, months, weekdays) == (["*"], ["*"], ["*"]):
        return None
    month, day, weekday = _one_of(months, 2), _one_of(days, 2), _one_of(weekdays, 1)
    if "*" in days or "*" in weekdays:
        return f"^{month}-{day} {weekday}$"
    return f"^{month}-({day} .|.. {weekday})$"


def _one_of(values: Sequence[int | str], digits: int) -> str:
    if "*" in values:
        return "." * digits
    return f"({'|'.join(f'{value:0{digits}}' for value in values)})"


def usual_attempts(pattern: str) -> Attempts:
    """The attempts that a valid pattern gets where the user has not said."""
    try:
        attempts = attempts_of(pattern, USUAL_ATTEMPTS)
    except InvalidPatternError:
        return ONE_ATTEMPT
    # A minute apart they hardly outlast any trouble.
    return attempts if attempts.every > 1 else ONE_ATTEMPT


def attempts_of(pattern: str, number: int) -> Attempts:
    """N attempts, 2 or more, as far apart as usual or as they fit into a valid pattern.

    :raises InvalidPatternError: they don't fit, however close.
    """
    for every in _SPACINGS[:-1]:
        attempts = Attempts(number, every)
        try:
            widen(pattern, attempts)
        except InvalidPatternError:
            continue
        return attempts
    closest = Attempts(number, _SPACINGS[-1])
    widen(pattern, closest)
    return closest


def widen(pattern: str, attempts: Attempts) -> str:
    """The pattern that fires at every due time of a valid pattern and for its further attempts.

    :raises InvalidPatternError: five fields can't say that exactly.
    """
    if attempts.number == 1:
        return pattern
    minutes, *rest = pattern.split()
    due = _FIELDS[0].values(minutes)
    last = (attempts.number - 1) * attempts.every
    apart = "minute" if attempts.every == 1 else f"{attempts.every} minutes"
    said = f"{attempts.number} attempts every {apart}"
    if due[-1] + last > 59:
        raise InvalidPatternError(
            f"{said} after minute {due[-1]} of {pattern!r} run into the next hour, which five "
            "fields can't say; choose earlier minutes, or fewer or closer attempts"
        )
    gap = _smallest_gap(due)
    if last >= gap:
        raise InvalidPatternError(
            f"{said} run into the next due time of {pattern!r}, {counted(gap, 'minute')} later; "
            "choose fewer or closer attempts"
        )
    firings = sorted(minute + n * attempts.every for minute in due for n in range(attempts.number))
    widened = " ".join([",".join(map(str, firings)), *rest])
    if len(widened) > MAX_LENGTH:
        raise InvalidPatternError(
            f"{said} make {pattern!r} longer than the {MAX_LENGTH} characters that Mistral keeps"
        )
    return widened


def _smallest_gap(due: Sequence[int]) -> int:
    """Minutes between due minutes, at the least: the next hour may be due too."""
    following = [*due[1:], due[0] + 60]
    return min(after - before for before, after in zip(due, following, strict=True))
