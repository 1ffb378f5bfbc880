# SPDX-License-Identifier: Apache-2.0
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.minicloud.conftest import MakeProgram, wait_for
from trove_minicloud.errors import StopError
from trove_minicloud.supervision import child as child_module, processes
from trove_minicloud.supervision.child import Child


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
