# SPDX-License-Identifier: Apache-2.0
"""Following a run to its end: progress on stderr, and an exit status that tells how it went."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from trove_schedules.errors import ServiceError
from trove_schedules.words import shown

if TYPE_CHECKING:
    from trove_schedules.manager import ScheduledBackups
    from trove_schedules.runs.execution import ScheduleExecution

#: Exit statuses: the backup is completed, or proven; it is not; not needed, or not known yet.
COMPLETED, FAILED, OTHERWISE = 0, 1, 2
_ACHIEVED = ("Backup complete", "Backed up", "Drill passed", "Webhook delivered")
_POLL = 3.0
#: Seconds after which a line is printed, though there is no news.
_SAY_EVERY = 30.0


class Followed(Protocol):
    """What can be followed: an execution, or an instance that is being made."""

    @property
    def ended(self) -> bool: ...


F = TypeVar("F", bound=Followed)


def follow(
    look: Callable[[], F | None], seconds: float, waiting_for: str, told: Callable[[F], str]
) -> F | None:
    """Look until it has ended or the time is over; return what was seen last.

    :param waiting_for: what to say while there is nothing to see yet.
    :param told: where it stands, in words.
    """
    progress = Progress()
    seen = None
    while True:
        try:
            seen = look()
            now = waiting_for if seen is None else told(seen)
        except ServiceError as error:
            if not _says_nothing(error):
                raise
            now = f"can't read it now; trying again: {error}"
        waited = progress(now)
        if (seen is not None and seen.ended) or waited >= seconds:
            return seen
        time.sleep(min(_POLL, seconds - waited))


class Progress:
    """Says what is waited for: what is new at once, the same again every half a minute."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._said, self._said_at = "", 0.0

    def __call__(self, now: str) -> float:
        """Perhaps print a line; the seconds since the wait began."""
        waited = time.monotonic() - self._started
        if now != self._said or waited - self._said_at >= _SAY_EVERY:
            say(f"{now} ({waited:.0f} s)")
            self._said, self._said_at = now, waited
        return waited


def _says_nothing(error: ServiceError) -> bool:
    """Whether an answer, or none, leaves open what the execution does, which goes on without us.

    A service that is busy or broken, or a proxy before it, may tell at the next look; one that
    forbids the look will not. 413 is how Trove says that there were too many requests.
    """
    refused = error.status is not None and 400 <= error.status < 500
    return not refused or error.status in (408, 413, 429)


def add_arguments(parser: argparse.ArgumentParser, what: str, ends: str) -> None:
    """The options by which a command that starts an execution is told to follow it.

    :param ends: when it ends without help, after "a run" or "a drill".
    """
    parser.add_argument(
        "--wait",
        action="store_true",
        help=f"Wait for the end of the {what}, with progress on standard error",
    )
    parser.add_argument(
        "--timeout",
        metavar="<minutes>",
        type=_minutes,
        default=60.0,
        help=f"Wait at most this many minutes (default: 60; a {what} {ends})",
    )


def as_asked(
    parsed: argparse.Namespace, schedules: ScheduledBackups, started: ScheduleExecution
) -> tuple[ScheduleExecution, int]:
    """Follow an execution if those options say so; return what was seen last, and the status."""
    if not parsed.wait:
        return started, 0
    seen = follow(
        lambda: schedules.execution_show(started.id),
        parsed.timeout * 60,
        f"execution {started.id} is started",
        standing,
    )
    return seen or started, exit_status(seen or started)


def say(text: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} UTC  {shown(text)}\n")
    sys.stderr.flush()


def exit_status(execution: ScheduleExecution) -> int:
    """How it went, as a program sees it."""
    if execution.state in ("ERROR", "CANCELLED"):
        return FAILED
    achieved = _status(execution).startswith(_ACHIEVED) and not _left_undone(execution)
    if execution.state == "SUCCESS" and achieved:
        return COMPLETED
    return OTHERWISE


def _left_undone(execution: ScheduleExecution) -> bool:
    """Whether a policy's run leaves instances of which it has not seen a backup."""
    counts = execution.output.get("counts")
    if not isinstance(counts, dict):
        return False
    return bool(counts.get("taken") != counts.get("made", 0) + counts.get("done", 0))


def standing(execution: ScheduleExecution) -> str:
    """Where an execution stands, in words."""
    words = filter(None, (f"execution {execution.id}:", execution.state, _status(execution)))
    return " ".join(words)


def _status(execution: ScheduleExecution) -> str:
    return str(execution.output.get("status") or "")


def _minutes(text: str) -> float:
    """The type of an argument."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of minutes above 0")
    return value
