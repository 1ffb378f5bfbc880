# SPDX-License-Identifier: Apache-2.0
"""Cron patterns: strict five fields in, the runs that Mistral will make out.

Mistral hands a pattern to croniter, which accepts more than cron (six and seven fields,
``@daily``, ``L``, ``#``, and ``R``, a value drawn anew at every look). All of that is refused
here; what is accepted is handed to croniter unchanged, so that the next runs are Mistral's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import croniter

from trove_schedules.errors import InvalidPatternError

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
        if not re.fullmatch(r"[0-9]{1,4}", text):
            raise InvalidPatternError(f"{text!r} is not a {self.title}")
        value = int(text)
        if not self.low <= value <= self.high:
            raise InvalidPatternError(f"{text} is not a {self.title} ({self.low} to {self.high})")
        return value

    def check(self, text: str) -> None:
        """Accept ``*``, ``*/n``, ``a``, ``a-b``, ``a-b/n`` and lists of them."""
        for part in text.split(","):
            base, slash, step = part.partition("/")
            first, dash, last = base.partition("-")
            if base != "*" and self.number(first) > self.number(last if dash else first):
                raise InvalidPatternError(f"the range {base!r} runs backwards in {self.title}")
            if not slash:
                continue
            if base != "*" and not dash:
                raise InvalidPatternError(f"{part!r}: a step needs * or a range before the /")
            if not re.fullmatch(r"[0-9]{1,4}", step) or not 1 <= int(step) <= self.high:
                raise InvalidPatternError(
                    f"{part!r}: the step of {self.title} must be 1 to {self.high}"
                )


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
            f"the pattern {pattern!r} has {len(fields)} fields; a pattern has five: "
            "minute hour day-of-month month day-of-week, for example '0 2 * * *'"
        )
    normal = " ".join(fields)
    if len(normal) > MAX_LENGTH:
        raise InvalidPatternError(
            f"the pattern is {len(normal)} characters long; Mistral keeps {MAX_LENGTH}"
        )
    try:
        for field, text in zip(_FIELDS, fields, strict=True):
            field.check(text)
        next(runs(normal, datetime.now(UTC)))
    except InvalidPatternError as error:
        raise InvalidPatternError(f"the pattern {pattern!r} is not valid: {error}") from None
    return normal


def runs(pattern: str, after: datetime) -> Iterator[datetime]:
    """Yield the times in UTC at which Mistral will run a valid pattern, after an aware time.

    :raises InvalidPatternError: croniter finds no such time.
    """
    iterator = croniter.croniter(pattern, after.astimezone(UTC))
    while True:
        try:
            yield iterator.get_next(datetime)
        except croniter.CroniterBadDateError:
            raise InvalidPatternError("it names a day that never comes") from None
