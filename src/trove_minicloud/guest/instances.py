# SPDX-License-Identifier: Apache-2.0
"""The database servers of a mini cloud, each one folder with an instance.json.

The file holds what is wanted; the supervisor and Trove follow it.
"""

import contextlib
import dataclasses
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from trove_minicloud.files import read_json, write_json
from trove_minicloud.guest.errors import (
    AmbiguousInstanceError,
    InstanceBusyError,
    InstanceNotFoundError,
)
from trove_minicloud.root import Root

_FILE = "instance.json"
_BUILDING = ".new-"


@dataclass(frozen=True, slots=True)
class Instance:
    """One database server.

    `managed` servers are started and stopped by the supervisor; the others run by themselves.
    `user` is the role that backups are taken with. `incarnation` names one history of the data
    directory: it is new at its making and at every restore, so that no incremental backup is
    ever built on a backup of another history. Times are UTC.
    """

    id: str
    name: str
    project_id: str
    datastore: str
    version: str
    managed: bool
    wanted: Literal["running", "stopped"]
    host: str
    port: int
    user: str
    incarnation: str
    created_at: datetime

    def folder(self, root: Root) -> Path:
        return root.instances / self.id

    def data(self, root: Root) -> Path:
        return self.folder(root) / "data"

    def log(self, root: Root) -> Path:
        return self.folder(root) / "server.log"

    def password_file(self, root: Root) -> Path:
        """The password of `user`, in the form that the database's own tools read."""
        return self.folder(root) / "backup.password"

    def superuser_password_file(self, root: Root) -> Path:
        """The administrator's password (managed servers only), in the same form."""
        return self.folder(root) / "superuser.password"


def save(root: Root, instance: Instance) -> None:
    """Replace the instance's file in one step."""
    write(instance.folder(root), instance)


def write(folder: Path, instance: Instance) -> None:
    """Like `save`, for the folder of an instance in the making."""
    values = dataclasses.asdict(instance)
    values["created_at"] = instance.created_at.isoformat()
    write_json(folder / _FILE, values)


def load(root: Root, instance_id: str) -> Instance:
    """:raises InstanceNotFoundError: there is none of this id."""
    return _read(root.instances / instance_id)


def _read(folder: Path) -> Instance:
    values = read_json(folder / _FILE)
    if values is None:
        raise InstanceNotFoundError(f"There is no instance in {folder}.")
    values["created_at"] = datetime.fromisoformat(values["created_at"])
    return Instance(**values)


def all_instances(root: Root) -> list[Instance]:
    """Every instance, oldest first."""
    found = []
    for file in root.instances.glob(f"*/{_FILE}"):
        if not file.parent.name.startswith(_BUILDING):
            # An instance may be removed while we look.
            with contextlib.suppress(InstanceNotFoundError):
                found.append(load(root, file.parent.name))
    return sorted(found, key=lambda instance: instance.created_at)


def find(root: Root, name_or_id: str) -> Instance:
    """The one instance of this id or name.

    :raises InstanceNotFoundError: there is none.
    :raises AmbiguousInstanceError: several bear the name.
    """
    instances = all_instances(root)
    for instance in instances:
        if instance.id == name_or_id:
            return instance
    named = [instance for instance in instances if instance.name == name_or_id]
    if not named:
        raise InstanceNotFoundError(f"There is no instance {name_or_id!r} under {root.path}.")
    if len(named) > 1:
        ids = ", ".join(instance.id for instance in named)
        raise AmbiguousInstanceError(
            f"Several instances are named {name_or_id!r}; use an id: {ids}"
        )
    return named[0]


def remove(root: Root, instance_id: str) -> None:
    """Delete the instance's folder, data included; a managed server must be stopped before.

    Its backups stay in the store.

    :raises InstanceBusyError: a backup of it is running.
    """
    folder = load(root, instance_id).folder(root)
    with backup_lock(root, instance_id):
        # Without its file it is no instance any more, whatever becomes of the rest.
        (folder / _FILE).unlink()
        shutil.rmtree(folder)


@contextlib.contextmanager
def building(root: Root) -> Iterator[Path]:
    """A folder for an instance in the making, which appears whole at the end or not at all.

    `write` the instance into the folder as the last step. The folder is locked meanwhile: this
    is how `sweep` tells it from one whose maker was killed.
    """
    folder = Path(tempfile.mkdtemp(dir=root.instances, prefix=_BUILDING))
    # The user who runs the server has to pass through it.
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
        folder.rename(_read(folder).folder(root))
    except BaseException:
        shutil.rmtree(folder)
        raise
    finally:
        os.close(descriptor)


def sweep(root: Root) -> list[Path]:
    """Remove what killed makers of instances left behind, and return it."""
    swept = []
    for folder in root.instances.glob(f"{_BUILDING}*"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
            swept.append(folder)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
    return swept


@contextlib.contextmanager
def backup_lock(root: Root, instance_id: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the instance's one backup lock, which ends with the process that holds it.

    :param wait: seconds to wait for it.
    :raises InstanceBusyError: another process holds it.
    """
    path = root.instances / instance_id / "backup.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise InstanceBusyError(
                        f"A backup of instance {instance_id} is running"
                        f" (waited {wait:.0f} s for its end)."
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
