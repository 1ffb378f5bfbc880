# SPDX-License-Identifier: Apache-2.0
"""The mini cloud in the background: starting its supervisor, and telling it to stop.

`python -m trove_minicloud.daemon ROOT` is the background process.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from trove_minicloud import cloud, state
from trove_minicloud.errors import MiniCloudError, StartupError, StopError
from trove_minicloud.root import Root
from trove_minicloud.supervisor import stop_leftovers

_UP_TIMEOUT = 180.0
_DOWN_TIMEOUT = 90.0
_POLL_INTERVAL = 0.1
LOG_NAME = "supervisor"


def up(root: Root, report: Callable[[str], None]) -> bool:
    """Start the cloud in the background and wait until it is up; False if it was up already.

    `report` is called with a line for each program that becomes ready.

    :raises MiniCloudError: it didn't come up, and why.
    """
    root.prepare()
    if state.supervisor_pid(root) is not None:
        _wait_until_running(root, None, lambda _line: None)
        return False
    cloud.require_space(root)
    with root.log(LOG_NAME).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trove_minicloud.daemon", str(root.path)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _wait_until_running(root, process, report)
    return True


def down(root: Root) -> bool:
    """Stop the cloud of this root, wherever it runs; False if it wasn't up.

    What a killed supervisor left running is stopped as well.

    :raises StopError: it still runs after a minute and a half.
    """
    if not root.path.exists():
        return False
    with state.supervisor_lock(root) as free:
        if free:
            stopped = stop_leftovers(root)
            root.state_file.unlink(missing_ok=True)
            return bool(stopped)
    deadline = time.monotonic() + _DOWN_TIMEOUT
    pid = state.supervisor_pid(root)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    while (pid := state.supervisor_pid(root)) is not None:
        if time.monotonic() > deadline:
            raise StopError(
                f"The supervisor (process {pid}) still runs {_DOWN_TIMEOUT:.0f} s after SIGTERM;"
                f" see {root.log(LOG_NAME)}."
            )
        time.sleep(_POLL_INTERVAL)
    return True


def _wait_until_running(
    root: Root, process: subprocess.Popen[bytes] | None, report: Callable[[str], None]
) -> None:
    started = time.monotonic()
    ready: set[str] = set()
    while True:
        ended = process is not None and process.poll() is not None
        status = state.load(root)
        if ended or (process is None and state.supervisor_pid(root) is None):
            if status is not None and status.state == "failed":
                raise StartupError(status.error)
            code = process.returncode if process else "unknown"
            raise StartupError(
                f"The supervisor ended (exit code {code}) before the cloud was up;"
                f" see {root.log(LOG_NAME)}."
            )
        if status is not None and state.supervisor_pid(root) == status.supervisor:
            waited = time.monotonic() - started
            for program in status.programs:
                if program.state == "ready" and program.name not in ready:
                    ready.add(program.name)
                    report(f"{program.name} is ready ({waited:.1f} s)")
            if status.state == "running":
                return
        if time.monotonic() - started > _UP_TIMEOUT:
            raise StartupError(
                f"The cloud is not up after {_UP_TIMEOUT:.0f} s; see {root.log(LOG_NAME)}."
            )
        time.sleep(_POLL_INTERVAL)


def main(root: Root) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        cloud.run(root)
    except MiniCloudError as error:
        logging.getLogger(__name__).error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main(Root.at(sys.argv[1]))
