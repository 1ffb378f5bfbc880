# SPDX-License-Identifier: Apache-2.0
"""The database servers of a mini cloud, each one folder with an instance.json.

The file holds what is wanted; the supervisor and Trove follow it.
"""

import contextlib
import dataclasses
import fcntl
import logging
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from trove_minicloud.errors import (
    AmbiguousInstanceError,
    DamagedFileError,
    InstanceBusyError,
    InstanceNotFoundError,
)
from trove_minicloud.files import known_fields, read_json, write_json
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports

LOG = logging.getLogger(__name__)

#: Where the servers that we make listen.
HOST = "127.0.0.1"
#: Seconds for an answer of a server on which a backup or a restore depends, however busy it is, and
#: of one that is only looked at, again and again.
ANSWER_TIMEOUT = 60.0
PROBE_TIMEOUT = 4.5
_FILE = "instance.json"
# The complaints about damaged files that this process has made already.
_told: set[str] = set()
#: What the names of folders begin with that hold no instance yet, and none any more.
BUILDING = ".new-"
REMOVED = ".old-"


@dataclass(frozen=True, slots=True)
class Instance:
    """One database server.

    `managed` servers are started and stopped by the supervisor; the others run by themselves.
    `user` is the role that backups are taken with. `incarnation` names one history of the data
    directory: it is new at its making and at every restore, so that no incremental backup is
    ever built on a backup of another history. Times are UTC. `sslmode` and `sslrootcert` are
    libpq's, for an encrypted connection to a server that isn't managed; else they are empty.
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
    sslmode: str = ""
    sslrootcert: str = ""

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


def new(
    root: Root,
    name: str,
    project_id: str,
    *,
    instance_id: str | None = None,
    port: int | None = None,
    datastore: str,
    version: str,
    user: str,
) -> Instance:
    """A managed instance on a free loopback port, with a history of its own; nothing is saved.

    :param instance_id: where Trove has chosen it, or None for a new one.
    :param port: None chooses one.
    """
    return Instance(
        id=instance_id or str(uuid.uuid4()),
        name=name,
        project_id=project_id,
        datastore=datastore,
        version=version,
        managed=True,
        wanted="running",
        host=HOST,
        port=port or ports.choose(1, root)[0],
        user=user,
        incarnation=str(uuid.uuid4()),
        created_at=datetime.now(UTC),
    )


def save(root: Root, instance: Instance) -> None:
    """Replace the instance's file in one step.

    :raises InstanceNotFoundError: its folder is gone.
    """
    try:
        write(instance.folder(root), instance)
    except FileNotFoundError:
        raise deleted_meanwhile(instance) from None


def deleted_meanwhile(instance: Instance) -> InstanceNotFoundError:
    return InstanceNotFoundError(f"Instance {instance.name} was deleted meanwhile.")


def write(folder: Path, instance: Instance) -> None:
    """Like `save`, for the folder of an instance in the making."""
    values = dataclasses.asdict(instance)
    values["created_at"] = instance.created_at.isoformat()
    write_json(folder / _FILE, values)


def changed_at(root: Root, instance_id: str) -> datetime:
    """When the instance's file was last written.

    :raises InstanceNotFoundError: no instance has this id.
    """
    file = root.instances / instance_id / _FILE
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError:
        raise InstanceNotFoundError(f"There is no instance in {file.parent}.") from None


def load(root: Root, instance_id: str) -> Instance:
    """:raises InstanceNotFoundError: no instance has this id."""
    return read(root.instances / instance_id)


def read(folder: Path) -> Instance:
    """The instance in this folder, which may be one in the making.

    :raises InstanceNotFoundError: the folder holds no instance.
    """
    values = read_json(folder / _FILE)
    if values is None:
        raise InstanceNotFoundError(f"There is no instance in {folder}.")
    try:
        created_at = datetime.fromisoformat(values["created_at"])
        return Instance(**known_fields(Instance, values) | {"created_at": created_at})
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{folder / _FILE} is damaged: {error}") from error


@dataclass(frozen=True, slots=True)
class Found:
    """The instances of a root, oldest first.

    `unreadable` are the ids of those whose files can't be read, and why. They are there, so nothing
    of theirs may be stopped or deleted.
    """

    instances: list[Instance]
    unreadable: dict[str, str]


def look(root: Root) -> Found:
    """:raises OSError: the folder of the instances can't be read."""
    found, unreadable = [], {}
    # Not by `glob`, which passes over what it can't read.
    for folder in root.instances.iterdir():
        if (name := folder.name).startswith((BUILDING, REMOVED)):
            continue
        try:
            found.append(load(root, name))
        except (InstanceNotFoundError, NotADirectoryError):
            # It was removed while we looked, or is something else.
            continue
        except (DamagedFileError, OSError) as error:
            unreadable[name] = str(error)
            # The supervisor asks twice a second.
            if str(error) not in _told:
                _told.add(str(error))
                LOG.error("instance %s can't be read: %s", name, error)
    return Found(sorted(found, key=lambda instance: instance.created_at), unreadable)


def all_instances(root: Root) -> list[Instance]:
    """Every instance that can be read, oldest first."""
    return look(root).instances if root.instances.exists() else []


def find(root: Root, name_or_id: str) -> Instance:
    """The one instance of this id or name.

    :raises InstanceNotFoundError: no instance has this id or name.
    :raises AmbiguousInstanceError: several bear the name.
    :raises DamagedFileError: it can't be read.
    """
    seen = look(root) if root.instances.exists() else Found([], {})
    if name_or_id in seen.unreadable:
        raise DamagedFileError(seen.unreadable[name_or_id])
    instances = seen.instances
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


@contextlib.contextmanager
def backup_lock(root: Root, instance_id: str, purpose: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the instance's one backup lock, which ends with the process that holds it.

    :param purpose: what others are told that the instance is busy with.
    :param wait: seconds to wait for it.
    :raises InstanceNotFoundError: there is no such instance.
    :raises InstanceBusyError: another process holds it.
    """
    path = root.instances / instance_id / "backup.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        raise InstanceNotFoundError(f"There is no instance in {path.parent}.") from None
    deadline = time.monotonic() + wait
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    # Empty for the moment between its being locked and written.
                    holder = os.pread(descriptor, 200, 0).decode() or "something else"
                    raise InstanceBusyError(
                        f"Instance {instance_id} is busy with {holder} (waited {wait:.0f} s for"
                        " its end). Try again when that is over.",
                        holder,
                    ) from None
                time.sleep(0.05)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, purpose.encode(), 0)
        yield
    finally:
        os.close(descriptor)
