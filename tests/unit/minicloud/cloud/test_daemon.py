# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.minicloud.conftest import wait_for
from trove_minicloud.cloud import daemon, running
from trove_minicloud.errors import RootError, StartupError, StopRequestedError
from trove_minicloud.root import Root
from trove_minicloud.supervision import processes, state
from trove_minicloud.supervision.state import CloudStatus, ProgramStatus

_SUPERVISE = """
import signal, sys, time
from trove_minicloud.supervision import state
from trove_minicloud.root import Root
from trove_minicloud.supervision.state import CloudStatus, ProgramStatus
import os
root = Root.at(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with state.supervisor_lock(root):
    state.save(root, CloudStatus(os.getpid(), "starting", "", ()))
    time.sleep(0.3)
    state.save(root, CloudStatus(os.getpid(), "running", "", ()))
    time.sleep(60)
"""

_FAIL = "time.sleep(0.5); state.save_failure(root, 'the port is taken'); sys.exit(1)"


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


def test_up_says_what_it_waits_for_and_for_how_long_at_most(
    root: Root, supervisor: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(lambda: _state(root) == "running")
    _without_keeper(monkeypatch)
    monkeypatch.setattr(daemon, "_TELL_AFTER", 0.1)
    monkeypatch.setattr(daemon, "_UP_TIMEOUT", 1.0)
    programs = tuple(
        ProgramStatus(name, now, datetime.now(UTC), 0, reason, None)  # type: ignore[arg-type]
        for name, now, reason in (
            ("keystone", "ready", ""),
            ("mistral", "starting", "not ready yet: HTTP 503"),
            ("trove", "starting", ""),
        )
    )
    state.save(root, CloudStatus(supervisor.pid, "starting", "", programs))
    said: list[str] = []
    waited_for = "waiting for mistral, not ready yet: HTTP 503, trove, starting"
    with pytest.raises(StartupError, match=f"not up after 1 s: {waited_for}; see"):
        daemon._wait_until_running(root, supervisor, said.append)
    assert said[0].startswith("keystone is ready")
    assert said[1].startswith(waited_for)


def test_down_ends_the_supervisor(root: Root, supervisor: subprocess.Popen[bytes]) -> None:
    assert daemon.down(root) is True
    assert supervisor.wait(timeout=60) == 0
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


def test_down_in_a_folder_that_is_no_root_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with pytest.raises(RootError, match="no mini cloud in"):
        daemon.down(Root.at(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def _without_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started is the supervisor itself."""
    monkeypatch.setattr(processes, "parent", lambda pid: pid)


def _use(monkeypatch: pytest.MonkeyPatch, script: str) -> list[subprocess.Popen[bytes]]:
    """Start this in the place of the real background process; return what was started."""
    started: list[subprocess.Popen[bytes]] = []
    _without_keeper(monkeypatch)

    def start(root: Root, _module: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", script, str(root.path)])
        started.append(process)
        return process

    monkeypatch.setattr(daemon, "_start", start)
    return started


def _end(processes_: list[subprocess.Popen[bytes]]) -> None:
    for process in processes_:
        process.kill()
        process.wait()


def test_up_waits_for_the_one_that_was_faster(
    root: Root, supervisor: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = _use(monkeypatch, f"raise SystemExit({daemon.ANOTHER_RUNS})")
    # At the first look there is none yet.
    looks = iter([None])
    look = state.supervisor_pid
    monkeypatch.setattr(state, "supervisor_pid", lambda root: next(looks, look(root)))
    try:
        assert daemon.up(root, print) is False
        assert len(started) == 1
    finally:
        _end(started)


def test_up_starts_a_cloud_that_is_just_being_stopped(
    root: Root, supervisor: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(lambda: _state(root) == "running")
    state.save(root, CloudStatus(supervisor.pid, "stopping", "", ()))
    started = _use(monkeypatch, _SUPERVISE)
    timer = threading.Timer(0.3, supervisor.terminate)
    timer.start()
    try:
        assert daemon.up(root, print) is True
        assert supervisor.wait(timeout=60) == 0
        assert state.supervisor_pid(root) == started[0].pid
    finally:
        timer.join()
        _end(started)


def test_the_reason_of_anothers_failure_is_ours_too(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", _SUPERVISE.replace("time.sleep(0.3)", _FAIL), str(root.path)]
    )
    try:
        wait_for(lambda: state.supervisor_pid(root) == other.pid)
        with pytest.raises(StartupError, match="the port is taken"):
            daemon.up(root, print)
    finally:
        _end([other])


def test_up_in_the_foreground_waits_for_the_end_of_the_one_before(
    root: Root, supervisor: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(lambda: _state(root) == "running")
    state.save(root, CloudStatus(supervisor.pid, "stopping", "", ()))
    timer = threading.Timer(0.3, supervisor.terminate)
    timer.start()

    def run(root: Root) -> bool:
        with state.supervisor_lock(root) as mine:
            return mine

    monkeypatch.setattr(running, "run", run)
    assert daemon.run(root) is True
    timer.join()


def test_down_bears_a_supervisor_that_has_just_ended(
    root: Root, supervisor: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(_pid: int, _number: int) -> None:
        monkeypatch.undo()
        supervisor.kill()
        supervisor.wait()
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", too_late)
    assert daemon.down(root) is True


def test_a_stop_that_is_asked_for_during_the_start_is_no_failure(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_root: Root, _layout: object) -> None:
        raise StopRequestedError("asked to stop")

    monkeypatch.setattr(running, "_run", stopped)
    with pytest.raises(StopRequestedError):
        running.run(root)
    assert state.load(root) is None


def test_an_end_that_nobody_foresaw_leaves_its_reason(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(_root: Root, _layout: object) -> None:
        raise IsADirectoryError(21, "Is a directory", "a file")

    monkeypatch.setattr(running, "_run", fall)
    with pytest.raises(IsADirectoryError):
        running.run(root)
    status = state.load(root)
    assert status is not None
    assert (status.state, status.error) == (
        "failed",
        "IsADirectoryError: [Errno 21] Is a directory: 'a file'",
    )


def test_nobody_else_can_read_the_supervisors_log(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    before = os.umask(0)
    try:
        assert daemon._start(root, daemon.MODULE).wait() == 0
    finally:
        os.umask(before)
    assert root.log(daemon.LOG_NAME).stat().st_mode & 0o777 == 0o600


def _state(root: Root) -> str | None:
    status = state.load(root)
    return status.state if status else None
