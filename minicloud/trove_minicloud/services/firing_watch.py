# SPDX-License-Identifier: Apache-2.0
"""Ends Mistral's process when its cron triggers are no longer looked at, so that it is restarted.

They are fired by one thread. Where that hangs, Mistral's API answers as ever, and nothing fires.
"""

import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

LOG = logging.getLogger(__name__)

#: Seconds for one firing, or for the next look whether there is one.
LIMIT = 300.0
#: Another limit, for those who can't wait so long.
LIMIT_VARIABLE = "TROVE_MINICLOUD_FIRING_LIMIT"
_EXIT_CODE = 70


class FiringWatch:
    """Knows when the thread last went on.

    :param end: ends the process; it gets the exit code.
    """

    def __init__(self, limit: float, end: Callable[[int], Any] = os._exit) -> None:
        self._limit, self._end = limit, end
        self._alive_at = time.monotonic()

    def noticing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose every call shows that the thread goes on."""

        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            self._alive_at = time.monotonic()
            return function(*arguments, **named)

        return called

    def start(self) -> None:
        """Look at it in a thread that ends with the process."""
        self._alive_at = time.monotonic()
        threading.Thread(target=self._run, name="firing-watch", daemon=True).start()

    def overdue(self) -> bool:
        """Whether the thread hangs."""
        return time.monotonic() - self._alive_at > self._limit

    def _run(self) -> None:
        while not self.overdue():
            time.sleep(min(1.0, self._limit / 10))
        LOG.critical(
            "No cron trigger was fired or looked for in %.0f s: Mistral ends, to be started anew.",
            self._limit,
        )
        self._end(_EXIT_CODE)


def watch(periodic: Any) -> FiringWatch:
    """Watch Mistral's module of periodic tasks; before it is set up.

    A round begins with `process_cron_triggers_v2`, and fires one after the other: each is
    advanced first.
    """
    made = FiringWatch(float(os.environ.get(LIMIT_VARIABLE, LIMIT)))
    for name in ("process_cron_triggers_v2", "advance_cron_trigger"):
        setattr(periodic, name, made.noticing(getattr(periodic, name)))
    return made
