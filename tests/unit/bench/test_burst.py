# SPDX-License-Identifier: Apache-2.0
"""What is counted of a burst."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench import burst
from bench.burst import Burst
from bench.firings import Firing, Member
from trove_minicloud.root import Root
from trove_minicloud.supervision import state
from trove_minicloud.supervision.processes import ProcessRecord
from trove_minicloud.supervision.state import CloudStatus, ProgramStatus

DUE = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return DUE + timedelta(seconds=seconds)


def firing(
    started: Sequence[float] = (1,),
    requested: Sequence[float] = (2,),
    completed: Sequence[float] = (4,),
    attempts: int = 1,
) -> Firing:
    return Firing(
        member=Member("schedule", "instance", "project", attempts),
        due=DUE,
        started=[at(each) for each in started],
        ended=at(5) if started else None,
        requested=[at(each) for each in requested],
        completed=[at(each) for each in completed],
        running=0,
    )


def test_figures_count_from_the_due_time() -> None:
    found = Burst([firing([1 + n], [2 + n], [4 + n]) for n in range(10)], [], {})
    assert found.rate == 1.0
    assert found.lateness(50) == 5.5
    assert found.requests == pytest.approx(10 / 11)
    assert found.done == 13
    assert (found.lost, found.duplicates) == (0, 0)


def test_a_firing_that_left_nothing_is_lost() -> None:
    found = Burst([firing(), firing([], [], [])], [], {})
    assert found.lost == 1
    assert len(found.started) == 1


def test_a_firing_whose_backup_failed_is_lost() -> None:
    assert Burst([firing(), firing(completed=[])], [], {}).lost == 1


@pytest.mark.parametrize(
    ("doubled", "count"),
    [
        (firing(started=[1, 2]), 1),
        (firing(completed=[4, 9]), 1),
        # The first may have failed.
        (firing(requested=[2, 3]), 0),
        (firing(started=[1, 61, 121], attempts=3), 0),
        (firing(started=[1, 61], completed=[4, 64], attempts=3), 1),
    ],
)
def test_a_second_run_or_backup_is_a_duplicate_and_a_further_attempt_is_not(
    doubled: Firing, count: int
) -> None:
    # One whose further attempts are to come does not make up for another's double.
    assert Burst([doubled, firing(attempts=3)], [], {}).duplicates == count


def test_the_cpu_of_two_engines_is_that_of_one_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spinning = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(spinning) for _ in range(2)]
    try:
        programs = tuple(
            ProgramStatus(
                f"mistral-engine-{number}",
                "ready",
                DUE,
                0,
                "",
                ProcessRecord(process.pid, 0, signal.SIGTERM, 1.0),
            )
            for number, process in enumerate(running, 1)
        )
        found = CloudStatus(1, "running", "", programs)
        monkeypatch.setattr(state, "load", lambda _root: found)
        deadline = time.monotonic() + 60
        while (used := burst.cpu_seconds(Root.at(tmp_path))).get("mistral-engine", 0) < 0.1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert list(used) == ["mistral-engine"]
    finally:
        for process in running:
            process.kill()
            process.wait()
