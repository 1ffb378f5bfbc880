# SPDX-License-Identifier: Apache-2.0
"""Cron patterns: strict five fields in, the runs that Mistral will make out.

Mistral hands a pattern to croniter, which accepts more than cron. Of that ``L``, the last day of
the month, and ``MON#1``, the first Monday, are accepted here. All else is refused (six and seven
fields, ``15W``, and ``R``, a value drawn anew at every look). What is accepted is handed to
croniter unchanged, so that the next runs are Mistral's.

Two things go beyond that: names such as ``@daily``, and ``H``, a value that a schedule gets for
good when it is created (:func:`freeze`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

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
        """The values that ``*``, ``*/n``, ``a``, ``a-b``, ``a-b/n`` and lists of them stand for.

        A day that depends on its month, ``L`` or ``MON#1``, has none.
        """
        values: set[int] = set()
        for part in text.split(","):
            if self.special(part):
                continue
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

    def special(self, part: str) -> bool:
        """Whether this is the last day of the month, or a weekday such as the first Monday."""
        if self.title == "day of month":
            return part.upper() == "L"
        weekday, hash_sign, number = part.partition("#")
        if self.title != "day of week" or not hash_sign:
            return False
        self.number(weekday)
        if not re.fullmatch("[1-5]", number):
            raise InvalidPatternError(f"{part!r}: a month has weekdays number 1 to 5")
        return True

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
#: Names for patterns, as cron has them.
_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
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
        _check_weekdays(*fields[2::2])
        next(runs(normal, datetime.now(UTC)))
    except InvalidPatternError as error:
        raise InvalidPatternError(f"the pattern {pattern!r} is not valid: {error}") from None
    return normal


def _check_weekdays(days: str, weekdays: str) -> None:
    """Refuse what croniter can't combine with a weekday such as the first Monday."""
    numbered = [_FIELDS[4].special(part) for part in weekdays.split(",")]
    if any(numbered) and not all(numbered):
        raise InvalidPatternError(
            f"{weekdays!r} has weekdays with and without a #; make two schedules of it"
        )
    if any(numbered) and days != "*":
        raise InvalidPatternError(
            f"{weekdays!r} can't stand together with days of the month; make two schedules of it"
        )


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
    """Write out a name such as ``@daily``, and each field ``H``, or ``H(a-b)``, as a number that
    follows from the seed.

    Schedules that were created with ``H H(1-4) * * *`` so spread over their hours, and each keeps
    its own time. Everything else is left as it is, to be validated.

    :param seed: the schedule's id.
    :raises InvalidPatternError: no pattern has this name, or the range behind an H is not valid.
    """
    fields = pattern.split() if isinstance(pattern, str) else []
    if len(fields) == 1 and fields[0].startswith("@"):
        if (named := _NAMES.get(fields[0].lower())) is None:
            raise InvalidPatternError(
                f"{fields[0]!r} is not the name of a pattern; the names are {', '.join(_NAMES)}"
            )
        return named
    if len(fields) != len(_FIELDS):
        return pattern
    try:
        frozen = [field.freeze(text, seed) for field, text in zip(_FIELDS, fields, strict=True)]
    except InvalidPatternError as error:
        raise InvalidPatternError(f"the pattern {pattern!r} is not valid: {error}") from None
    return " ".join(frozen)


def due_minutes(pattern: str) -> list[int]:
    """The minutes of a day, counted from midnight, that a pattern names, in order.

    :raises InvalidPatternError: it is not a five-field cron pattern.
    """
    minutes, hours = validate(pattern).split()[:2]
    return [h * 60 + m for h in _FIELDS[1].values(hours) for m in _FIELDS[0].values(minutes)]


def names_every_hour(pattern: str) -> bool:
    """Whether a pattern names all hours of a day.

    :raises InvalidPatternError: it is not a five-field cron pattern.
    """
    return len(_FIELDS[1].values(validate(pattern).split()[1])) == 24


def due_days(pattern: str) -> str | None:
    """A regular expression of the days that a valid pattern names, or None where it is all.

    A day is due if it matches one of the two texts of :func:`day_texts`. Which of the fields
    excludes what, croniter decides.
    """
    fields, numbered = croniter.croniter.expand(pattern)
    days, months, weekdays = fields[2:5]
    if (days, months, weekdays) == (["*"], ["*"], ["*"]):
        return None
    month = _one_of(months, 2)
    dates = [each for each in days if each != "l"]
    ways = []
    if "*" not in days or "*" in weekdays:
        ways += [f"{month}-{_one_of(dates, 2)} ."] if dates else []
    if "l" in days:
        ways.append(
            f"L{_one_of([each if each == '*' else each % 12 + 1 for each in months], 2)}-01"
        )
    if numbered:
        ways += [
            f"{month}-{_one_of([7 * n + day - 7 for n in ns for day in range(1, 8)], 2)} {weekday}"
            for weekday, ns in numbered.items()
        ]
    elif "*" not in weekdays:
        ways.append(f"{month}-.. {_one_of(weekdays, 1)}")
    return f"^{ways[0]}$" if len(ways) == 1 else f"^({'|'.join(ways)})$"


def day_texts(day: date) -> tuple[str, str]:
    """What a regular expression of days is held against, as the workflow writes it too.

    ``03-09 1`` for Monday, 9 March: strftime's ``%m-%d %w``. And the day after it as ``L03-10``,
    which tells the last day of a month.
    """
    return f"{day:%m-%d %w}", f"{day + timedelta(days=1):L%m-%d}"


def day_matcher(pattern: str) -> Callable[[date], bool]:
    """Whether a day is one that a valid pattern names."""
    days = re.compile(due_days(pattern) or ".")
    return lambda day: any(days.search(text) for text in day_texts(day))


def _one_of(values: Sequence[int | str], digits: int) -> str:
    if "*" in values:
        return "." * digits
    return f"({'|'.join(f'{value:0{digits}}' for value in values)})"
