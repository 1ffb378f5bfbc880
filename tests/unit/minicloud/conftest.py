# SPDX-License-Identifier: Apache-2.0
"""A root in a temporary folder, and small programs to supervise."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.supervision import processes, state
from trove_minicloud.supervision.program import NotReadyError, Program

MakeProgram = Callable[..., Program]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's own, which nobody else can pass: as uid 0 no root may be there."""
    with tempfile.TemporaryDirectory(prefix="minicloud-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder).resolve()


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    """A prepared root; whatever is on record as running under it at the end is killed."""
    made = Root.at(tmp_path / "cloud")
    made.prepare()
    yield made
    status = state.load(made)
    for program in status.programs if status else ():
        if program.process:
            processes.stop_group(program.process)


@pytest.fixture
def store(root: Root) -> LocalStore:
    """Where the root keeps its backups."""
    return LocalStore(root.backups)


@pytest.fixture
def make_program(root: Root) -> MakeProgram:
    """Makes a program that runs some lines of Python and is ready once it wrote `ready`."""

    def make(name: str = "small", code: str = "", **changes: object) -> Program:
        marker = root.path / f"{name}.ready"
        marker.unlink(missing_ok=True)

        def ready() -> None:
            if not marker.exists():
                raise NotReadyError("it has not written its file")

        fields: dict[str, object] = {
            "name": name,
            "argv": (
                sys.executable,
                "-c",
                f"import os, pathlib, signal, sys, time\nready = pathlib.Path({str(marker)!r})\n"
                + (code or "ready.touch()\ntime.sleep(60)"),
            ),
            "env": {},
            "cwd": root.path,
            "log": root.log(name),
            "user": None,
            "ready": ready,
            "ready_timeout": 60.0,
            "stop_timeout": 5.0,
        }
        return Program(**(fields | changes))  # type: ignore[arg-type]

    return make


def wait_for(condition: Callable[[], bool], timeout: float = 60.0) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not so after {timeout} s"
        time.sleep(0.02)
