# SPDX-License-Identifier: Apache-2.0
"""Hours, days, weeks, months and years, as rules of retention count them in a schedule's zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any


@dataclass(frozen=True, slots=True)
class Period:
    """A kind of period.

    :ivar noun: what one is called.
    :ivar form: what strftime makes the name of one of, from a local time; as in the workbook.
    """

    noun: str
    form: str

    def name_at(self, time: datetime) -> str:
        """The name of the period in which a local time is."""
        return time.strftime(self.form)


#: By the rule that keeps the newest backup of each of the last N of them, the shortest first. An
#: hour that comes twice, because the clock is put back, is two.
PERIODS = {
    "keep_hourly": Period("hour", "%F %H%z"),
    "keep_daily": Period("day", "%F"),
    "keep_weekly": Period("week", "%G-W%V"),
    "keep_monthly": Period("month", "%Y-%m"),
    "keep_yearly": Period("year", "%Y"),
}

#: Offsets from UTC, as a schedule's workflow gets them: from which second since the epoch each
#: holds, and how many seconds it has; ascending. The first one holds before that too.
Offsets = Sequence[Sequence[int]]
UTC_ALWAYS: Offsets = ((0, 0),)
_DAY = 86400


def offsets_in(workflow_input: Mapping[str, Any]) -> Offsets:
    """The offsets of a schedule, from the input of its workflow; UTC where they are none."""
    schedule = workflow_input.get("schedule")
    given = schedule.get("offsets") if isinstance(schedule, dict) else None
    # Users can make triggers of their own, with any input.
    if isinstance(given, list) and given and all(map(_is_offset, given)):
        return given
    return UTC_ALWAYS


def _is_offset(value: object) -> bool:
    if not isinstance(value, list) or [type(each) for each in value] != [int, int]:
        return False
    return bool(abs(value[1]) < _DAY)


def local(time: datetime, offsets: Offsets) -> datetime:
    """An aware time with the offset from UTC that holds then."""
    second = time.timestamp()
    offset = offsets[0][1]
    for begins, seconds in offsets:
        if begins > second:
            break
        offset = seconds
    return time.astimezone(timezone(timedelta(seconds=offset)))
