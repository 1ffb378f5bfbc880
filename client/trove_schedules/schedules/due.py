# SPDX-License-Identifier: Apache-2.0
"""When a schedule is due: the times that its pattern names on the clocks of its zone, in UTC.

- A local time that doesn't exist is due at the moment when the clock is put forward.
- A local time that comes twice is due the first time.
- A pattern that names every hour goes on every hour: it is due whenever the clock shows what it
  names, the second time too.

The workflow reckons the last due time by the same rules, see ``backup_create`` in the workbook.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.zones import Offsets

_A_MOMENT = timedelta(microseconds=1)
#: No schedule is due before or after.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Span:
    """A time of one offset. Local times are written as if they were UTC.

    :ivar since: when it begins.
    :ivar low: the first local time that may be due in it.
    :ivar high: the first local time after it.
    """

    since: datetime
    offset: timedelta
    low: datetime
    high: datetime

    def due(self, local: datetime) -> datetime:
        return max(self.since, local - self.offset)


@dataclass(frozen=True, slots=True)
class DueTimes:
    """The due times of a pattern, by the offsets of its zone.

    :ivar offsets: see :data:`trove_schedules.schedules.zones.Offsets`.
    """

    pattern: str
    offsets: Offsets = ()

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield those after an aware time, in order.

        :raises InvalidPatternError: croniter can't read the pattern, or finds no such time.
        """
        if not self.offsets:
            yield from cron.runs(self.pattern, moment)
            return
        last = moment
        for span in self._spans():
            if span.high - span.offset <= moment:
                continue
            start = span.low - _A_MOMENT
            if moment >= span.since:
                start = max(start, moment + span.offset)
            for local in cron.runs(self.pattern, start):
                if local >= span.high:
                    break
                # Several that don't exist are due at one moment.
                if span.due(local) > last:
                    last = span.due(local)
                    yield last

    def before(self, moment: datetime) -> Iterator[datetime]:
        """Yield those before an aware time, the latest first.

        :raises InvalidPatternError: croniter can't read the pattern, or finds no such time.
        """
        if not self.offsets:
            yield from cron.runs_before(self.pattern, moment)
            return
        last = moment
        for span in reversed(self._spans()):
            if span.since >= moment:
                continue
            for local in cron.runs_before(self.pattern, min(span.high, moment + span.offset)):
                if local < span.low:
                    break
                if span.due(local) < last:
                    last = span.due(local)
                    yield last

    def _spans(self) -> list[_Span]:
        """In order. The first one has no beginning, and the last one no end."""
        every_hour = cron.names_every_hour(self.pattern)
        spans: list[_Span] = []
        begin, high = _FIRST, _FIRST
        ends = [datetime.fromtimestamp(since, UTC) for since, _ in self.offsets[1:]]
        for (_, seconds), end in zip(self.offsets, [*ends, _LAST], strict=True):
            offset = timedelta(seconds=seconds)
            # Else what the clock leaves out is due in this span, and what it repeats is not.
            low = begin + offset if every_hour else high
            high = end + offset
            spans.append(_Span(begin, offset, low, high))
            begin = end
        return spans
