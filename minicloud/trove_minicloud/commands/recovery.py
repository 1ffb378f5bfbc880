# SPDX-License-Identifier: Apache-2.0
"""What `recover` does: makes a root again from the store of a cloud's backups."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trove_minicloud import settings
from trove_minicloud.commands import trove_rows
from trove_minicloud.errors import RecoveryError, RestoreError
from trove_minicloud.files import read_json, write_json
from trove_minicloud.guest import instances, stored
from trove_minicloud.guest.chain import chain
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.restoring import needed_room, restore
from trove_minicloud.guest.stored import Stored
from trove_minicloud.root import Root
from trove_minicloud.services import recovery_key, state_copies, trove
from trove_minicloud.services.backend import single_process
from trove_minicloud.stores import destination, local, places, room
from trove_minicloud.stores.manifest import Manifest
from trove_minicloud.stores.store import Store
from trove_minicloud.supervision import ports

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Lost:
    """An instance whose server is to be made again, and the check of its copies as it was kept."""

    instance: Instance
    check: Any


def recover(
    root: Root,
    name: str,
    endpoint: str | None,
    credentials: Path | None,
    key_file: Path | None,
    report: Report,
) -> None:
    """Bring a lost cloud back in an empty root: its own state, and each server from its backups.

    The cloud stays down. A recovery that was cut short is done again from the beginning.

    :param endpoint: of an S3 server.
    :param credentials: a file of AWS credentials.
    :param key_file: a copy of the lost root's recovery key.
    :raises RecoveryError: there is no copy of a state for this key, the root is in use, or some
        servers are not back. In the last case the others are.
    :raises MiniCloudError: the store can't be read, or a server can't be run on this machine.
    """
    if name == "swift":
        raise RecoveryError("The Swift of a mini cloud lies in its root, and is lost with it.")
    if key_file is None:
        raise RecoveryError(
            "What was copied of the cloud's own state is sealed: add --key FILE, a copy of the file"
            " recovery.key of the lost root. Without it only the backups come back:"
            f" trove-minicloud adopt {name}"
        )
    key = recovery_key.read(key_file)
    place = places.named(root, name, endpoint, credentials)
    store = place.store
    copies = state_copies.names(store, key)
    _require_unused(root)
    _unpack(root, store, copies, key, report)
    recovery_key.keep(root, key)
    place.keep(root, instead=True)
    destination.choose(root, place.strategy)
    found = stored.look(store)
    lost = _lost(root, report)
    missing = [each for each in lost if not _rebuild(root, store, each, found, report)]
    _enter(root, store, found, report)
    shutil.rmtree(root.recovering)
    report(f"The mini cloud is back in {root.path}. Start it: trove-minicloud up --detach")
    if missing:
        names = ", ".join(f"{each.instance.name} ({each.instance.id})" for each in missing)
        raise RecoveryError(f"No backup of these could be restored, so they are not back: {names}")


def _require_unused(root: Root) -> None:
    if root.path.exists() and any(root.path.iterdir()) and not root.recovering.exists():
        raise RecoveryError(f"{root.path} is in use: choose a new folder with --root.")


def _unpack(root: Root, store: Store, copies: list[str], key: bytes, report: Report) -> None:
    """Take the newest copy that is whole."""
    for name in copies:
        _clear(root)
        try:
            state_copies.recover(root, store, name, key)
        except (RecoveryError, RestoreError) as error:
            report(f"{store.url}/{name} can't be used: {error}")
        else:
            report(f"The cloud's own state is that of {store.url}/{name}")
            return
    raise RecoveryError(f"No copy of a cloud's own state in {store.url} can be used.")


def _clear(root: Root) -> None:
    """Take away what a recovery has left that was cut short, and begin."""
    root.prepare()
    root.recovering.mkdir(mode=0o700, exist_ok=True)
    for path in root.path.iterdir():
        if path == root.marker:
            continue
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path != root.recovering:
            shutil.rmtree(path)
    root.prepare()


def _lost(root: Root, report: Report) -> list[_Lost]:
    """Take what is known of the servers that were ours out of the way of new ones."""
    found = []
    seen = instances.look(root)
    for id_, why in seen.unreadable.items():
        report(f"Instance {id_} was unreadable, and is not back: {why}")
    for instance in seen.instances:
        if instance.managed:
            folder = instance.folder(root)
            found.append(_Lost(instance, read_json(folder / "check.json")))
            # Where files with ports are looked for, so that nothing else gets this one.
            (folder / "instance.json").rename(root.recovering / f"{instance.id}.json")
            shutil.rmtree(folder)
    return found


def _rebuild(root: Root, store: Store, lost: _Lost, found: Stored, report: Report) -> bool:
    """Make the server again from its newest backup that can be restored; whether there is one."""
    was = lost.instance
    backups = [each for each in found.backups if each.instance_id == was.id]
    for backup in reversed(backups):
        try:
            made = _restore(root, store, was, backup)
        except RestoreError as error:
            report(f"{was.name}: backup {backup.backup_id} can't be restored: {error}")
            continue
        instances.save(root, replace(made, wanted=was.wanted, created_at=was.created_at))
        if lost.check is not None:
            write_json(made.folder(root) / "check.json", lost.check)
        moved = "" if made.port == was.port else f"; it listens on port {made.port} now"
        report(
            f"{was.name} is that of backup {backup.backup_id},"
            f" {backup.finished_at:%Y-%m-%d %H:%M:%S} UTC{moved}"
        )
        return True
    return False


def _restore(root: Root, store: Store, was: Instance, backup: Manifest) -> Instance:
    needed = needed_room(chain(store, backup))
    with room.promised(root, root.instances, needed, f"The restore of {was.name}"):
        return restore(
            root,
            store,
            backup.key,
            was.name,
            project_id=was.project_id,
            instance_id=was.id,
            port=was.port if ports.is_free(was.port) else None,
        )


def _enter(root: Root, store: Store, found: Stored, report: Report) -> None:
    """Have Trove know what has come to the store, and gone from it, since its rows were copied."""
    chosen = settings.load(root)
    if chosen is None:
        raise RecoveryError("The copy of the cloud's own state has no settings.")
    trove.configure(root, chosen, single_process(root))
    taken, gone = trove_rows.enter(
        root,
        store,
        destination.strategy(root),
        found.backups,
        {each.backup_id: each.project_id for each in found.backups},
        # What was in the root itself is lost: its folder, and its Swift.
        lost=sorted({store.scope, local.SCHEME, "http://"}),
        present=found.present,
    )
    report(f"Backups since then that Trove takes in: {taken}; that are gone: {gone}")
