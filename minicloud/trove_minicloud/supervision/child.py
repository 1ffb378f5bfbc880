# SPDX-License-Identifier: Apache-2.0
"""One supervised program over time: starting, ready, and starting again after a death."""

import contextlib
import logging
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime

from trove_minicloud.errors import StopError
from trove_minicloud.files import space_problem
from trove_minicloud.supervision import log_files, processes
from trove_minicloud.supervision.program import NotReadyError, Program
from trove_minicloud.supervision.state import ProgramState, ProgramStatus

LOG = logging.getLogger(__name__)

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
# A program that was ready for this long has recovered: its next death is a first one again.
_STABLE_AFTER = 60.0
_READY_INTERVAL = 0.2
#: Seconds between two looks at a program that is ready.
ASK_INTERVAL = 30.0
# A busy machine may make it miss one.
_SILENT_AFTER = 3


class Child:
    """Takes one small step at a time, so that one thread can look after many.

    :param ask_interval: seconds between two looks at it once it is ready.
    """

    def __init__(self, program: Program, ask_interval: float = ASK_INTERVAL) -> None:
        self.name = program.name
        self.state: ProgramState = "restarting"
        self.restarts = 0
        self._program = program
        self._ask_interval = ask_interval
        self._process: subprocess.Popen[bytes] | None = None
        self._record: processes.ProcessRecord | None = None
        self._since = datetime.now(UTC)
        self._entered = time.monotonic()
        self._started = 0.0
        self._delay = _FIRST_DELAY
        self._start_at = 0.0
        self._answer: Future[None] | None = None
        self._next_ask = 0.0
        self._unanswered = 0
        self._complaint = ""
        self._trouble = ""
        self._last_trouble = ""
        self._log_offset = 0

    def step(self) -> None:
        """Do what is due now: start it, notice its death, or ask whether it is ready.

        Whatever goes wrong with that is on record as this program's trouble.
        """
        try:
            self._step(time.monotonic())
        except Exception as error:
            # That we can't look says nothing of the program.
            self._complain(error)

    def stop(self) -> None:
        """Stop the program and everything in its process group.

        :raises StopError: it is still there.
        """
        if self._process is None or self._record is None:
            return
        LOG.info("stopping %s", self.name)
        processes.stop_group(self._record)
        self._process.wait()
        self._forget()

    def rotate_log(self) -> None:
        """Put the log's content aside if there is much of it."""
        try:
            if log_files.rotate(self._program.log):
                self._log_offset = 0
        except OSError as error:
            self._complain(error)

    def status(self) -> ProgramStatus:
        """What there is to tell about it."""
        return ProgramStatus(
            name=self.name,
            state=self.state,
            since=self._since,
            restarts=self.restarts,
            reason=self._complaint or self._last_trouble,
            process=self._record,
        )

    def evidence(self) -> str:
        """Why it isn't running: what happened, and the last lines it wrote in this attempt."""
        log = self._program.log
        lines = [f"{self.name} {self._trouble}.", f"The end of {log}:"]
        with contextlib.suppress(OSError):
            lines += [f"  {line}" for line in processes.tail(log, self._log_offset)]
            lines += filter(None, [space_problem(log.parent)])
        return "\n".join(lines)

    def _step(self, now: float) -> None:
        if self._process is None or self._record is None:
            if now >= self._start_at:
                self._start()
        elif not processes.is_alive(self._record):
            self._bury(self._process, self._record, now)
        elif self.state == "restarting":
            # It outlives its end: there is nothing to ask it.
            return
        elif self.state == "ready" and self._program.if_silent == "unasked":
            self._recover(now)
        elif self._answer is None:
            if now >= self._next_ask:
                self._answer = _ask(self._program.ready)
        elif self._answer.done():
            answer, self._answer = self._answer, None
            self._judge(now, answer.exception())

    def _start(self) -> None:
        log = self._program.log
        process = None
        self._started = time.monotonic()
        try:
            self._log_offset = log.stat().st_size if log.exists() else 0
            process = processes.start(self._program)
            self._record = processes.record(self._program, process)
        except Exception as error:
            if process is not None:
                process.kill()
                process.wait()
            self._failed(f"could not be started: {error}")
            return
        self._process = process
        self._next_ask = 0.0
        self._unanswered = 0
        self._enter("starting")

    def _bury(
        self, process: subprocess.Popen[bytes], record: processes.ProcessRecord, now: float
    ) -> None:
        # Before it is waited for: only until then its group is known to be the program's.
        processes.stop_group(record)
        code = process.wait()
        self._forget()
        self._failed(f"ended {_exit_text(code)} after {now - self._started:.1f} s")

    def _judge(self, now: float, error: BaseException | None) -> None:
        starting = self.state == "starting"
        self._next_ask = now + (_READY_INTERVAL if starting and error else self._ask_interval)
        if error is None:
            self._answered(now)
        elif not isinstance(error, NotReadyError):
            self._complain(error)
        elif starting and (waited := now - self._started) <= self._program.ready_timeout:
            self._complaint = f"not ready yet: {error}"
        elif starting and self._program.if_silent != "tell":
            self._failed(f"did not answer within {waited:.0f} s ({error})")
        else:
            self._missed(error)

    def _answered(self, now: float) -> None:
        self._complaint = ""
        self._unanswered = 0
        if self.state != "ready":
            LOG.info("%s is ready after %.1f s", self.name, now - self._entered)
            self._enter("ready")
        self._recover(now)

    def _recover(self, now: float) -> None:
        if now - self._entered > _STABLE_AFTER:
            self._delay = _FIRST_DELAY

    def _missed(self, error: NotReadyError) -> None:
        self._unanswered += 1
        self._complaint = f"does not answer: {error}"
        if self.state != "silent":
            LOG.warning("%s %s", self.name, self._complaint)
            self._enter("silent")
        if self._unanswered >= _SILENT_AFTER and self._program.if_silent == "restart":
            self._failed(f"did not answer {self._unanswered} times in a row ({error})")

    def _failed(self, trouble: str) -> None:
        self._trouble = trouble
        self._last_trouble = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {trouble}"
        self._complaint = ""
        LOG.error("%s; next try in %.1f s", self.evidence(), self._delay)
        self.restarts += 1
        try:
            self.stop()
        except (StopError, OSError) as error:
            # Its end, whenever it comes, is noticed like any other; the next try follows that.
            LOG.error("%s: %s", self.name, error)
        self._start_at = time.monotonic() + self._delay
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
        self._enter("restarting")

    def _complain(self, error: BaseException) -> None:
        complaint = f"can't be looked after: {type(error).__name__}: {error}"
        if complaint != self._complaint:
            LOG.error("%s %s", self.name, complaint, exc_info=error)
            self._complaint = complaint

    def _forget(self) -> None:
        self._process = self._record = self._answer = None

    def _enter(self, entered: ProgramState) -> None:
        self.state = entered
        self._since = datetime.now(UTC)
        self._entered = time.monotonic()


def _ask(ready: Callable[[], None]) -> Future[None]:
    """Ask in a thread of its own: one that doesn't answer must not keep us from the others."""
    answer: Future[None] = Future()

    def ask() -> None:
        try:
            ready()
        except Exception as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)

    threading.Thread(target=ask, name="ready", daemon=True).start()
    return answer


def _exit_text(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
