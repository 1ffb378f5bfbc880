# SPDX-License-Identifier: Apache-2.0
import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.minicloud.conftest import MakeProgram, wait_for
from trove_minicloud.errors import StopError
from trove_minicloud.supervision import child as child_module, processes
from trove_minicloud.supervision.child import Child
from trove_minicloud.supervision.program import NotReadyError


def _until(child: Child, condition: Callable[[], bool]) -> None:
    def stepped() -> bool:
        child.step()
        return condition()

    wait_for(stepped)


def test_a_program_is_ready_when_it_answers(make_program: MakeProgram) -> None:
    child = Child(make_program())
    child.step()
    assert child.state == "starting"
    _until(child, lambda: child.state == "ready")
    child.stop()


def test_a_program_that_dies_is_started_again(make_program: MakeProgram, tmp_path: Path) -> None:
    flag = tmp_path / "second"
    code = (
        f"flag = pathlib.Path({str(flag)!r})\n"
        "if not flag.exists():\n    flag.touch(); sys.exit(3)\n"
        "ready.touch(); time.sleep(60)"
    )
    child = Child(make_program(code=code))
    _until(child, lambda: child.state == "ready")
    assert child.restarts == 1
    child.stop()


def test_each_death_doubles_the_delay_before_the_next_start(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(child_module.time, "monotonic", lambda: now[0])
    child = Child(make_program(argv=("/nowhere/program",)))
    starts = []
    for tenth in range(2400):
        now[0] = tenth / 10
        before = child.restarts
        child.step()
        if child.restarts > before:
            starts.append(now[0])
    delays = [round(later - earlier) for earlier, later in itertools.pairwise(starts)]
    assert delays[:7] == [0, 1, 2, 4, 8, 16, 30]
    assert max(delays) == 30


def test_a_program_that_does_not_answer_in_time_is_stopped_and_started_again(
    make_program: MakeProgram,
) -> None:
    child = Child(make_program(code="time.sleep(60)", ready_timeout=0.2))
    _until(child, lambda: child.restarts == 1)
    assert "did not answer within" in child.evidence()
    assert "it has not written its file" in child.evidence()
    assert child.status().process is None
    child.stop()


def test_the_evidence_has_exit_code_and_last_lines_of_this_attempt_only(
    make_program: MakeProgram,
) -> None:
    program = make_program(code="print('the cause'); sys.exit(7)")
    program.log.write_text("an older story\n")
    child = Child(program)
    _until(child, lambda: child.restarts == 1)
    assert "small ended with exit code 7 after" in child.evidence()
    assert "the cause" in child.evidence()
    assert "older story" not in child.evidence()


def test_the_evidence_names_the_signal_that_ended_it(make_program: MakeProgram) -> None:
    child = Child(make_program(code="os.kill(os.getpid(), signal.SIGKILL)"))
    _until(child, lambda: child.restarts == 1)
    assert "ended by signal 9" in child.evidence()


def test_a_program_that_is_not_there_says_so(make_program: MakeProgram) -> None:
    child = Child(make_program(argv=("/nowhere/program",)))
    child.step()
    assert child.restarts == 1
    assert "could not be started" in child.evidence()


def test_a_program_that_outlives_its_kill_is_started_again_only_when_it_has_ended(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_group = processes.stop_group

    def refuse(_record: processes.ProcessRecord) -> None:
        raise StopError("it is still there")

    monkeypatch.setattr(processes, "stop_group", refuse)
    child = Child(make_program(code="time.sleep(60)", ready_timeout=0.1))
    _until(child, lambda: child.restarts == 1)
    record = child.status().process
    assert record is not None
    child.step()
    assert child.status().process == record
    monkeypatch.setattr(processes, "stop_group", stop_group)
    stop_group(record)
    _until(child, lambda: child.status().process not in (None, record))
    child.stop()


def test_an_answer_is_not_waited_for(make_program: MakeProgram) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def ready() -> None:
        asked.set()
        go_on.wait(60)

    child = Child(make_program(ready=ready))
    _until(child, asked.is_set)
    child.step()
    assert child.state == "starting"
    go_on.set()
    _until(child, lambda: child.state == "ready")
    child.stop()


class Answers:
    """What a program says when it is asked; it is ready while this is None."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.error is not None:
            raise self.error


def _ready_child(make_program: MakeProgram, **changes: object) -> tuple[Child, Answers]:
    answers = Answers()
    child = Child(make_program(ready=answers, **changes), ask_interval=0.01)
    _until(child, lambda: child.state == "ready")
    return child, answers


def test_a_program_that_is_ready_is_asked_again(make_program: MakeProgram) -> None:
    child, answers = _ready_child(make_program)
    _until(child, lambda: answers.count > 3)
    assert child.state == "ready"
    child.stop()


def test_a_program_that_fell_silent_is_restarted_at_the_third_time(
    make_program: MakeProgram,
) -> None:
    child, answers = _ready_child(make_program)
    answers.error, answers.count = NotReadyError("no word"), 0
    _until(child, lambda: child.state == "silent")
    assert child.status().reason == "does not answer: no word"
    _until(child, lambda: child.restarts == 1)
    assert answers.count == 3
    answers.error = None
    _until(child, lambda: child.state == "ready")
    assert "UTC: did not answer 3 times in a row (no word)" in child.status().reason
    child.stop()


def test_a_program_that_answers_again_is_not_restarted(make_program: MakeProgram) -> None:
    child, answers = _ready_child(make_program)
    for _ in range(2):
        answers.error, answers.count = NotReadyError("no word"), 0
        _until(child, lambda: answers.count == 2)
        answers.error = None
        _until(child, lambda: child.state == "ready")
    assert (child.restarts, child.status().reason) == (0, "")
    child.stop()


def test_a_database_that_fell_silent_is_left_alone(make_program: MakeProgram) -> None:
    child, answers = _ready_child(make_program, if_silent="tell")
    answers.error, answers.count = NotReadyError("too many connections"), 0
    _until(child, lambda: answers.count > 5)
    assert (child.state, child.restarts) == ("silent", 0)
    child.stop()


def test_a_database_that_takes_longer_to_be_ready_is_left_alone(
    make_program: MakeProgram,
) -> None:
    """It may recover from a crash, or refuse the backups' user: a restart would do harm."""
    answers = Answers()
    answers.error = NotReadyError("the database system is starting up")
    program = make_program(ready=answers, ready_timeout=0, if_silent="tell")
    child = Child(program, ask_interval=0.01)
    _until(child, lambda: child.state == "silent")
    assert child.status().reason == "does not answer: the database system is starting up"
    answers.error = None
    _until(child, lambda: child.state == "ready")
    assert child.restarts == 0
    child.stop()


def test_a_program_whose_start_alone_can_be_told_is_not_asked_again(
    make_program: MakeProgram,
) -> None:
    child, answers = _ready_child(make_program, if_silent="unasked")
    answers.count = 0
    for _ in range(20):
        child.step()
        time.sleep(0.01)
    assert (child.state, answers.count) == ("ready", 0)
    child.stop()


@pytest.mark.parametrize("state", ["starting", "ready"])
def test_that_a_program_can_not_be_asked_is_told_and_no_fault_of_its(
    make_program: MakeProgram, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = Answers()
    child = Child(make_program(ready=answers, ready_timeout=0), ask_interval=0.01)
    if state == "starting":
        answers.error = FileNotFoundError("psql")
    _until(child, lambda: answers.count > 0)
    if state == "ready":
        _until(child, lambda: child.state == "ready")
    answers.error, answers.count = FileNotFoundError("psql"), 0
    _until(child, lambda: answers.count > 4)
    assert (child.state, child.restarts) == (state, 0)
    assert child.status().reason == "can't be looked after: FileNotFoundError: psql"
    assert sum("psql" in message for message in caplog.messages) == 1
    answers.error = None
    _until(child, lambda: child.state == "ready" and not child.status().reason)
    child.stop()


def test_what_goes_wrong_with_a_look_does_not_end_the_loop(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, _answers = _ready_child(make_program)

    def refuse(_record: processes.ProcessRecord) -> bool:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(processes, "is_alive", refuse)
        child.step()
    assert (child.state, child.restarts) == ("ready", 0)
    assert "Too many open files" in child.status().reason
    _until(child, lambda: not child.status().reason)
    child.stop()


@pytest.mark.parametrize("error", [BlockingIOError(11, "fork"), KeyError("no account")])
def test_whatever_keeps_it_from_being_started_is_tried_again_later(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(_program: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(processes, "start", refuse)
        child = Child(make_program())
        child.step()
        child.step()
    assert child.restarts == 1
    assert str(error) in child.status().reason
    _until(child, lambda: child.state == "ready")
    assert str(error) in child.status().reason
    child.stop()


def test_the_children_of_a_leader_that_died_go_with_it(make_program: MakeProgram) -> None:
    code = (
        "pid = os.fork()\n"
        "if pid:\n    print(pid, flush=True); ready.touch(); time.sleep(0.2); os._exit(3)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    )
    program = make_program(code=code)
    child = Child(program)
    _until(child, lambda: child.restarts == 1)
    grandchild = int(program.log.read_text())
    wait_for(lambda: processes.start_time(grandchild) is None)
    assert "ended with exit code 3" in child.evidence()
