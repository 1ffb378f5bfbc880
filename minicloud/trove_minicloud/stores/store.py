# SPDX-License-Identifier: Apache-2.0
"""The storage hop: where the bytes of backups go.

What makes a backup exist, and how it goes again, is here once for all kinds of stores; each kind
says how it keeps objects. A backup is three objects: the compressed stream, the basis that an
incremental backup on it needs, and the manifest. The manifest is written last and removed first,
so after a crash at any point a backup either is whole or does not exist.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from trove_minicloud.errors import BackupNotFoundError, DamagedManifestError
from trove_minicloud.stores.manifest import Key, Manifest

OBJECT = ".tar.zst"
BASIS = ".basis"
MANIFEST = ".json"
#: What the names begin with that are no backups, but copies of a cloud's own state.
STATE = "cloud-state/"


class Writer(Protocol):
    """One large object on its way into a store, unseen until it is finished."""

    def append(self, data: bytes) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None:
        """Stop, and let go of what this process holds of it."""


class Store(ABC):
    """Keeps backups by instance and backup id.

    :raises StoreError: from every call, where the store refuses us or can't be reached.
    """

    def begin(self, key: Key) -> "Upload":
        return Upload(self, key, self.writer(self.name(key) + OBJECT))

    def location(self, key: Key) -> str:
        """The URL that people and Trove know the backup by; `key_of` is its inverse."""
        return f"{self.url}/{self.name(key)}{OBJECT}"

    def key_of(self, location: str) -> Key:
        """The backup that a location names.

        :raises BackupNotFoundError: the location is in another store.
        """
        if not location.startswith(self.scope):
            raise BackupNotFoundError(f"it is in another store than this one, {self.url}")
        return key_of(location)

    def head(self, key: Key) -> Manifest:
        """What is stored of the backup.

        :raises BackupNotFoundError: no such backup.
        :raises DamagedManifestError: its manifest can't be read.
        """
        name = self.name(key) + MANIFEST
        try:
            content = self.get(name)
        except BackupNotFoundError:
            raise BackupNotFoundError(
                f"There is no backup {key.backup_id} of instance {key.instance_id} in {self.url}."
            ) from None
        try:
            return Manifest.from_json(content.decode())
        except (ValueError, TypeError, KeyError) as error:
            raise DamagedManifestError(
                f"{self.url}/{name} is damaged: {type(error).__name__}: {error}"
            ) from error

    def stored_size(self, key: Key) -> int:
        """The bytes that are there now.

        :raises BackupNotFoundError: they are gone.
        """
        return self.size(self.name(key) + OBJECT)

    def open_read(self, key: Key) -> BinaryIO:
        """:raises BackupNotFoundError: the bytes are gone."""
        return self.open(self.name(key) + OBJECT)

    def read_basis(self, key: Key) -> bytes:
        """:raises BackupNotFoundError: it is gone."""
        return self.get(self.name(key) + BASIS)

    def delete(self, key: Key) -> None:
        """Remove all there is of the backup, unfinished parts too; fine if there is nothing."""
        # Half a deletion must not leave a backup that seems to exist.
        self.remove(self.name(key) + MANIFEST)
        self.remove_all(self.name(key))

    # How a kind of store keeps objects.

    @property
    @abstractmethod
    def url(self) -> str:
        """What all locations of this store begin with."""

    @property
    def scope(self) -> str:
        """What tells the locations of this store from those of others."""
        return f"{self.url}/"

    @abstractmethod
    def name(self, key: Key) -> str:
        """What the names of a backup's objects begin with, before the dot; it ends in the id."""

    @abstractmethod
    def names(self, begin: str = "") -> Iterator[str]:
        """The names of all objects that begin so, in no order, also of half-written ones."""

    @abstractmethod
    def writer(self, name: str) -> Writer: ...

    @abstractmethod
    def put(self, name: str, content: bytes) -> None:
        """Write a small object, whole or not at all."""

    @abstractmethod
    def get(self, name: str) -> bytes:
        """:raises BackupNotFoundError: there is no such object."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """:raises BackupNotFoundError: there is no such object."""

    @abstractmethod
    def size(self, name: str) -> int:
        """:raises BackupNotFoundError: there is no such object."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a small object; fine if there is none."""

    @abstractmethod
    def remove_all(self, name: str) -> None:
        """Remove every object of this name and a dot, and the parts of those not finished."""


class Upload:
    """A backup on its way into the store, unseen until it is committed."""

    def __init__(self, store: Store, key: Key, writer: Writer) -> None:
        self._store, self._key, self._writer = store, key, writer

    def append(self, data: bytes) -> None:
        self._writer.append(data)

    def commit(self, manifest: Manifest, basis: bytes) -> None:
        """Make the backup exist; its manifest is written last."""
        name = self._store.name(self._key)
        self._writer.finish()
        self._store.put(name + BASIS, basis)
        self._store.put(name + MANIFEST, manifest.to_json().encode())

    def abort(self) -> None:
        """Leave nothing of it in the store."""
        self._writer.abort()
        self._store.delete(self._key)


def key_of(location: str) -> Key:
    """The backup that a location names, wherever its store is now.

    :raises BackupNotFoundError: it is no location of any of our stores.
    """
    parts = location.rsplit("/", 2)
    if "://" not in location or len(parts) < 3 or not parts[2].endswith(OBJECT):
        raise BackupNotFoundError(f"{location!r} is not where a backup is kept.")
    # In Swift one container holds the backups of many instances, and Trove takes the last two
    # parts of a location for container and object: there the object's name has both ids.
    instance_id, _, backup_id = parts[2].removesuffix(OBJECT).rpartition("_")
    return Key(instance_id or parts[1], backup_id)
