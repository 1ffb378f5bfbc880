# SPDX-License-Identifier: Apache-2.0
"""Backups as files: `<folder>/<instance id>/<backup id>.tar.zst`, `.basis` and `.json`.

The manifest (`.json`) is written last, so after a crash at any point a backup either is whole
or does not exist; `sweep` removes the rest.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from trove_minicloud.errors import DiskFullError
from trove_minicloud.files import write_private
from trove_minicloud.guest.errors import BackupNotFoundError, DamagedManifestError
from trove_minicloud.guest.manifest import Key, Manifest

_OBJECT = ".tar.zst"
_BASIS = ".basis"
_MANIFEST = ".json"
_PARTIAL = ".partial"
_SCHEME = "file://"


def key_of(location: str) -> Key:
    """The backup that a location names, wherever the store's folder is now.

    :raises BackupNotFoundError: it is no location of this store.
    """
    parts = location.rsplit("/", 2)
    if not location.startswith(_SCHEME) or len(parts) < 3:
        raise BackupNotFoundError(f"{location!r} is not where this store keeps a backup.")
    return key_of_object(parts[1], parts[2])


def key_of_object(container: str, name: str) -> Key:
    """The same of a location's last two parts, which Trove takes for container and object.

    :raises BackupNotFoundError: they are none of this store.
    """
    if not name.endswith(_OBJECT):
        raise BackupNotFoundError(f"{container}/{name} is no backup of this store.")
    return Key(container, name.removesuffix(_OBJECT))


class LocalStore:
    """A store in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, key: Key) -> "LocalUpload":
        folder = self._folder / key.instance_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalUpload(self._path(key, _OBJECT), self._path(key, _BASIS), self._manifest(key))

    def location(self, key: Key) -> str:
        return f"{_SCHEME}{self._path(key, _OBJECT)}"

    def head(self, key: Key) -> Manifest:
        try:
            return Manifest.from_json(self._manifest(key).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BackupNotFoundError(
                f"There is no backup {key.backup_id} of instance {key.instance_id}"
                f" in {self._folder}."
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise DamagedManifestError(
                f"{self._manifest(key)} is damaged: {type(error).__name__}: {error}"
            ) from error

    def find(self, backup_id: str) -> Manifest:
        for folder in self._folder.iterdir() if self._folder.exists() else ():
            with contextlib.suppress(BackupNotFoundError):
                return self.head(Key(folder.name, backup_id))
        raise BackupNotFoundError(f"There is no backup {backup_id} in {self._folder}.")

    def stored_size(self, key: Key) -> int:
        with self._present(key, _OBJECT) as path:
            return path.stat().st_size

    def open_read(self, key: Key) -> BinaryIO:
        with self._present(key, _OBJECT) as path:
            return path.open("rb")

    def read_basis(self, key: Key) -> bytes:
        with self._present(key, _BASIS) as path:
            return path.read_bytes()

    def delete(self, key: Key) -> None:
        # The manifest goes first: half a deletion must not leave a backup that seems to exist.
        for suffix in (_MANIFEST, _OBJECT, _BASIS, _OBJECT + _PARTIAL):
            self._path(key, suffix).unlink(missing_ok=True)

    def sweep(self) -> list[str]:
        swept = []
        for path in sorted(self._folder.glob("*/*")):
            owner = path.parent / (path.name.lstrip(".").split(".", 1)[0] + _MANIFEST)
            if path.name.endswith(_PARTIAL) or not owner.exists():
                path.unlink()
                swept.append(str(path.relative_to(self._folder)))
        return swept

    def _path(self, key: Key, suffix: str) -> Path:
        return self._folder / key.instance_id / f"{key.backup_id}{suffix}"

    def _manifest(self, key: Key) -> Path:
        return self._path(key, _MANIFEST)

    @contextlib.contextmanager
    def _present(self, key: Key, suffix: str) -> Iterator[Path]:
        path = self._path(key, suffix)
        try:
            yield path
        except FileNotFoundError:
            raise BackupNotFoundError(
                f"{path} is gone: backup {key.backup_id} was deleted, or has lost it."
            ) from None


class LocalUpload:
    """One backup on its way into a folder."""

    def __init__(self, target: Path, basis: Path, manifest: Path) -> None:
        self._target, self._basis, self._manifest = target, basis, manifest
        self._partial = target.with_name(target.name + _PARTIAL)
        descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # Unbuffered: what comes is large already.
        self._stream = os.fdopen(descriptor, "wb", buffering=0)

    def append(self, data: bytes) -> None:
        """:raises DiskFullError: the store's disk is full."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._stream.write(view) :]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFullError(
                    f"No space left in {self._target.parent} for the backup."
                ) from error
            raise

    def commit(self, manifest: Manifest, basis: bytes) -> None:
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._partial.rename(self._target)
        write_private(self._basis, basis.decode())
        # It also makes the two renames before it durable: they are in the same directory.
        write_private(self._manifest, manifest.to_json())

    def abort(self) -> None:
        self._stream.close()
        for path in (self._manifest, self._target, self._basis, self._partial):
            path.unlink(missing_ok=True)
