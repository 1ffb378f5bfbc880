# SPDX-License-Identifier: Apache-2.0
"""The folders of instances: made whole or not at all, removed in one step, swept after a crash."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trove_minicloud.guest import instances
from trove_minicloud.root import Root

_DELETE_TIMEOUT = 5.0


def remove(root: Root, instance_id: str) -> None:
    """Delete the instance's folder, data included. Its backups stay in the store.

    A managed server must be stopped before, and the backup lock be held.
    """
    folder = instances.load(root, instance_id).folder(root)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Locked, so that nobody's `sweep` works on it as well.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # In one step it is no instance any more; `sweep` knows the rest by its name.
        removed = folder.rename(folder.with_name(f"{instances.REMOVED}{instance_id}"))
        _delete(removed)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def building(root: Root) -> Iterator[Path]:
    """A folder for an instance in the making, which appears whole at the end or not at all.

    `write` the instance into the folder as the last step. The folder is locked meanwhile: this
    is how `sweep` tells it from one whose maker was killed.
    """
    # What was left behind may be as large as what is to come.
    sweep(root)
    folder, descriptor = _locked_folder(root)
    try:
        # The user who runs the server has to pass through it.
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        yield folder
        folder.rename(instances.read(folder).folder(root))
    except BaseException:
        _delete(folder)
        raise
    finally:
        os.close(descriptor)


def _locked_folder(root: Root) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(dir=root.instances, prefix=instances.BUILDING))
        # Until it is locked, another process may sweep it.
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)


def sweep(root: Root) -> list[Path]:
    """Remove what killed makers and removers of instances left behind, and return it."""
    swept = []
    for prefix in (instances.BUILDING, instances.REMOVED):
        for folder in root.instances.glob(f"{prefix}*"):
            # One that is gone was swept by another process.
            with contextlib.suppress(FileNotFoundError):
                if _sweep_folder(folder):
                    swept.append(folder)
    return swept


def _delete(folder: Path) -> None:
    """A program in it whose starter was killed may go on for a moment."""
    deadline = time.monotonic() + _DELETE_TIMEOUT
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _sweep_folder(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _delete(folder)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
