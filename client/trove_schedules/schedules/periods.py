# SPDX-License-Identifier: Apache-2.0
"""Hours, days, weeks, months and years, as rules of retention count them in a schedule's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
