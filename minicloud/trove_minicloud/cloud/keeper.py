# SPDX-License-Identifier: Apache-2.0
"""Starts a mini cloud's supervisor anew when it dies, where no systemd does so.

`python -m trove_minicloud.cloud.keeper ROOT MODULE` runs `python -m MODULE ROOT` and waits. It does
nothing else, so that there is little that could end it. Its exit code is that of a supervisor that
didn't come up, and 0 after one that was told to stop.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.supervision import state

#: The process id of the supervisor that died, for the next one.
AFTER_VARIABLE = "TROVE_MINICLOUD_AFTER"
#: The exit code of a supervisor that another one has outrun.
ANOTHER_RUNS = 75
#: Seconds. They double with each one that doesn't come up.
FIRST_DELAY, LONGEST_DELAY = 1.0, 300.0
_LOOK_INTERVAL = 0.2


def keep(root: Root, module: str) -> int:
    """Return when there is nothing left to keep; the exit code."""
    env, delay, worth_it = dict(os.environ), FIRST_DELAY, False
    while True:
        process = subprocess.Popen([sys.executable, "-m", module, str(root.path)], env=env)
        signal.signal(signal.SIGTERM, lambda *_, ended=process: ended.terminate())
        was_up = _was_up(root, process)
        code = process.wait()
        worth_it = worth_it or was_up
        if code in (0, ANOTHER_RUNS) or not worth_it:
            return code if code >= 0 else 128 - code
        delay = FIRST_DELAY if was_up else min(delay * 2, LONGEST_DELAY)
        sys.stderr.write(f"The supervisor ended ({code}); the next one in {delay:.0f} s.\n")
        sys.stderr.flush()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(delay)
        env[AFTER_VARIABLE] = str(process.pid)


def _was_up(root: Root, process: subprocess.Popen[bytes]) -> bool:
    """Wait until it has either come up, or ended."""
    while True:
        ended = process.poll() is not None
        # What can't be read now may be readable at the next look.
        with contextlib.suppress(MiniCloudError, OSError):
            status = state.load(root)
            if status is not None and (status.supervisor, status.state) == (process.pid, "running"):
                return True
        if ended:
            return False
        time.sleep(_LOOK_INTERVAL)


def may_follow(root: Root) -> bool:
    """Whether this process may be the next supervisor of the root; ask while holding its lock.

    Not if somebody has taken the cloud down or up since the one died that this one follows.
    """
    dead = os.environ.pop(AFTER_VARIABLE, None)
    status = state.load(root)
    return dead is None or (status is not None and str(status.supervisor) == dead)


if __name__ == "__main__":
    sys.exit(keep(Root.at(sys.argv[1]), sys.argv[2]))
