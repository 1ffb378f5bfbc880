# SPDX-License-Identifier: Apache-2.0
"""Which stored backups a backup consists of: a full one and the incrementals since."""

from trove_minicloud.errors import BackupNotFoundError, BrokenChainError
from trove_minicloud.stores.manifest import Key, Manifest
from trove_minicloud.stores.store import Store


def chain(store: Store, last: Manifest) -> list[Manifest]:
    """The backups to restore `last` from, the full one first; all their bytes are there.

    :raises BrokenChainError: one is gone, has another size, or is of another history.
    """
    links: list[Manifest] = []
    manifest = last
    while True:
        require_bytes(store, manifest)
        links.insert(0, manifest)
        if manifest.parent_id is None:
            return links
        manifest = _parent(store, manifest, manifest.parent_id)


def _parent(store: Store, child: Manifest, parent_id: str) -> Manifest:
    try:
        parent = store.head(Key(child.instance_id, parent_id))
    except BackupNotFoundError as error:
        raise BrokenChainError(
            f"Backup {child.backup_id} builds on backup {parent_id}, which is gone."
        ) from error
    require_fits(child, parent)
    return parent


def require_fits(child: Manifest, parent: Manifest) -> None:
    """:raises BrokenChainError: the one can't have been built on the other."""
    # Restoring over histories can lose rows without any tool noticing.
    if parent.incarnation != child.incarnation:
        raise BrokenChainError(
            f"Backup {child.backup_id} builds on backup {parent.backup_id}, which is of another"
            " history of the server."
        )
    # Also what ends the walk should a damaged manifest name a descendant as its parent.
    if parent.finished_at >= child.started_at:
        raise BrokenChainError(
            f"Backup {child.backup_id} builds on backup {parent.backup_id}, which is not older."
        )


def require_bytes(store: Store, manifest: Manifest) -> None:
    """:raises BrokenChainError: the bytes are gone, or they are more or fewer."""
    try:
        size = store.stored_size(manifest.key)
    except BackupNotFoundError as error:
        raise BrokenChainError(
            f"The bytes of backup {manifest.backup_id} are gone: {error}"
        ) from error
    if size != manifest.stored_size:
        raise BrokenChainError(
            f"Backup {manifest.backup_id} should be {manifest.stored_size} bytes in"
            f" {store.location(manifest.key)}, and is {size}."
        )
