# SPDX-License-Identifier: Apache-2.0
"""Operating system processes: started in a group of their own, recognised, stopped as a group."""

import contextlib
import fnmatch
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trove_minicloud.errors import StartupError, StopError
from trove_minicloud.supervision.program import NotReadyError, Program

_KILL_TIMEOUT = 5.0
_TAIL_LINES = 15
_POLL_INTERVAL = 0.02
# Zombie and dead, in the letters of /proc.
_ENDED = "ZX"


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Enough to recognise a process after its starter has died, and to stop it properly.

    A process id is used again for other processes; together with the start time (clock ticks
    after boot) it is not.
    """

    pid: int
    start_time: int
    stop_signal: int
    stop_timeout: float


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start the program in a session of its own, its output appended to its log."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in program.inherits)
    }
    account = None if program.user is None else pwd.getpwuid(program.user)
    with program.log.open("ab") as log:
        return subprocess.Popen(
            program.argv,
            env=inherited | dict(program.env),
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=() if account else None,
        )


@contextlib.contextmanager
def running(program: Program) -> Iterator[ProcessRecord]:
    """Have the program run for the block, ready at its beginning, without a supervisor.

    :raises StartupError: it died, or wasn't ready in time.
    """
    process = start(program)
    recorded = record(program, process)
    try:
        deadline = time.monotonic() + program.ready_timeout
        while True:
            try:
                program.ready()
                break
            except NotReadyError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    lines = [f"{program.name} is not ready ({error}). The end of {program.log}:"]
                    raise StartupError("\n".join([*lines, *tail(program.log)])) from error
            time.sleep(_POLL_INTERVAL)
        yield recorded
    finally:
        stop_group(recorded)
        process.wait()


def record(program: Program, process: subprocess.Popen[bytes]) -> ProcessRecord:
    """What to remember of a process that was just started."""
    return ProcessRecord(
        pid=process.pid,
        start_time=_look(process.pid)[1] or 0,
        stop_signal=int(program.stop_signal),
        stop_timeout=program.stop_timeout,
    )


def tail(log: Path, offset: int = 0) -> list[str]:
    """The last lines after the offset; none where there is no log."""
    if not log.exists():
        return []
    with log.open("rb") as stream:
        stream.seek(max(offset, os.fstat(stream.fileno()).st_size - 16384))
        text = stream.read().decode("utf-8", "replace")
    return text.splitlines()[-_TAIL_LINES:]


def start_time(pid: int) -> int | None:
    """When the process was started, in clock ticks after boot; None if it is gone.

    One that has ended but was not waited for yet counts as gone.
    """
    state, ticks = _look(pid)
    return None if state in _ENDED else ticks


def parent(pid: int) -> int | None:
    """The id of the process that started it; None if it is gone."""
    fields = _fields(pid)
    return int(fields[1]) if fields else None


def is_alive(process: ProcessRecord) -> bool:
    """Whether that very process still runs."""
    return start_time(process.pid) == process.start_time


def stop_group(process: ProcessRecord) -> None:
    """Stop the process by its stop signal, then whatever is left of its group by SIGKILL.

    Nothing is signalled unless the process id still belongs to that very process, running or
    ended and not waited for yet: any other group of this number is somebody else's.

    :raises StopError: it was still there some seconds after SIGKILL.
    """
    if _look(process.pid)[1] != process.start_time:
        return
    if is_alive(process):
        _signal_group(process.pid, process.stop_signal)
        wait_until_gone(process, process.stop_timeout)
    alive = is_alive(process)
    _signal_group(process.pid, signal.SIGKILL)
    if alive and not wait_until_gone(process, _KILL_TIMEOUT):
        raise StopError(
            f"Process {process.pid} is still there {_KILL_TIMEOUT:.0f} s after SIGKILL"
            f" (and {process.stop_timeout:.0f} s after signal {process.stop_signal})."
        )


def _look(pid: int) -> tuple[str, int | None]:
    """The state letter and the start time of the process, ended ones included."""
    fields = _fields(pid)
    return (fields[0], int(fields[19])) if fields else ("X", None)


def _fields(pid: int) -> list[str]:
    """What the kernel says of the process after its name; nothing of one that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The second field is the name in parentheses and may hold anything.
    return text.rpartition(")")[2].split()


def _signal_group(pid: int, number: int) -> None:
    if pid <= 1:
        # To the kernel these mean our own group, and every process there is.
        raise ValueError(f"{pid} is no process group of a program.")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def wait_until_gone(process: ProcessRecord, timeout: float) -> bool:
    """Whether the process ended within this many seconds."""
    deadline = time.monotonic() + timeout
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_INTERVAL)
    return True
