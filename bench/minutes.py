# SPDX-License-Identifier: Apache-2.0
"""Minutes of the clock that a benchmark waits for."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def next_minute(ahead: float) -> datetime:
    """The first whole minute that is at least N seconds ahead."""
    earliest = datetime.now(UTC) + timedelta(seconds=ahead + 60)
    return within_the_hour(earliest.replace(second=0, microsecond=0))


def within_the_hour(minute: datetime) -> datetime:
    """This minute, or the next full hour if two further attempts would run into that."""
    return minute if minute.minute < 58 else minute + timedelta(minutes=60 - minute.minute)


def wait_until(moment: datetime) -> None:
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, 1.0))
