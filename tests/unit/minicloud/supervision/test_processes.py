# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.minicloud.conftest import MakeProgram, wait_for
from trove_minicloud.errors import StartupError
from trove_minicloud.supervision import processes
from trove_minicloud.supervision.program import DATABASE_VARIABLES, Program

_started: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def _reaped() -> Iterator[None]:
    yield
    for process in _started:
        process.kill()
        process.wait()
    _started.clear()


def _start(program: Program) -> processes.ProcessRecord:
    process = processes.start(program)
    _started.append(process)
    wait_for(lambda: _is_ready(program))
    return processes.record(program, process)


def _is_ready(program: Program) -> bool:
    try:
        program.ready()
    except Exception:
        return False
    return True


def test_a_program_that_ends_at_its_signal_is_gone(make_program: MakeProgram) -> None:
    record = _start(make_program())
    processes.stop_group(record)
    assert not processes.is_alive(record)


def test_a_program_that_ignores_its_signal_is_killed_after_its_time(
    make_program: MakeProgram,
) -> None:
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN); ready.touch(); time.sleep(60)"
    record = _start(make_program(code=code, stop_timeout=0.3))
    started = time.monotonic()
    processes.stop_group(record)
    assert not processes.is_alive(record)
    assert 0.3 <= time.monotonic() - started < 30


def test_a_grandchild_in_the_group_ends_with_its_parent(make_program: MakeProgram) -> None:
    code = (
        "pid = os.fork()\n"
        "if pid:\n    print(pid, flush=True); ready.touch(); time.sleep(60)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    )
    program = make_program(code=code)
    record = _start(program)
    grandchild = int(program.log.read_text())
    assert processes.start_time(grandchild) is not None
    processes.stop_group(record)
    wait_for(lambda: processes.start_time(grandchild) is None)


def test_the_programs_own_stop_signal_is_used(make_program: MakeProgram) -> None:
    code = (
        "signal.signal(signal.SIGINT, lambda *_: (print('interrupted', flush=True), os._exit(0)))\n"
        "ready.touch(); time.sleep(60)"
    )
    program = make_program(code=code, stop_signal=signal.SIGINT)
    processes.stop_group(_start(program))
    assert program.log.read_text() == "interrupted\n"


def test_another_process_with_the_same_id_is_not_taken_for_ours(make_program: MakeProgram) -> None:
    record = _start(make_program())
    reused = replace(record, start_time=record.start_time - 1)
    assert not processes.is_alive(reused)
    assert processes.is_alive(record)


def test_a_dead_process_that_nobody_has_reaped_counts_as_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    _started.append(process)
    wait_for(lambda: processes.start_time(process.pid) is None)
    assert process.returncode is None


def test_the_callers_cloud_variables_do_not_reach_the_program(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLOUD", "elsewhere")
    code = "print(os.environ.get('OS_CLOUD'), os.environ['EXTRA'], flush=True); ready.touch()"
    program = make_program(code=code, env={"EXTRA": "given"})
    _start(program)
    assert program.log.read_text() == "None given\n"


def test_output_is_appended_to_the_log(make_program: MakeProgram) -> None:
    program = make_program(code="print('line', flush=True); ready.touch()")
    program.log.write_text("before\n")
    _start(program)
    assert program.log.read_text() == "before\nline\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_program_can_run_as_another_user(make_program: MakeProgram) -> None:
    # Not Python: its interpreter may be where the other user can't go.
    argv = ("/bin/sh", "-c", "id -u; id -G")
    program = make_program(argv=argv, cwd=Path("/"), user=65534)
    process = processes.start(program)
    assert process.wait() == 0
    assert program.log.read_text() == "65534\n65534\n"


def test_a_group_that_is_not_of_the_recorded_process_is_left_alone(
    make_program: MakeProgram,
) -> None:
    record = _start(make_program())
    processes.stop_group(replace(record, start_time=record.start_time - 1))
    assert processes.is_alive(record)


@pytest.mark.parametrize("pid", [-1, 0, 1])
def test_ids_that_mean_more_than_one_group_are_never_signalled(
    monkeypatch: pytest.MonkeyPatch, pid: int
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: sent.append((group, number)))
    with pytest.raises(ValueError, match="no process group"):
        processes._signal_group(pid, signal.SIGKILL)
    assert sent == []


def test_only_what_a_program_needs_of_the_callers_environment_reaches_it(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "http_proxy", "LC_TIME", "TROVE_MINICLOUD_X"):
        monkeypatch.setenv(name, "set")
    code = "print(*sorted(os.environ), flush=True); ready.touch()"
    service = make_program("service", code=code)
    database = make_program("database", code=code, inherits=DATABASE_VARIABLES, env={"A": "b"})
    for program in (service, database):
        _start(program)
    names = set(service.log.read_text().split())
    assert {"PATH", "LC_TIME", "TROVE_MINICLOUD_X"} <= names
    assert names.isdisjoint({"AWS_SECRET_ACCESS_KEY", "http_proxy"})
    # Python itself may set LC_CTYPE.
    assert set(database.log.read_text().split()) <= {"A", "PATH", "LANG", "LC_CTYPE"}


def test_a_program_runs_for_a_block_and_is_ready_in_it(make_program: MakeProgram) -> None:
    program = make_program()

    with processes.running(program) as record:
        assert _is_ready(program)
        assert processes.is_alive(record)
    assert not processes.is_alive(record)


def test_a_program_that_dies_before_it_is_ready_is_an_error_with_the_end_of_its_log(
    make_program: MakeProgram,
) -> None:
    program = make_program(code="sys.exit('no luck')")

    with (
        pytest.raises(StartupError, match=rf"not ready .*The end of {program.log}:\nno luck"),
        processes.running(program),
    ):
        pytest.fail("it ran")


def test_a_program_that_is_not_ready_in_time_is_stopped(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = make_program(code="time.sleep(60)", ready_timeout=0.5)
    stopped: list[int] = []
    stop_group = processes.stop_group

    def stop(record: processes.ProcessRecord) -> None:
        stopped.append(record.pid)
        stop_group(record)

    monkeypatch.setattr(processes, "stop_group", stop)
    with pytest.raises(StartupError), processes.running(program):
        pytest.fail("it ran")
    [pid] = stopped
    assert processes.start_time(pid) is None


def test_the_parent_of_a_process_is_known_until_it_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert processes.parent(child.pid) == os.getpid()
    child.communicate(b"\n")
    assert processes.parent(child.pid) is None
