# SPDX-License-Identifier: Apache-2.0
"""What the services do now and then in their own processes, so that their databases stay small."""

import logging
import threading
from collections.abc import Callable
from typing import NoReturn

LOG = logging.getLogger(__name__)

#: Seconds. A service that has just started has other things to do.
FIRST_AFTER = 300.0
HOUR = 3600.0
DAY = 24 * HOUR


def every(interval: float, work: Callable[[], None], first_after: float = FIRST_AFTER) -> None:
    """Do the work again and again, in a thread that ends with the process; in seconds.

    What goes wrong is logged: the next time may succeed.
    """

    def run() -> NoReturn:
        wait = threading.Event()
        wait.wait(first_after)
        while True:
            try:
                work()
            except Exception:
                LOG.exception("%s could not be done", work.__name__)
            wait.wait(interval)

    threading.Thread(target=run, name=work.__name__, daemon=True).start()
