# SPDX-License-Identifier: Apache-2.0
"""The mini cloud in the background: starting its supervisor, and telling it to stop.

`python -m trove_minicloud.cloud.daemon ROOT` is the supervisor there; its keeper starts it.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from trove_minicloud.cloud import running
from trove_minicloud.cloud.keeper import ANOTHER_RUNS
from trove_minicloud.cloud.running import Layout
from trove_minicloud.errors import MiniCloudError, StartupError, StopError
from trove_minicloud.root import Root
from trove_minicloud.settings import Settings
from trove_minicloud.supervision import processes, state
from trove_minicloud.supervision.state import CloudStatus
from trove_minicloud.supervision.supervisor import LOG_NAME, stop_leftovers

_UP_TIMEOUT = 420.0
_DOWN_TIMEOUT = 90.0
_POLL_INTERVAL = 0.1
# Seconds of silence after which `up` says what it waits for.
_TELL_AFTER = 20.0
#: The supervisor that is run in the background, unless the caller has another layout.
MODULE = "trove_minicloud.cloud.daemon"


def up(root: Root, report: Callable[[str], None], module: str = MODULE) -> bool:
    """Start the cloud in the background and wait until it is up; False if it was up already.

    One that is being stopped is started again. `report` is called with a line for each program
    that becomes ready.

    :param module: what is run in the background; it calls `main`.
    :raises MiniCloudError: it didn't come up, and why.
    """
    root.prepare()
    while True:
        if state.supervisor_pid(root) is not None:
            if _other_comes_up(root):
                return False
        elif _wait_until_running(root, _start(root, module), report):
            return True


def run(root: Root) -> bool:
    """Like `up`, but be the supervisor: return when the cloud has been stopped."""
    while not running.run(root):
        if _other_comes_up(root):
            return False
    return True


def down(root: Root, timeout: float = _DOWN_TIMEOUT) -> bool:
    """Stop the cloud of this root, wherever it runs; False if it wasn't up.

    What a killed supervisor left running is stopped as well.

    :param timeout: seconds that its programs may take to end, one after the other.
    :raises RootError: the folder holds something else.
    :raises StopError: it still runs after that.
    """
    if not root.exists():
        return False
    deadline = time.monotonic() + timeout
    signalled: int | None = None
    while True:
        with state.supervisor_lock(root) as free:
            if free:
                stopped = stop_leftovers(root)
                root.state_file.unlink(missing_ok=True)
                return bool(stopped) or signalled is not None
        pid = state.supervisor_pid(root)
        if signalled is None and pid is not None:
            # It may have ended by now, all by itself.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            signalled = pid
        elif pid is not None and pid != signalled:
            # Somebody has started the next one since.
            return True
        if time.monotonic() > deadline:
            raise StopError(
                f"The supervisor (process {pid}) still runs {timeout:.0f} s after SIGTERM;"
                f" see {root.log(LOG_NAME)}."
            )
        time.sleep(_POLL_INTERVAL)


def _start(root: Root, module: str) -> subprocess.Popen[bytes]:
    running.require_space(root)
    log = os.open(root.log(LOG_NAME), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "trove_minicloud.cloud.keeper", str(root.path), module],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def _wait_until_running(
    root: Root, process: subprocess.Popen[bytes], report: Callable[[str], None]
) -> bool:
    """Wait for a supervisor that the process keeps; False if another one was faster."""
    started = told_at = time.monotonic()
    ready: set[str] = set()
    while True:
        code = process.poll()
        status = state.load(root)
        if code == ANOTHER_RUNS:
            return False
        if code is not None:
            if status is not None and status.state == "failed":
                raise StartupError(status.error)
            raise StartupError(
                f"The supervisor ended (exit code {code}) before the cloud was up;"
                f" see {root.log(LOG_NAME)}."
            )
        waited = time.monotonic() - started
        if status is not None and processes.parent(status.supervisor) == process.pid:
            for program in status.programs:
                if program.state == "ready" and program.name not in ready:
                    ready.add(program.name)
                    report(f"{program.name} is ready ({waited:.1f} s)")
                    told_at = time.monotonic()
            if status.state == "running":
                return True
        if time.monotonic() - told_at > _TELL_AFTER:
            told_at = time.monotonic()
            report(f"{_waited_for(status)} ({waited:.0f} s)")
        _require_time(root, waited)
        time.sleep(_POLL_INTERVAL)


def _other_comes_up(root: Root) -> bool:
    """Wait for a supervisor that somebody else has started; False if it was stopped meanwhile.

    :raises StartupError: it failed, and why.
    """
    started = time.monotonic()
    last: int | None = None
    while (pid := state.supervisor_pid(root)) is not None:
        last = pid
        status = state.load(root)
        if status is not None and (status.supervisor, status.state) == (pid, "running"):
            return True
        _require_time(root, time.monotonic() - started)
        time.sleep(_POLL_INTERVAL)
    status = state.load(root)
    if status is not None and (status.supervisor, status.state) == (last, "failed"):
        raise StartupError(status.error)
    return False


def _require_time(root: Root, waited: float) -> None:
    if waited > _UP_TIMEOUT:
        raise StartupError(
            f"The cloud is not up after {_UP_TIMEOUT:.0f} s: {_waited_for(state.load(root))}; see"
            f" {root.log(LOG_NAME)}."
        )


def _waited_for(status: CloudStatus | None) -> str:
    programs = status.programs if status else ()
    missing = [program for program in programs if program.state != "ready"]
    if not missing:
        return "waiting for the supervisor"
    return "waiting for " + ", ".join(
        f"{program.name}, {program.reason or program.state}" for program in missing
    )


def main(root: Root, layout_of: Callable[[Root, Settings], Layout] = running.SingleProcess) -> None:
    """Be the supervisor in the background; the exit code tells its keeper how it ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        mine = running.run(root, layout_of)
    except StopError as error:
        # It was to end.
        logging.getLogger(__name__).error("%s", error)
        sys.exit(0)
    except MiniCloudError as error:
        logging.getLogger(__name__).error("%s", error)
        sys.exit(1)
    if not mine:
        sys.exit(ANOTHER_RUNS)


if __name__ == "__main__":
    main(Root.at(sys.argv[1]))
