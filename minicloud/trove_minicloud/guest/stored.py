# SPDX-License-Identifier: Apache-2.0
"""What a store holds: its backups by their manifests, and what is no whole backup: `look`."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from trove_minicloud.errors import BrokenChainError, RestoreError
from trove_minicloud.guest.chain import require_bytes, require_fits
from trove_minicloud.stores.manifest import Key, Manifest
from trove_minicloud.stores.store import MANIFEST, OBJECT, STATE, Store, key_of

# An object of a backup, or what is left of its writing: a file of the folder that hasn't got its
# name yet, or a segment of Swift.
_OURS = re.compile(
    r"(?P<folder>.*/)?\.?(?P<last>[^./]+)(?P<kind>\.tar\.zst|\.basis|\.json)"
    r"(?P<rest>\.partial|\.\d+\.partial|_\d{8})?"
)


@dataclass(slots=True)
class Stored:
    """`backups` can be restored, the oldest first.

    `present` are the ids of all that have a manifest.
    `refused` are the locations of what is a backup by its name but can't be restored, and why.
    `foreign` are the places of all else.
    """

    backups: list[Manifest] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)


def look(store: Store) -> Stored:
    """Read every manifest, and see that its bytes and all backups that it builds on are there.

    The bytes themselves are not read: a restore does.

    :raises StoreError: the store can't be read.
    """
    found = Stored()
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for name in store.names():
        if name.startswith(STATE):
            continue
        parts = _OURS.fullmatch(name)
        backup = f"{parts['folder'] or ''}{parts['last']}" if parts else ""
        if parts and store.name(key_of(f"{store.url}/{backup}{OBJECT}")) == backup:
            kinds[backup].add(parts["kind"] if parts["rest"] is None else "")
        else:
            found.foreign.append(f"{store.url}/{name}")
    manifests = []
    for backup, there in sorted(kinds.items()):
        location = f"{store.url}/{backup}{OBJECT}"
        key = key_of(location)
        if MANIFEST not in there:
            found.refused[location] = "It has no manifest: it is half-written, or half-deleted."
            continue
        found.present.add(key.backup_id)
        try:
            manifests.append(_manifest(store, key))
        except RestoreError as error:
            found.refused[location] = str(error)
    good: dict[Key, Manifest] = {}
    # Parents before what builds on them.
    for manifest in sorted(manifests, key=lambda each: each.finished_at):
        try:
            require_bytes(store, manifest)
            _require_parent(manifest, good)
            good[manifest.key] = manifest
        except RestoreError as error:
            found.refused[store.location(manifest.key)] = str(error)
    found.backups = list(good.values())
    found.foreign.sort()
    return found


def _manifest(store: Store, key: Key) -> Manifest:
    """:raises RestoreError: there is none that can be read, or it is that of another backup."""
    manifest = store.head(key)
    if manifest.key != key:
        raise RestoreError(
            f"Its manifest is that of backup {manifest.backup_id} of instance"
            f" {manifest.instance_id}."
        )
    return manifest


def _require_parent(manifest: Manifest, good: Mapping[Key, Manifest]) -> None:
    """:raises BrokenChainError: it builds on a backup that isn't there, or can't be restored."""
    if manifest.parent_id is None:
        return
    parent = good.get(Key(manifest.instance_id, manifest.parent_id))
    if parent is None:
        raise BrokenChainError(
            f"Backup {manifest.backup_id} builds on backup {manifest.parent_id}, which is not there"
            " or can't be restored."
        )
    require_fits(manifest, parent)
