# SPDX-License-Identifier: Apache-2.0
"""What the supervisor needs to know of a long-lived program: how to start, ask and stop it."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class NotReadyError(Exception):
    """The program doesn't answer a real request yet; the text says what came back instead."""


#: What our own services take over from whoever starts the cloud, as patterns of names: where
#: Python finds them, and how they write. Cloud settings, proxies and secrets are not among it.
SERVICE_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "TROVE_MINICLOUD_*",
)
DATABASE_VARIABLES = ("PATH", "LANG")


@dataclass(frozen=True, slots=True)
class Program:
    """One program to keep running.

    `env` is added to what `inherits` leaves of the supervisor's environment. `user` is the uid to
    run as, or None for the invoking user. Timeouts are in seconds.

    `ready` returns when the program has answered a real request, and takes some seconds at most. It
    raises NotReadyError when the program doesn't answer, or answers what it shouldn't. Any other
    error says nothing of the program: it is not restarted for it.

    `if_silent` is what becomes of a program that isn't ready within its timeout, or no longer
    answers: it is restarted, or its state tells it. One that is left unasked can't be asked but at
    its start.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    user: int | None
    ready: Callable[[], None]
    ready_timeout: float
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0
    inherits: tuple[str, ...] = SERVICE_VARIABLES
    if_silent: Literal["restart", "tell", "unasked"] = "restart"
