# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.minicloud.conftest import wait_for
from trove_minicloud.cloud import daemon, keeper, running
from trove_minicloud.root import Root
from trove_minicloud.supervision import state
from trove_minicloud.supervision.state import CloudStatus

_SUPERVISOR = """\
import os, signal, sys, time
from trove_minicloud.cloud import keeper
from trove_minicloud.root import Root
from trove_minicloud.supervision import state
from trove_minicloud.supervision.state import CloudStatus
root = Root.at(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with state.supervisor_lock(root) as mine:
    if not mine or not keeper.may_follow(root):
        sys.exit(keeper.ANOTHER_RUNS)
    if (root.path / "broken").exists():
        state.save_failure(root, "the port is taken")
        sys.exit(1)
    state.save(root, CloudStatus(os.getpid(), "starting", "", ()))
    time.sleep(0.3)
    state.save(root, CloudStatus(os.getpid(), "running", "", ()))
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is up after a moment, and does nothing."""
    (tmp_path / "a_supervisor.py").write_text(_SUPERVISOR)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")


@pytest.fixture
def kept(root: Root, supervisor: None) -> Iterator[subprocess.Popen[bytes]]:
    """The keeper of one that is up."""
    process = daemon._start(root, "a_supervisor")
    assert daemon._wait_until_running(root, process, print) is True
    yield process
    daemon.down(root)
    process.wait(60)


def _running(root: Root) -> int | None:
    status = state.load(root)
    if status is None or (status.state, status.supervisor) != (
        "running",
        state.supervisor_pid(root),
    ):
        return None
    return status.supervisor


def test_a_killed_supervisor_is_started_anew_until_it_is_told_to_stop(
    root: Root, kept: subprocess.Popen[bytes]
) -> None:
    seen = []
    for _ in range(2):
        pid = _running(root)
        assert pid is not None
        seen.append(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: _running(root) not in (None, *seen))
    assert daemon.down(root) is True
    assert kept.wait(60) == 0
    assert _running(root) is None


def test_a_cloud_that_is_taken_down_after_the_death_stays_down(
    root: Root, kept: subprocess.Popen[bytes]
) -> None:
    pid = _running(root)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: state.supervisor_pid(root) is None)
    daemon.down(root)
    # On a busy machine the keeper sees the death only after the end, and begins nothing.
    assert kept.wait(60) in (keeper.ANOTHER_RUNS, 128 + signal.SIGKILL)
    assert _running(root) is None


def test_a_keeper_that_is_told_to_end_tells_the_supervisor(
    root: Root, kept: subprocess.Popen[bytes]
) -> None:
    kept.terminate()
    assert kept.wait(60) == 0
    assert _running(root) is None


def test_one_that_does_not_come_up_is_not_tried_again(root: Root) -> None:
    (root.path / "broken").touch()
    assert keeper.keep(root, "a_supervisor") == 1
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_one_that_was_up_once_is_tried_again_and_again(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds == keeper._LOOK_INTERVAL:
            time.sleep(seconds)
        else:
            waited.append(seconds)
            (root.path / "broken").touch()
            if len(waited) == 4:
                root.state_file.unlink()

    monkeypatch.setattr(keeper, "time", SimpleNamespace(sleep=sleep))

    def kill() -> None:
        wait_for(lambda: _running(root) is not None)
        os.kill(_running(root) or 0, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert keeper.keep(root, "a_supervisor") == keeper.ANOTHER_RUNS
    killer.join()
    assert waited == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(("dead", "follows"), [(None, True), (7, True), (8, False)])
def test_only_the_next_one_follows(
    root: Root, monkeypatch: pytest.MonkeyPatch, dead: int | None, follows: bool
) -> None:
    state.save(root, CloudStatus(7, "running", "", ()))
    if dead is not None:
        monkeypatch.setenv(keeper.AFTER_VARIABLE, str(dead))
    monkeypatch.setattr(running, "_run", lambda *_: None)
    assert running.run(root) is follows
    # What the supervisor starts has nothing to follow.
    assert keeper.AFTER_VARIABLE not in os.environ


def test_the_keeper_needs_little_memory() -> None:
    code = (
        "import trove_minicloud.cloud.keeper, sys;"
        "sys.exit(sorted({'keystoneauth1', 'sqlalchemy', 'yaml'} & sys.modules.keys()) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
