# SPDX-License-Identifier: Apache-2.0
"""Minutes that a benchmark waits for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench.minutes import within_the_hour

DUE = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(("minute", "found"), [(0, "02:00"), (57, "02:57"), (58, "03:00")])
def test_a_due_time_leaves_room_for_attempts_within_its_hour(minute: int, found: str) -> None:
    assert f"{within_the_hour(DUE.replace(minute=minute)):%H:%M}" == found
