# SPDX-License-Identifier: Apache-2.0
"""A new instance from a stored backup: `restore`."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from trove_minicloud.errors import ChecksumMismatchError, RestoreError
from trove_minicloud.guest import datastores, folders
from trove_minicloud.guest.chain import chain
from trove_minicloud.guest.datastores import Datastore
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.stores.manifest import Key, Manifest
from trove_minicloud.stores.store import Store

# Of the stored bytes.
_READ_SIZE = 1 << 20


def restore(
    root: Root,
    store: Store,
    key: Key,
    name: str,
    *,
    project_id: str | None = None,
    instance_id: str | None = None,
    port: int | None = None,
) -> Instance:
    """Make a managed instance, wanted running, with the rows of the backup's moment.

    It has a history of its own: no incremental backup of it builds on its source's.

    :param project_id: whose it is to be; None means the source's project.
    :param instance_id: where Trove has chosen it, or None for a new one.
    :param port: where it is to listen; None chooses one.
    :raises BackupNotFoundError: the store holds no such backup.
    :raises BrokenChainError: a backup that it builds on is gone or doesn't fit.
    :raises ChecksumMismatchError: stored bytes are damaged.
    :raises MiniCloudError: it could not be restored. Nothing is left of the attempt.
    """
    last = store.head(key)
    links = chain(store, last)
    kind = datastores.named(last.datastore)
    root.prepare()
    with folders.building(root) as folder:
        parts = []
        for number, manifest in enumerate(links):
            part = folder / f"part-{number}"
            part.mkdir(mode=0o700)
            fetch(store, kind, manifest, part)
            parts.append(part)
        return kind.restore_server(
            root,
            folder,
            parts,
            name,
            project_id or last.project_id,
            last.version,
            instance_id=instance_id,
            port=port,
        )


def needed_room(links: Sequence[Manifest]) -> int:
    """The bytes of disk that a restore of these takes while it goes on."""
    # The parts of a chain become one folder, which lies beside them for a while.
    return sum(link.raw_size for link in links) * (2 if len(links) > 1 else 1)


def fetch(store: Store, kind: Datastore, manifest: Manifest, folder: Path) -> None:
    """Unpack one stored backup, and make sure that it was the one that was stored.

    :raises ChecksumMismatchError: it wasn't; what is in the folder is worthless.
    """
    failure: Exception | None = None
    with store.open_read(manifest.key) as stored:
        reader = _HashingReader(stored)
        try:
            with zstandard.ZstdDecompressor().stream_reader(
                cast(BinaryIO, reader), read_size=_READ_SIZE
            ) as raw:
                kind.unpack(raw, folder)
        except Exception as error:
            # A damaged byte shows in many ways: first see whether it comes from one.
            failure = error
        actual = reader.sha256_of_all()
    if actual != manifest.sha256:
        raise ChecksumMismatchError(
            store.location(manifest.key), manifest.sha256, actual
        ) from failure
    if failure is not None:
        raise RestoreError(
            f"{store.location(manifest.key)} can't be unpacked: {failure}"
        ) from failure


class _HashingReader:
    """Hashes what is read through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._sha256.update(data)
        return data

    def sha256_of_all(self) -> str:
        """Reads what is left first."""
        while self.read(_READ_SIZE):
            pass
        return self._sha256.hexdigest()
