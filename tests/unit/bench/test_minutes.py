# SPDX-License-Identifier: Apache-2.0
"""Minutes that a benchmark waits for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench.minutes import next_minute


@pytest.mark.parametrize("ahead", [0, 15, 100])
def test_the_next_minute_is_whole_and_far_enough_ahead(ahead: int) -> None:
    before = datetime.now(UTC)
    found = next_minute(ahead)
    assert (found.second, found.microsecond) == (0, 0)
    after = datetime.now(UTC)
    assert ahead <= (found - before).total_seconds()
    assert (found - after).total_seconds() <= ahead + 60
