# SPDX-License-Identifier: Apache-2.0
"""The short form of `make chaos`."""

import pytest

from bench import chaos


def test_no_tick_is_lost_silently_while_keystone_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for true cron minutes, as the benchmark does."""
    # On a busy machine a whole backup of a second fits between another run's look and its request.
    monkeypatch.setenv("TROVE_MINICLOUD_LIGHT_SECONDS", "10")
    rows = chaos.run(mini_cloud=8, only="Keystone")
    assert len(rows) == 2, chaos.table(rows)
    assert all(row.due for row in rows), chaos.table(rows)
    assert all(row.good for row in rows), chaos.table(rows)
