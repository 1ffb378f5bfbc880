# SPDX-License-Identifier: Apache-2.0
"""The short form of `make chaos`, and a cluster that loses servers in mid-burst."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from bench import burst, chaos, faults
from bench.crowd import LIGHT, Crowd, next_minute, wait_until
from bench.minicloud import import_path, mini_cloud
from tests.end_to_end.cloud import wait_for
from tests.end_to_end.lacking import lacks
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.supervision import state


@pytest.fixture
def cluster() -> Iterator[Root]:
    import_path()
    with ExitStack() as stack:
        try:
            root = stack.enter_context(mini_cloud(engines=2, overrides=LIGHT))
        except MiniCloudError as error:
            if "can't be had" not in str(error) and "is unavailable" not in str(error):
                raise
            lacks(str(error))
        yield root


def test_no_tick_is_lost_silently_while_keystone_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine a whole backup of a second fits between another run's look and its request.
    monkeypatch.setenv("TROVE_MINICLOUD_LIGHT_SECONDS", "10")
    rows = chaos.run(mini_cloud=8, only="Keystone")
    assert len(rows) == 2, chaos.table(rows)
    assert all(row.due for row in rows), chaos.table(rows)
    assert all(row.good for row in rows), chaos.table(rows)


def test_a_cluster_fires_once_while_a_periodic_server_is_killed(cluster: Root) -> None:
    crowd = Crowd(cluster)
    due = next_minute(60)
    members = crowd.schedule(12, due)
    wait_until(due + timedelta(seconds=1))
    faults.killed("mistral-periodic-1")(cluster)
    ticks = burst.follow(crowd, members, due)
    assert [tick for tick in ticks if tick.duplicates] == []
    assert any(tick.completed for tick in ticks)
    assert burst.unnoticed(crowd, ticks) == []

    def back() -> bool:
        found = state.load(cluster)
        programs = {each.name: each for each in found.programs} if found else {}
        victim = programs["mistral-periodic-1"]
        return victim.restarts > 0 and victim.state == "ready"

    wait_for("a periodic server that is back", back, 300)
