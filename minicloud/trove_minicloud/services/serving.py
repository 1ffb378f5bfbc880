# SPDX-License-Identifier: Apache-2.0
"""What the three service processes have in common: ending with the supervisor, and serving."""

import ctypes
import gc
import signal
import threading
from collections.abc import Callable
from typing import Any

from cheroot import wsgi

_PR_SET_PDEATHSIG = 1
_THREADS = 10


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def serve(application: Any, port: int, name: str) -> None:
    """Serve the WSGI application on 127.0.0.1 until SIGTERM."""
    # What there is by now stays until the end: only what requests leave is looked through.
    gc.freeze()
    gc.enable()
    server = wsgi.Server(("127.0.0.1", port), application, numthreads=_THREADS, server_name=name)
    on_terminate(server.stop)
    server.start()


def on_terminate(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM, in a thread: a signal handler must not take locks."""

    def handle(_number: int, _frame: object) -> None:
        threading.Thread(target=stop, name="stop").start()

    signal.signal(signal.SIGTERM, handle)
    # Ctrl-C in a terminal is the supervisor's to handle; it stops the services in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
