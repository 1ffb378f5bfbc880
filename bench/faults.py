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
from pathlib import Path

import psutil

from bench.minicloud import login
from trove_minicloud import debian, settings, state
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root

#: A fault is called in mid-burst.
Fault = Callable[[Root], None]

_HOUR = 3600
_CHUNK = bytes(65536)


class NotRunError(Exception):
    """This machine can't do that fault; the text says why."""


def killed(program: str) -> Fault:
    """SIGKILL to the program and all of its processes."""

    def fault(root: Root) -> None:
        os.killpg(_pid(root, program), signal.SIGKILL)

    return fault


def restarted(program: str) -> Fault:
    """SIGTERM to the program, as a restart of a service begins."""

    def fault(root: Root) -> None:
        os.kill(_pid(root, program), signal.SIGTERM)

    return fault


def stopped(program: str, seconds: float) -> Fault:
    """No such program for so long: each new one is killed before it serves."""

    def fault(root: Root) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(LookupError, ProcessLookupError):
                os.killpg(_pid(root, program), signal.SIGKILL)
            time.sleep(0.2)

    return fault


def guest_killed(root: Root) -> None:
    """SIGKILL to every worker that takes a backup, for half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for process in psutil.Process(_pid(root, "trove")).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "trove_minicloud.guest.worker" in process.cmdline():
                    process.kill()
        time.sleep(0.02)


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
        held = [each for each in _programs(root) if each.startswith("mistral-periodic-")]
        library = _fake_time(root)
        groups = [_pid(root, each) for each in held]
        for group in groups:
            os.killpg(group, signal.SIGSTOP)
        # As the cloud starts them, see services.mistral.
        folder = root.service("mistral")
        module = "trove_minicloud.services.run_mistral_server"
        environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME": f"+{_HOUR}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONWARNINGS": "ignore",
        }
        with root.log("mistral-periodic-ahead").open("ab") as log:
            ahead = subprocess.Popen(
                [sys.executable, "-m", module, str(folder), "periodic"],
                env={**os.environ, **environment},
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


def _fake_time(root: Root) -> Path:
    """Debian's libfaketime. :raises NotRunError: it can't be had here."""
    pattern = "usr/lib/*/faketime/libfaketime.so.1"
    try:
        found = [*Path("/").glob(pattern), *debian.unpack(root, ["libfaketime"]).glob(pattern)]
    except MiniCloudError as error:
        raise NotRunError(str(error)) from error
    return found[0]


def user_deleted(user: str) -> Fault:
    """The user whose trusts the schedules have is deleted from Keystone."""

    def fault(root: Root) -> None:
        url = settings.load_or_create(root).keystone_url
        login(root, "minicloud-admin").delete(f"{url}/users/{user}")

    return fault


def _pid(root: Root, program: str) -> int:
    return _programs(root)[program]


def _programs(root: Root) -> dict[str, int]:
    """The process ids of what runs, by name."""
    found = state.load(root)
    programs = found.programs if found else ()
    return {each.name: each.process.pid for each in programs if each.process}
