# SPDX-License-Identifier: Apache-2.0
"""The storage hop: where the bytes of backups go, and what every kind of store can do."""

from typing import BinaryIO, Protocol

from trove_minicloud.guest.manifest import Key, Manifest


class Upload(Protocol):
    """A backup on its way into the store, unseen until it is committed."""

    def append(self, data: bytes) -> None: ...

    def commit(self, manifest: Manifest, basis: bytes) -> None:
        """Make the backup exist; its manifest is written last."""

    def abort(self) -> None:
        """Leave nothing of it in the store."""


class Store(Protocol):
    """Keeps backups by instance and backup id."""

    def begin(self, key: Key) -> Upload: ...

    def location(self, key: Key) -> str:
        """The URL that people and Trove know the backup by; `key_of` is its inverse."""

    def head(self, key: Key) -> Manifest:
        """What is stored of the backup.

        :raises BackupNotFoundError: no such backup.
        :raises DamagedManifestError: its manifest can't be read.
        """

    def find(self, backup_id: str) -> Manifest:
        """:raises BackupNotFoundError: no such backup of any instance."""

    def stored_size(self, key: Key) -> int:
        """The bytes that are there now.

        :raises BackupNotFoundError: they are gone.
        """

    def open_read(self, key: Key) -> BinaryIO:
        """:raises BackupNotFoundError: the bytes are gone."""

    def read_basis(self, key: Key) -> bytes:
        """:raises BackupNotFoundError: it is gone."""

    def delete(self, key: Key) -> None:
        """Remove all there is of the backup; fine if there is nothing."""

    def sweep(self) -> list[str]:
        """Remove what belongs to no backup, and return its names. No backup may be running."""
