# SPDX-License-Identifier: Apache-2.0
"""Takes one backup of one instance into a store: `take_backup`."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from trove_minicloud.errors import BackupToolError, ParentRefusedError, RestoreError, StoreError
from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.chain import chain
from trove_minicloud.guest.datastores import Datastore, Source, Tool
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.stream import Sink, Streamed, stream
from trove_minicloud.root import Root
from trove_minicloud.stores.manifest import CHECKSUM_LENGTH, Key, Manifest
from trove_minicloud.stores.store import Store

#: Two requests that come at once both find the instance idle, and Trove says yes to both. What it
#: has accepted is made, so the second backup waits for the end of the first.
_LOCK_WAIT = 600.0


@dataclass(frozen=True, slots=True)
class Title:
    """What people call the backup in Trove."""

    name: str = ""
    description: str = ""


UNTITLED = Title()


@dataclass(frozen=True, slots=True)
class Parent:
    """The backup to build an incremental one on, as Trove knows it: the beginning of its sha256."""

    location: str
    sha256: str


def take_backup(
    root: Root,
    store: Store,
    instance: Instance,
    backup_id: str,
    parent: Parent | None,
    title: Title = UNTITLED,
) -> Manifest:
    """Take a backup, and return its manifest once it is stored and checked.

    With a parent it is incremental, or full where that parent can't be built on: an incremental
    backup is an economy, and a backup that was asked for must not be missing for want of one.
    The manifest's `reason` says why.

    :raises InstanceBusyError: another backup of the instance is still running after ten minutes.
    :raises MiniCloudError: it was not taken; nothing of it is left in the store, unless the store
        failed, too.
    """
    kind = datastores.named(instance.datastore)
    with instances.backup_lock(root, instance.id, f"backup {backup_id}", _LOCK_WAIT):
        source = kind.inspect(root, instance)
        job = _Job(root, store, kind, instance, source, Key(instance.id, backup_id), title)
        if parent is None:
            return job.take(None, None)
        try:
            return job.take(_accept(store, instance, source, parent), None)
        except ParentRefusedError as error:
            reason = str(error)
        except BackupToolError as error:
            # Servers refuse a parent before they send anything. Whatever else may have been
            # the cause fails the full backup too, and is then reported.
            if error.raw_bytes or error.returncode < 0:
                raise
            reason = f"the server refused: {error.reason}"
        return job.take(None, f"full instead of incremental on {parent.location}: {reason}")


def _accept(store: Store, instance: Instance, source: Source, parent: Parent) -> Manifest:
    """The parent's manifest, if an incremental backup may be built on it.

    :raises ParentRefusedError: it may not.
    """
    if source.incremental_obstacle:
        raise ParentRefusedError(source.incremental_obstacle)
    try:
        key = store.key_of(parent.location)
        if key.instance_id != instance.id:
            raise ParentRefusedError(f"it is a backup of instance {key.instance_id}")
        manifest = store.head(key)
        chain(store, manifest)
    except RestoreError as error:
        raise ParentRefusedError(f"it could not be restored: {error}") from error
    if len(parent.sha256) < CHECKSUM_LENGTH or not manifest.sha256.startswith(parent.sha256):
        raise ParentRefusedError("it has another checksum than Trove knows")
    # The server itself may accept a parent from before a restore, and rows are lost by that.
    if manifest.incarnation != source.incarnation:
        raise ParentRefusedError("it is of another history of the server, from before a restore")
    return manifest


@dataclass(frozen=True, slots=True)
class _Job:
    root: Root
    store: Store
    kind: Datastore
    instance: Instance
    source: Source
    key: Key
    title: Title

    def take(self, parent: Manifest | None, reason: str | None) -> Manifest:
        started_at = datetime.now(UTC)
        with self._basis(parent) as basis:
            tool = self.kind.backup_tool(self.root, self.instance, basis)
            upload = self.store.begin(self.key)
            try:
                with tool.during():
                    streamed = _streamed(tool, upload)
                manifest = Manifest(
                    backup_id=self.key.backup_id,
                    instance_id=self.instance.id,
                    instance_name=self.instance.name,
                    project_id=self.instance.project_id,
                    datastore=self.instance.datastore,
                    version=self.source.version,
                    incarnation=self.source.incarnation,
                    kind="incremental" if parent else "full",
                    parent_id=parent.backup_id if parent else None,
                    reason=reason,
                    raw_size=streamed.raw_size,
                    stored_size=streamed.stored_size,
                    sha256=streamed.sha256,
                    basis_sha256=hashlib.sha256(streamed.basis).hexdigest(),
                    started_at=started_at,
                    finished_at=datetime.now(UTC),
                    name=self.title.name,
                    description=self.title.description,
                )
                upload.commit(manifest, streamed.basis)
            except BaseException as error:
                try:
                    upload.abort()
                except (StoreError, OSError) as left:
                    # Trove's process tries again, and keeps in mind what it can't remove.
                    error.add_note(f"What was stored of it could not be removed: {left}")
                raise
        return manifest

    @contextlib.contextmanager
    def _basis(self, parent: Manifest | None) -> Iterator[Path | None]:
        """The parent's basis as a file for the tool.

        :raises ParentRefusedError: it is gone or damaged.
        """
        if parent is None:
            yield None
            return
        try:
            content = self.store.read_basis(parent.key)
        except RestoreError as error:
            raise ParentRefusedError(f"what to build on is gone: {error}") from error
        if hashlib.sha256(content).hexdigest() != parent.basis_sha256:
            raise ParentRefusedError("what to build on is damaged")
        # One at a time, by the instance's lock; so a killed run leaves no more than this one.
        path = self.instance.folder(self.root) / "parent.basis"
        path.touch(0o600)
        try:
            path.write_bytes(content)
            yield path
        finally:
            path.unlink()


def _streamed(tool: Tool, upload: Sink) -> Streamed:
    try:
        return stream(tool.argv, tool.env, tool.check, upload, tool.hints)
    except BackupToolError as refusal:
        for text, (argv, env) in tool.instead.items():
            if text in refusal.reason and not refusal.raw_bytes:
                return stream(argv, env, tool.check, upload, tool.hints)
        raise
