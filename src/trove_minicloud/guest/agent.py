# SPDX-License-Identifier: Apache-2.0
"""The guest agent, inside the Trove process.

Trove's `remote_guest_client` is `guest_client`, and its `remote_swift_client` is `swift_client`.
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
from typing import Any, BinaryIO, cast

from oslo_log import log as logging
from trove.backup.models import DBBackup
from trove.backup.state import BackupState

from trove_minicloud.guest import datastores, instances, report
from trove_minicloud.guest.backup import Parent
from trove_minicloud.guest.deletion import swift_client
from trove_minicloud.guest.errors import BackupNotFoundError, DamagedManifestError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.manifest import Key, Manifest
from trove_minicloud.guest.storage.local import LocalStore, key_of
from trove_minicloud.guest.worker import Job
from trove_minicloud.root import Root

__all__ = ["GuestClient", "guest_client", "is_serving", "recover", "swift_client"]

LOG = logging.getLogger(__name__)

_GIGABYTE = 1024**3
# How long a dead run's worker may take to notice.
_LOCK_WAIT = 30.0
_HEAD_ATTEMPTS = 5
_HEAD_INTERVAL = 1.0


def guest_client(context: Any, instance_id: str, manager: str | None = None) -> "GuestClient":
    """What Trove calls to reach the guest of an instance."""
    return GuestClient(instance_id)


class GuestClient:
    """Those of Trove's guest calls that the mini cloud has an answer to."""

    def __init__(self, instance_id: str) -> None:
        self._instance_id = instance_id

    def create_backup(self, backup_info: dict[str, Any]) -> None:
        """Start the backup and return."""
        key = Key(self._instance_id, backup_info["id"])
        threading.Thread(
            target=_back_up, args=(key, backup_info), name=key.backup_id, daemon=True
        ).start()

    def get_volume_info(self) -> dict[str, float]:
        """Use of the disk that the instance lies on, in GB."""
        usage = shutil.disk_usage(Root.default().instances)
        return {"used": round(usage.used / _GIGABYTE, 2), "total": usage.total // _GIGABYTE}


def is_serving(root: Root, instance: Instance) -> bool:
    """Whether a backup of the instance could begin now; takes 5 seconds at most."""
    return datastores.module(instance.datastore).is_serving(root, instance)


def recover() -> None:
    """Settle every backup of a run that ended in the middle of it; before Trove serves.

    What isn't in the store FAILED; leftovers are removed.

    :raises InstanceBusyError: a worker of that run is still there.
    """
    root = Root.default()
    store = LocalStore(root.backups)
    with contextlib.ExitStack() as locks:
        for instance in instances.all_instances(root):
            lock = instances.backup_lock(root, instance.id, "the start of Trove", _LOCK_WAIT)
            locks.enter_context(lock)
        for backup in _unfinished_backups():
            key = Key(backup.instance_id, backup.id)
            try:
                fields = report.completed_fields(store, store.head(key))
            except (BackupNotFoundError, DamagedManifestError) as error:
                cause = "The mini cloud ended in the middle of it."
                if isinstance(error, DamagedManifestError):
                    cause = str(error)
                fields = {"state": BackupState.FAILED}
                report.explain_failure(key, cause)
            backup.update(**fields)
        for name in [*store.sweep(), *map(str, instances.sweep(root))]:
            LOG.warning("Removed %s, which a dead run had left.", name)


def _unfinished_backups() -> list[Any]:
    with DBBackup.query() as query:
        unfinished = query.filter(DBBackup.state.in_(BackupState.RUNNING_STATES))
        return list(unfinished.filter_by(deleted=False))


def _back_up(key: Key, backup_info: dict[str, Any]) -> None:
    """Whatever happens, Trove hears of an end."""
    root = Root.default()
    try:
        LOG.info("Backup %s of instance %s starts.", key.backup_id, key.instance_id)
        report.started(key, backup_info["backup_type"])
        cause = run_worker(Job(str(root.path), *key, _parent_of(backup_info)))
    except Exception as error:
        LOG.exception("The worker of backup %s could not be run", key.backup_id)
        cause = f"{type(error).__name__}: {error}"
    fields = _outcome(LocalStore(root.backups), key, cause)
    try:
        report.ended(key, fields)
    except Exception:
        LOG.exception("Backup %s: Trove's conductor could not be told", key.backup_id)
        report.set_ended(key, fields)


def _outcome(store: LocalStore, key: Key, cause: str) -> dict[str, Any]:
    """What Trove is to know of the backup's end: what is in the store decides."""
    try:
        manifest = _head(store, key)
    except BackupNotFoundError:
        pass
    except (DamagedManifestError, OSError) as error:
        cause = f"{cause or 'It was taken'}; but the store can't be read: {error}"
    else:
        _log_success(manifest)
        return report.completed_fields(store, manifest)
    try:
        # A worker that was killed can't have cleaned up.
        store.delete(key)
    except OSError:
        # Trove's next start sweeps what has no manifest.
        LOG.exception("What is left of backup %s could not be removed", key.backup_id)
    report.explain_failure(key, cause)
    return {"state": BackupState.FAILED}


def _head(store: LocalStore, key: Key) -> Manifest:
    """:raises OSError: the store still can't be read at the last of some attempts."""
    for _attempt in range(_HEAD_ATTEMPTS - 1):
        try:
            return store.head(key)
        except OSError as error:
            LOG.warning("Backup %s: the store can't be read: %s", key.backup_id, error)
            time.sleep(_HEAD_INTERVAL)
    return store.head(key)


def _log_success(manifest: Manifest) -> None:
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


def _parent_of(backup_info: dict[str, Any]) -> Parent | None:
    parent = backup_info["parent"]
    return Parent(key_of(parent["location"]), parent["checksum"]) if parent else None


def run_worker(job: Job) -> str:
    """Run a worker to its end, and return why it failed if it did."""
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
    if output:
        return str(json.loads(output)["error"])
    how = f"was ended by signal {-returncode}" if returncode < 0 else f"exited {returncode}"
    return f"The worker process {how}."
