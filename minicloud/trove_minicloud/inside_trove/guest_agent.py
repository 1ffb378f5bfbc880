# SPDX-License-Identifier: Apache-2.0
"""The guest agent, inside the Trove process.

Trove's `remote_guest_client` is `guest_client`.
On a real cloud an agent runs in each database's virtual machine. Here one function per instance
starts a worker process per backup and tells Trove how it ended.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from oslo_log import log as logging
from trove.backup.models import DBBackup
from trove.backup.state import BackupState
from trove.common.cfg import CONF

from trove_minicloud.errors import (
    BackupError,
    BackupNotFoundError,
    MiniCloudError,
    RestoreError,
    StoreError,
)
from trove_minicloud.guest import datastores, folders, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.taking import Parent, Title
from trove_minicloud.guest.worker import Job
from trove_minicloud.inside_trove import making, report
from trove_minicloud.root import Root
from trove_minicloud.services import state_copies
from trove_minicloud.stores import local, room
from trove_minicloud.stores.finding import location_for, store_of
from trove_minicloud.stores.manifest import Key, Manifest
from trove_minicloud.stores.store import Store, key_of

LOG = logging.getLogger(__name__)

_GIGABYTE = 1024**3
# How long a dead run's worker may take to notice.
_LOCK_WAIT = 30.0
# One takes a process of the database, one of the compressor, and the disk's time.
_AT_ONCE = threading.BoundedSemaphore(4)
# At what a worker that failed has left.
_LOOKS = 5
_LOOK_INTERVAL = 1.0


def guest_client(context: Any, instance_id: str, manager: str | None = None) -> "GuestClient":
    """What Trove calls to reach the guest of an instance."""
    return GuestClient(context.auth_token, instance_id)


class GuestClient:
    """Those of Trove's guest calls that the mini cloud has an answer to.

    The token is that of the request that Trove answers by this call. What a schedule asks for comes
    with a token of the schedule's trust, so its backups prove that the trust still holds.
    """

    def __init__(self, token: str, instance_id: str) -> None:
        self._token = token
        self._instance_id = instance_id

    def create_backup(self, backup_info: dict[str, Any]) -> None:
        """Start the backup and return."""
        key = Key(self._instance_id, backup_info["id"])
        threading.Thread(
            target=_back_up, args=(key, backup_info, self._token), name=key.backup_id, daemon=True
        ).start()

    def prepare(
        self,
        memory_mb: int,
        packages: Any,
        databases: Any,
        users: Any,
        backup_info: dict[str, Any] | None = None,
        **_rest: Any,
    ) -> None:
        """Make the instance's server, empty or from a backup; Trove waits until it serves."""
        making.make(Root.default(), self._instance_id, backup_info, self._token)

    def list_databases(
        self, limit: int, marker: str | None, include_marker: bool
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of databases, as Trove's own agent gives it, and the marker of the next one."""
        found, following = _page(self._ask("databases"), limit, marker, include_marker)
        databases = [{"_name": name, "_collate": None, "_character_set": None} for name in found]
        return databases, following

    def list_users(
        self, limit: int, marker: str | None, include_marker: bool
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of users, likewise. What they may do is not told."""
        found, following = _page(self._ask("users"), limit, marker, include_marker)
        users: list[dict[str, Any]] = [
            {"_name": name, "_host": "%", "_password": None, "_databases": []} for name in found
        ]
        return users, following

    def _ask(self, question: str) -> list[str]:
        root = Root.default()
        instance = instances.load(root, self._instance_id)
        names: list[str] = getattr(datastores.named(instance.datastore), question)(root, instance)
        return names

    def stop_db(self) -> None:
        """Trove's wish before it deletes the server, which here is stopped by that time."""

    def get_volume_info(self) -> dict[str, float]:
        """Use of the disk that the instance lies on, in GB."""
        usage = shutil.disk_usage(Root.default().instances)
        return {"used": round(usage.used / _GIGABYTE, 2), "total": usage.total // _GIGABYTE}


def _page(
    names: list[str], limit: int, marker: str | None, include_marker: bool
) -> tuple[list[str], str | None]:
    """The names after the marker, and the last of them if there are more."""
    names = sorted(names)
    if marker is not None:
        names = [each for each in names if each > marker or (include_marker and each == marker)]
    return names[:limit], names[limit - 1] if len(names) > limit else None


def is_serving(root: Root, instance: Instance) -> bool:
    """Whether a backup of the instance could begin now; takes 5 seconds at most."""
    return datastores.named(instance.datastore).is_serving(root, instance)


def recover() -> None:
    """Settle every backup of a run that ended in the middle of it; before Trove serves.

    What isn't in the store FAILED; leftovers are removed. In Swift nobody can look without a token
    of the project: what was on its way there FAILED, and is removed as `_sweep` says.

    :raises InstanceBusyError: a worker of that run is still there.
    """
    root = Root.default()
    with contextlib.ExitStack() as locks:
        for instance in instances.all_instances(root):
            lock = instances.backup_lock(root, instance.id, "the start of Trove", _LOCK_WAIT)
            locks.enter_context(lock)
        for backup in _unfinished_backups():
            key = Key(backup.instance_id, backup.id)
            cause = "The mini cloud ended in the middle of it."
            backup.update(**_outcome(root, key, backup.location, None, cause))
        for name in folders.sweep(root):
            LOG.warning("Removed %s, which a dead run had left.", name)


def _unfinished_backups() -> list[Any]:
    with DBBackup.query() as query:
        unfinished = query.filter(DBBackup.state.in_(BackupState.RUNNING_STATES))
        return list(unfinished.filter_by(deleted=False))


def _back_up(key: Key, backup_info: dict[str, Any], token: str) -> None:
    """Whatever happens, Trove hears of an end."""
    root = Root.default()
    location = None
    try:
        LOG.info("Backup %s of instance %s starts.", key.backup_id, key.instance_id)
        container = CONF.backup_swift_container
        location = location_for(root, key, backup_info, container, token)
        report.started(key, backup_info["backup_type"], location)
        _sweep(root, key.instance_id, token)
        parent = backup_info["parent"]
        job = Job(
            str(root.path),
            location,
            Parent(parent["location"], parent["checksum"]) if parent else None,
            Title(backup_info["name"], backup_info["description"] or ""),
            token,
        )
        with _AT_ONCE, _room(root, key, backup_info["backup_type"], location):
            manifest = run_worker(job)
        fields = _completed(location, manifest)
    except MiniCloudError as error:
        fields = _outcome(root, key, location, token, str(error))
    except Exception as error:
        LOG.exception("The worker of backup %s could not be run", key.backup_id)
        fields = _outcome(root, key, location, token, f"{type(error).__name__}: {error}")
    try:
        report.ended(key, fields)
    except Exception:
        LOG.exception("Backup %s: Trove's conductor could not be told", key.backup_id)
        report.set_ended(key, fields)
    if location is not None and fields["state"] == BackupState.COMPLETED:
        state_copies.after_backup(root, location)


@contextlib.contextmanager
def _room(root: Root, key: Key, kind: str, location: str) -> Iterator[None]:
    """As much as the instance's last backup of this kind took; the first one is tried.

    Other stores than the folder know themselves when they are full.
    """
    if not location.startswith(local.SCHEME):
        yield
        return
    with room.promised(root, root.backups, _last_size(key.instance_id, kind), "The backup"):
        yield


def _last_size(instance_id: str, kind: str) -> int:
    """The size of the last completed backup, in bytes. Without one: 0."""
    with DBBackup.query() as query:
        completed = query.filter_by(
            instance_id=instance_id, backup_type=kind, state=BackupState.COMPLETED, deleted=False
        )
        last = completed.order_by(DBBackup.updated.desc()).first()
        return int(last.size * _GIGABYTE) if last else 0


def _outcome(
    root: Root, key: Key, location: str | None, token: str | None, cause: str
) -> dict[str, Any]:
    """What Trove is to know of a backup whose worker failed: what is in the store decides.

    A failed backup keeps its location where something of it may be in the store: its deletion, or
    the instance's next backup, sees to that.
    """
    if location is not None:
        try:
            if (found := _look(root, key, location, token, _LOOKS)) is not None:
                return found
            location = None
        except (RestoreError, StoreError, OSError) as error:
            cause = f"{cause}; what is in the store can't be told: {error}"
    report.explain_failure(key, cause)
    return {"state": BackupState.FAILED, "location": location}


def _look(
    root: Root, key: Key, location: str, token: str | None, looks: int = 1
) -> dict[str, Any] | None:
    """What Trove is to know of a backup that is whole; None where there is nothing left of it.

    Only what the store doesn't have is removed, for it may be no more than parts. Whoever can't
    look removes nothing: the backup may be whole.

    :param looks: how often to ask a store that can't be read.
    :raises RestoreError: the location is in none of our stores, or what is there can't be read.
    :raises StoreError, OSError: it can't be told now, or parts can't be removed.
    """
    store = store_of(root, location, token)
    try:
        manifest = _head(store, key, looks)
    except BackupNotFoundError:
        # A worker that was killed can't have cleaned up.
        store.delete(key)
        return None
    return _completed(store.location(key), manifest)


def _head(store: Store, key: Key, looks: int) -> Manifest:
    for _look in range(looks - 1):
        try:
            return store.head(key)
        except (StoreError, OSError) as error:
            LOG.warning("Backup %s: the store can't be read: %s", key.backup_id, error)
            time.sleep(_LOOK_INTERVAL)
    return store.head(key)


def _sweep(root: Root, instance_id: str, token: str) -> None:
    """See what failed backups of the instance have left in a store that failed as well."""
    for backup in _failed_with_leftovers(instance_id):
        try:
            found = _look(root, key_of(backup.location), backup.location, token)
        except (RestoreError, StoreError, OSError) as error:
            # It stays on record, for the next backup or its own deletion.
            LOG.warning("What is left of backup %s can't be told: %s", backup.id, error)
            continue
        if found is None:
            LOG.info("Nothing is left of backup %s.", backup.id)
        else:
            LOG.warning("Backup %s, whose store could not be read, is whole.", backup.id)
        backup.update(**(found or {"location": None}))


def _failed_with_leftovers(instance_id: str) -> list[Any]:
    with DBBackup.query() as query:
        failed = query.filter_by(instance_id=instance_id, state=BackupState.FAILED, deleted=False)
        return list(failed.filter(DBBackup.location.is_not(None)))


def _completed(location: str, manifest: Manifest) -> dict[str, Any]:
    LOG.info(
        "Backup %s of instance %s COMPLETED: %s, %d bytes stored of %d, in %.1f s%s",
        manifest.backup_id,
        manifest.instance_id,
        manifest.kind,
        manifest.stored_size,
        manifest.raw_size,
        (manifest.finished_at - manifest.started_at).total_seconds(),
        f"; {manifest.reason}" if manifest.reason else "",
    )
    return report.completed_fields(location, manifest)


def run_worker(job: Job) -> Manifest:
    """Run a worker to its end, and return the manifest that the store has taken.

    :raises BackupError: it failed, and why; or it died without a word.
    """
    worker = subprocess.Popen(
        (sys.executable, "-m", "trove_minicloud.guest.worker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A session of its own, to end the backup tool with it.
        start_new_session=True,
    )
    stdin, stdout = cast(BinaryIO, worker.stdin), cast(BinaryIO, worker.stdout)
    try:
        stdin.write(job.to_line())
        stdin.flush()
        # It gives up by itself when its tool stalls, so this ends.
        output = stdout.read()
        returncode = worker.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        stdin.close()
        stdout.close()
    if not output:
        how = f"was ended by signal {-returncode}" if returncode < 0 else f"exited {returncode}"
        raise BackupError(f"The worker process {how}.")
    end = json.loads(output)
    if "error" in end:
        raise BackupError(str(end["error"]))
    return Manifest.from_json(end["manifest"])
