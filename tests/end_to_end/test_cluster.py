# SPDX-License-Identifier: Apache-2.0
"""A cluster that loses a server while it fires."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from bench import burst, faults
from bench.crowd import LIGHT, Crowd
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


def test_a_cluster_fires_once_while_a_periodic_server_is_killed(cluster: Root) -> None:
    crowd = Crowd(cluster)
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    members = crowd.schedule(12, due)
    crowd.fire(members, due - timedelta(minutes=1))
    time.sleep(1)
    faults.killed("mistral-periodic-1")(cluster)
    ticks = burst.follow(crowd, members, due)
    assert [tick for tick in ticks if tick.duplicates] == []
    assert any(tick.completed for tick in ticks)
    # A run that is in progress brings its backup, or fails.
    wait_for("health that names what was lost", lambda: not burst.unnoticed(crowd, ticks), 300)

    def back() -> bool:
        found = state.load(cluster)
        programs = {each.name: each for each in found.programs} if found else {}
        victim = programs["mistral-periodic-1"]
        return victim.restarts > 0 and victim.state == "ready"

    wait_for("a periodic server that is back", back, 300)
