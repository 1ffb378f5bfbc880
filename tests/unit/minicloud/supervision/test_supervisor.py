# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.minicloud.conftest import MakeProgram, wait_for
from trove_minicloud.errors import DiskFullError, StartupError, StopError, StopRequestedError
from trove_minicloud.root import Root
from trove_minicloud.supervision import (
    log_files,
    processes,
    state,
    supervisor as supervisor_module,
)
from trove_minicloud.supervision.program import NotReadyError, Program
from trove_minicloud.supervision.state import CloudStatus
from trove_minicloud.supervision.supervisor import Supervisor, stop_leftover, stop_leftovers


def _while_running(supervisor: Supervisor, act: Callable[[], None]) -> None:
    """Run the supervisor in a thread, do something meanwhile, and stop it."""
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        act()
    finally:
        supervisor.request_stop()
        thread.join()
        supervisor.stop()


def _status(root: Root) -> CloudStatus:
    status = state.load(root)
    assert status is not None
    return status


def _pids(root: Root) -> dict[str, int]:
    return {item.name: item.process.pid for item in _status(root).programs if item.process}


def test_services_are_started_together_and_waited_for(
    root: Root, make_program: MakeProgram
) -> None:
    supervisor = Supervisor(root)
    supervisor.start([make_program("first"), make_program("second")])
    assert [item.state for item in _status(root).programs] == ["starting", "starting"]
    supervisor.wait_ready(["first", "second"])
    assert [item.state for item in _status(root).programs] == ["ready", "ready"]
    supervisor.stop()


def test_stopping_goes_backwards_and_leaves_no_process(
    root: Root, make_program: MakeProgram, tmp_path: Path
) -> None:
    story = tmp_path / "story"
    code = (
        "def end(*_):\n"
        f"    with open({str(story)!r}, 'a') as f: f.write(NAME)\n"
        "    os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end); ready.touch(); time.sleep(60)"
    )
    programs = [make_program(name, f"NAME = {name!r}\n{code}") for name in "abc"]
    supervisor = Supervisor(root)
    supervisor.start(programs)
    supervisor.wait_ready("abc")
    pids = _pids(root)
    supervisor.stop()
    assert story.read_text() == "cba"
    assert all(processes.start_time(pid) is None for pid in pids.values())
    assert state.load(root) is None


def test_a_service_that_dies_while_starting_ends_the_start_with_evidence(
    root: Root, make_program: MakeProgram
) -> None:
    good, bad = make_program("good"), make_program("bad", "print('why'); sys.exit(1)")
    supervisor = Supervisor(root)
    supervisor.start([good, bad])
    with pytest.raises(StartupError, match=r"(?s)bad ended with exit code 1.*why"):
        supervisor.wait_ready(["good", "bad"])
    supervisor.stop()


def test_a_stop_that_is_asked_for_ends_the_start(root: Root, make_program: MakeProgram) -> None:
    supervisor = Supervisor(root)
    supervisor.start([make_program("slow", "time.sleep(60)")])
    supervisor.request_stop()
    with pytest.raises(StopRequestedError, match="Asked to stop"):
        supervisor.wait_ready(["slow"])
    supervisor.stop()


def test_a_killed_service_runs_again(root: Root, make_program: MakeProgram) -> None:
    supervisor = Supervisor(root)
    supervisor.start([make_program("service")])
    supervisor.wait_ready(["service"])

    def kill_it() -> None:
        killed = _pids(root)["service"]
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: _status(root).programs[0].restarts == 1)
        wait_for(lambda: _status(root).programs[0].state == "ready")
        assert _pids(root)["service"] != killed

    _while_running(supervisor, kill_it)


def test_instances_are_started_when_wanted_and_stopped_when_not(
    root: Root, make_program: MakeProgram
) -> None:
    wanted: list[Program] = []
    supervisor = Supervisor(root, lambda: wanted)
    supervisor.start([make_program("service")])

    def come_and_go() -> None:
        wanted.append(make_program("database"))
        wait_for(lambda: "database" in _pids(root))
        pid = _pids(root)["database"]
        wanted.clear()
        wait_for(lambda: "database" not in _pids(root))
        assert processes.start_time(pid) is None

    _while_running(supervisor, come_and_go)


def test_an_instance_that_can_not_run_does_not_end_the_start(
    root: Root, make_program: MakeProgram
) -> None:
    broken = make_program("database", "sys.exit(1)")
    supervisor = Supervisor(root, lambda: [broken])
    supervisor.start([make_program("service")])
    supervisor.wait_ready(["service"])
    supervisor.stop()


def test_a_disk_that_is_full_does_not_stop_the_supervisor(
    root: Root, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor(root)
    save, full = state.save, [True]

    def save_or_fail(*arguments: object) -> None:
        if full[0]:
            raise DiskFullError("No space left")
        save(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(state, "save", save_or_fail)
    supervisor.start([make_program("service")])
    supervisor.wait_ready(["service"])
    assert state.load(root) is None
    full[0] = False
    _while_running(supervisor, lambda: wait_for(lambda: state.load(root) is not None))


@pytest.fixture
def left(root: Root, tmp_path: Path) -> int:
    """The process id of a program whose supervisor was killed."""
    script = tmp_path / "supervise.py"
    script.write_text(
        "import os, sys, signal, time\n"
        "from trove_minicloud.supervision.program import Program\n"
        "from trove_minicloud.root import Root\n"
        "from trove_minicloud.supervision.supervisor import Supervisor\n"
        f"root = Root.at({str(root.path)!r})\n"
        "program = Program(name='left', argv=(sys.executable, '-c', 'import time; time.sleep(60)'),"
        " env={}, cwd=root.path, log=root.log('left'), user=None, ready=lambda: None,"
        " ready_timeout=10)\n"
        "Supervisor(root).start([program])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, str(script)], check=False, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    pid = _pids(root)["left"]
    assert processes.start_time(pid) is not None
    return pid


def test_what_a_killed_supervisor_left_running_is_stopped(root: Root, left: int) -> None:
    assert stop_leftovers(root) == ["left"]
    assert processes.start_time(left) is None
    assert stop_leftovers(root) == []


def test_a_process_that_only_has_the_id_of_a_leftover_is_spared(
    root: Root, make_program: MakeProgram
) -> None:
    supervisor = Supervisor(root)
    supervisor.start([make_program("service")])
    supervisor.wait_ready(["service"])
    text = root.state_file.read_text()
    recorded = _status(root).programs[0].process
    assert recorded is not None
    root.state_file.write_text(
        text.replace(f'"start_time": {recorded.start_time}', '"start_time": 1')
    )
    assert stop_leftovers(root) == []
    assert processes.is_alive(recorded)
    supervisor.stop()


def test_one_program_that_was_left_running_is_stopped(root: Root, left: int) -> None:
    assert stop_leftover(root, "other") is False
    assert processes.start_time(left) is not None
    assert stop_leftover(root, "left") is True
    assert processes.start_time(left) is None
    assert stop_leftover(root, "left") is False


def test_a_program_that_is_looked_after_is_no_leftover(root: Root, left: int) -> None:
    with state.supervisor_lock(root):
        assert stop_leftover(root, "left") is False
    assert processes.start_time(left) is not None


def test_where_nothing_ever_ran_there_is_no_leftover(root: Root) -> None:
    assert stop_leftover(root, "left") is False


def test_a_database_that_can_not_be_stopped_does_not_end_the_others(
    root: Root, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "_STOP_AGAIN_AFTER", 0.1)
    wanted = [make_program("database")]
    supervisor = Supervisor(root, lambda: wanted)
    supervisor.start([make_program("service")])
    supervisor.wait_ready(["service"])
    stop_group = processes.stop_group
    refusals: set[int] = set()
    refuses = True

    def stop(record: processes.ProcessRecord) -> None:
        if refuses:
            refusals.add(record.pid)
            raise StopError("it is still there")
        stop_group(record)

    def drop_it() -> None:
        nonlocal refuses
        wait_for(lambda: "database" in _pids(root))
        pid = _pids(root)["database"]
        monkeypatch.setattr(processes, "stop_group", stop)
        wanted.clear()
        wait_for(lambda: refusals == {pid})
        assert {"database", "service"} <= _pids(root).keys()
        refuses = False
        wait_for(lambda: "database" not in _pids(root))
        assert processes.start_time(pid) is None

    _while_running(supervisor, drop_it)


def test_what_can_not_be_read_is_not_taken_for_gone(root: Root, make_program: MakeProgram) -> None:
    database, dashboard = make_program("database"), make_program("dashboard")
    error: list[OSError] = []

    def databases() -> list[Program]:
        if error:
            raise error[0]
        return [database]

    supervisor = Supervisor(root, databases, lambda: [dashboard], problems=lambda: ["one lacks"])
    supervisor.start([make_program("service")])

    def lose_sight() -> None:
        wait_for(lambda: [item.state for item in _status(root).programs] == ["ready"] * 3)
        assert _status(root).error == "one lacks"
        before = _pids(root)
        error.append(OSError(5, "Input/output error"))
        wait_for(lambda: "Input/output error" in _status(root).error)
        assert _pids(root) == before
        error.clear()
        wait_for(lambda: _status(root).error == "one lacks")

    _while_running(supervisor, lose_sight)


def test_a_program_that_falls_silent_is_asked_as_often_as_the_variable_says(
    root: Root, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROVE_MINICLOUD_ASK_EVERY", "0.1")
    silent: list[bool] = []

    def ready() -> None:
        if silent:
            raise NotReadyError("no word")

    supervisor = Supervisor(root)
    supervisor.start([make_program("service", ready=ready), make_program("other")])
    supervisor.wait_ready()

    def fall_silent() -> None:
        silent.append(True)
        wait_for(lambda: _status(root).programs[0].restarts == 1)
        silent.clear()
        wait_for(lambda: _status(root).programs[0].state == "ready")
        assert _status(root).programs[1].restarts == 0

    _while_running(supervisor, fall_silent)


@pytest.mark.parametrize("error", [OSError(30, "Read-only file system"), DiskFullError("full")])
def test_a_state_that_can_not_be_written_is_complained_of_once(
    root: Root,
    make_program: MakeProgram,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    supervisor = Supervisor(root)
    with monkeypatch.context() as patch:
        patch.setattr(state, "save", fail)
        supervisor.start([make_program("service")])
        supervisor.wait_ready()
    assert sum(str(error) in message for message in caplog.messages) == 1
    supervisor.stop()


def test_full_logs_are_put_aside(
    root: Root, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated: list[str] = []

    def rotate(log: Path) -> bool:
        rotated.append(log.name)
        if log.name == "first.log":
            raise OSError(28, "No space left on device")
        return True

    monkeypatch.setattr(log_files, "rotate", rotate)
    supervisor = Supervisor(root)
    supervisor.start([make_program("first"), make_program("second")])
    supervisor.wait_ready()
    supervisor.stop()
    assert rotated == ["first.log", "second.log", "supervisor.log"]
