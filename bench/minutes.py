# SPDX-License-Identifier: Apache-2.0
"""Minutes of the clock that a benchmark waits for."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def next_minute(ahead: float) -> datetime:
    """The first whole minute that is at least N seconds ahead."""
    earliest = datetime.now(UTC) + timedelta(seconds=ahead + 60)
    return earliest.replace(second=0, microsecond=0)


def wait_until(moment: datetime) -> None:
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, 1.0))
