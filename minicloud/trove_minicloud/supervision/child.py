# SPDX-License-Identifier: Apache-2.0
"""One supervised program over time: starting, ready, and starting again after a death."""

import logging
import subprocess
import time
from datetime import UTC, datetime

from trove_minicloud.errors import StopError
from trove_minicloud.files import space_problem
from trove_minicloud.supervision import processes
from trove_minicloud.supervision.program import NotReadyError, Program
from trove_minicloud.supervision.state import ProgramState, ProgramStatus

LOG = logging.getLogger(__name__)

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
# A program that was ready for this long has recovered: its next death is a first one again.
_STABLE_AFTER = 60.0
_READY_INTERVAL = 0.2


class Child:
    """Takes one small step at a time, so that one thread can look after many."""

    def __init__(self, program: Program) -> None:
        self.name = program.name
        self.state: ProgramState = "restarting"
        self.restarts = 0
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._record: processes.ProcessRecord | None = None
        self._since = datetime.now(UTC)
        self._entered = time.monotonic()
        self._started = 0.0
        self._delay = _FIRST_DELAY
        self._start_at = 0.0
        self._next_look = 0.0
        self._reason = ""
        self._log_offset = 0

    def step(self) -> None:
        """Do what is due now: start it, notice its death, or ask whether it is ready."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_at:
                self._start()
        elif (code := self._process.poll()) is not None:
            self._failed(f"ended {_exit_text(code)} after {now - self._started:.1f} s")
        elif self.state == "starting" and now >= self._next_look:
            self._look(now)
        elif self.state == "ready" and now - self._entered > _STABLE_AFTER:
            self._delay = _FIRST_DELAY

    def stop(self) -> None:
        """Stop the program and everything in its process group."""
        if self._process is None or self._record is None:
            return
        LOG.info("stopping %s", self.name)
        processes.stop_group(self._record)
        self._process.wait()
        self._process = self._record = None

    def status(self) -> ProgramStatus:
        """What there is to tell about it."""
        return ProgramStatus(
            name=self.name,
            state=self.state,
            since=self._since,
            restarts=self.restarts,
            reason=self._reason,
            process=self._record,
        )

    def evidence(self) -> str:
        """Why it isn't running: what happened, and the last lines it wrote in this attempt."""
        log = self._program.log
        lines = [f"{self.name} {self._reason}.", f"The end of {log}:"]
        lines += [f"  {line}" for line in processes.tail(log, self._log_offset)]
        return "\n".join([*lines, *filter(None, [space_problem(log.parent)])])

    def _start(self) -> None:
        log = self._program.log
        self._log_offset = log.stat().st_size if log.exists() else 0
        self._started = time.monotonic()
        try:
            self._process = processes.start(self._program)
        except OSError as error:
            self._failed(f"could not be started: {error}")
            return
        self._record = processes.record(self._program, self._process)
        self._enter("starting")

    def _look(self, now: float) -> None:
        try:
            self._program.ready()
        except NotReadyError as error:
            self._next_look = now + _READY_INTERVAL
            waited = now - self._started
            if waited > self._program.ready_timeout:
                self._failed(f"did not answer within {waited:.0f} s ({error})")
            return
        LOG.info("%s is ready after %.1f s", self.name, time.monotonic() - self._started)
        self._reason = ""
        self._enter("ready")

    def _failed(self, reason: str) -> None:
        self._reason = reason
        LOG.error("%s; next try in %.1f s", self.evidence(), self._delay)
        self.restarts += 1
        try:
            self.stop()
        except StopError as error:
            # Its end, whenever it comes, is noticed like any other; the next try follows that.
            LOG.error("%s: %s", self.name, error)
        self._start_at = time.monotonic() + self._delay
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
        self._enter("restarting")

    def _enter(self, entered: ProgramState) -> None:
        self.state = entered
        self._since = datetime.now(UTC)
        self._entered = time.monotonic()


def _exit_text(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
