# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the chaos suite: each fault is real, and lasts as long as its function.

None of them mends anything: what was broken has to come back by the supervisor or by itself. (A
disk that was filled is freed again, a clock put right, as an operator would.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import psutil

from bench.minicloud import login
from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services.config_files import config_arguments
from trove_minicloud.supervision import processes, state
from trove_minicloud.supervision.processes import ProcessRecord

#: A fault is called in mid-burst.
Fault = Callable[[Root], None]

#: An ordinary end, on a busy machine.
_ENDED_AFTER = 60.0
_CHUNK = bytes(65536)


class NotRunError(Exception):
    """This machine can't do that fault; the text says why."""


def killed(program: str) -> Fault:
    """SIGKILL to the program and all of its processes."""

    def fault(root: Root) -> None:
        _end(root, program, os.killpg, signal.SIGKILL)

    return fault


def restarted(program: str) -> Fault:
    """SIGTERM to the program, as a restart of a service begins."""

    def fault(root: Root) -> None:
        _end(root, program, os.kill, signal.SIGTERM)

    return fault


def _end(
    root: Root, program: str, send: Callable[[int, int], None], number: signal.Signals
) -> None:
    """Send the signal to the program's first process, or to its group, and wait for the end."""
    process = _processes(root)[program]
    send(process.pid, number)
    if not processes.wait_until_gone(process, _ENDED_AFTER):
        raise TimeoutError(f"{program} has not ended {_ENDED_AFTER:.0f} s after {number.name}.")


def stopped(program: str, seconds: float) -> Fault:
    """No such program for so long: each new one is killed before it serves."""

    def fault(root: Root) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(LookupError, ProcessLookupError):
                os.killpg(_processes(root)[program].pid, signal.SIGKILL)
            time.sleep(0.2)

    return fault


def guest_killed(root: Root) -> None:
    """SIGKILL to every worker that takes a backup, for half a minute.

    :raises NotRunError: it met none.
    """
    met = 0
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for process in psutil.Process(_processes(root)["trove"].pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "trove_minicloud.guest.worker" in process.cmdline():
                    process.kill()
                    met += 1
        time.sleep(0.02)
    if not met:
        raise NotRunError("no worker took a backup meanwhile")


def disk_full(folder: str, seconds: float) -> Fault:
    """Not a byte left on the file system of this folder of the root."""

    def fault(root: Root) -> None:
        filler = root.path / folder / "filler"
        try:
            end = time.monotonic() + seconds
            with filler.open("wb", buffering=0) as stream:
                while time.monotonic() < end:
                    _fill(stream.fileno())
                    time.sleep(0.2)
        finally:
            filler.unlink(missing_ok=True)

    return fault


def _fill(descriptor: int) -> None:
    size = len(_CHUNK)
    while size:
        try:
            os.write(descriptor, _CHUNK[:size])
        except OSError:
            size //= 2


@contextlib.contextmanager
def small_disk(root: Root, folders: Sequence[str], megabytes: int) -> Iterator[None]:
    """A file system of its own, in memory, for each of these folders of a new root.

    :raises NotRunError: this user may not mount.
    """
    root.prepare()
    mounted = []
    try:
        for name in folders:
            folder = root.path / name
            folder.mkdir(mode=0o700, exist_ok=True)
            options = f"size={megabytes}m,mode=700"
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "trove-schedules-chaos", str(folder)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise NotRunError(f"no small disk can be mounted: {done.stderr.strip()}")
            mounted.append(folder)
        yield
    finally:
        for folder in mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def clock_jump(seconds: float) -> Fault:
    """The periodic servers' clock is an hour ahead for a while, then right again.

    The stock servers are held, and one with another clock works in their place.
    """

    def fault(root: Root) -> None:
        groups = [
            process.pid
            for name, process in _processes(root).items()
            if name.startswith("mistral-periodic-")
        ]
        for group in groups:
            os.killpg(group, signal.SIGSTOP)
        # As the cloud starts them, see services.mistral.
        arguments = config_arguments(root.service("mistral"), "mistral")
        with root.log("mistral-periodic-ahead").open("ab") as log:
            ahead = subprocess.Popen(
                [sys.executable, "-m", "bench.ahead", *arguments, "--server", "periodic"],
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            time.sleep(seconds)
        finally:
            os.killpg(ahead.pid, signal.SIGKILL)
            ahead.wait()
            for group in groups:
                os.killpg(group, signal.SIGCONT)

    return fault


def user_deleted(user: str) -> Fault:
    """The user whose trusts the schedules have is deleted from Keystone."""

    def fault(root: Root) -> None:
        url = settings.load_or_create(root).keystone_url
        login(root, "minicloud-admin").delete(f"{url}/users/{user}")

    return fault


def _processes(root: Root) -> dict[str, ProcessRecord]:
    """What runs, by name."""
    found = state.load(root)
    programs = found.programs if found else ()
    return {each.name: each.process for each in programs if each.process}
