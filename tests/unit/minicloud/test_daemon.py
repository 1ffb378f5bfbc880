# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.minicloud.conftest import wait_for
from trove_minicloud import daemon, processes, state
from trove_minicloud.errors import StartupError
from trove_minicloud.root import Root

_SUPERVISE = """
import signal, sys, time
from trove_minicloud import state
from trove_minicloud.root import Root
from trove_minicloud.state import CloudStatus
import os
root = Root.at(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with state.supervisor_lock(root):
    state.save(root, CloudStatus(os.getpid(), "starting", "", ()))
    time.sleep(0.3)
    state.save(root, CloudStatus(os.getpid(), "running", "", ()))
    time.sleep(60)
"""


@pytest.fixture
def supervisor(root: Root, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock as a supervisor does, and is up after a moment."""
    script = tmp_path / "supervise.py"
    script.write_text(_SUPERVISE)
    process = subprocess.Popen([sys.executable, str(script), str(root.path)])
    wait_for(lambda: state.supervisor_pid(root) == process.pid)
    yield process
    process.kill()
    process.wait()


def test_up_waits_for_a_cloud_that_somebody_else_is_starting(
    root: Root, supervisor: subprocess.Popen[bytes]
) -> None:
    assert daemon.up(root, print) is False
    status = state.load(root)
    assert status is not None
    assert (status.state, status.supervisor) == ("running", supervisor.pid)


def test_down_ends_the_supervisor(root: Root, supervisor: subprocess.Popen[bytes]) -> None:
    assert daemon.down(root) is True
    assert supervisor.wait(timeout=10) == 0
    assert daemon.down(root) is False


def test_down_never_signals_a_process_that_merely_got_the_old_id(root: Root) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        root.lock_file.write_text(f"{other.pid} 1")
        assert daemon.down(root) is False
        assert processes.start_time(other.pid) is not None
    finally:
        other.kill()
        other.wait()


def test_a_supervisor_that_is_killed_while_it_starts_is_reported(
    root: Root, supervisor: subprocess.Popen[bytes]
) -> None:
    os.kill(supervisor.pid, signal.SIGSTOP)
    state.save_failure(root, "the cause")
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    with pytest.raises(StartupError, match="the cause"):
        daemon._wait_until_running(root, supervisor, print)


def test_down_where_there_never_was_a_cloud_creates_nothing(tmp_path: Path) -> None:
    assert daemon.down(Root.at(tmp_path / "none")) is False
    assert not (tmp_path / "none").exists()
