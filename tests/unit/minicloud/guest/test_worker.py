# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.guest import fake_postgresql
from trove_minicloud.guest import folders, instances
from trove_minicloud.guest.postgresql.binaries import FOLDER_VARIABLE
from trove_minicloud.guest.taking import Parent, Title
from trove_minicloud.guest.worker import Job
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key, Manifest


@pytest.fixture
def tools(root: Root, tmp_path: Path) -> Path:
    with folders.building(root) as folder:
        instances.write(folder, examples.instance())
    return fake_postgresql.install(tmp_path / "bin")


@contextlib.contextmanager
def working(root: Root, tools: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that has got its job."""
    process = subprocess.Popen(
        (sys.executable, "-m", "trove_minicloud.guest.worker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, FOLDER_VARIABLE: str(tools)},
    )
    assert process.stdin is not None
    process.stdin.write(Job(str(root.path), "file:///instance-1/b.tar.zst", None).to_line())
    process.stdin.flush()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.02)


def output(worker: subprocess.Popen[bytes]) -> bytes:
    assert worker.stdout is not None
    with worker.stdout as stdout:
        return stdout.read()


def test_a_job_survives_its_line() -> None:
    parent, title = Parent("file:///i/a.tar.zst", "00"), Title("nightly", "by a schedule")
    job = Job("/root", "file:///i/b.tar.zst", parent, title, "token")

    assert Job.from_line(job.to_line()) == job
    assert "token=" not in repr(job)


def test_success_is_exit_status_0_and_the_manifest_that_is_stored(
    root: Root, tools: Path, store: LocalStore
) -> None:
    with working(root, tools) as worker:
        told = Manifest.from_json(json.loads(output(worker))["manifest"])
        assert worker.wait(30) == 0
    assert store.head(Key("instance-1", "b")) == told
    assert told.kind == "full"


def test_a_failure_is_named_on_stdout(root: Root, tools: Path) -> None:
    (tools / "fails").touch()

    with working(root, tools) as worker:
        assert "the server went away" in json.loads(output(worker))["error"]
        assert worker.wait(30) == 1


@pytest.mark.parametrize("how", ["parent died", "terminated"])
def test_a_worker_whose_parent_dies_or_that_is_terminated_leaves_nothing(
    root: Root, tools: Path, how: str
) -> None:
    (tools / "waits").touch()
    with working(root, tools) as worker:
        wait_for(tools / "reached")
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        assert children

        if how == "parent died":
            assert worker.stdin is not None
            worker.stdin.close()
        else:
            worker.send_signal(signal.SIGTERM)

        assert b"stopped before its end" in output(worker)
        assert worker.wait(30) == 1
    assert not list(root.backups.glob("*/*"))
    assert not [child for child in children if Path("/proc", child).exists()]
