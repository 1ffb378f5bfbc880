# SPDX-License-Identifier: Apache-2.0
"""Backups as files: `<folder>/<instance id>/<backup id>.tar.zst`, `.basis` and `.json`."""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from trove_minicloud.errors import BackupNotFoundError, DiskFullError, StoreError
from trove_minicloud.files import write_private
from trove_minicloud.stores.manifest import Key
from trove_minicloud.stores.store import Store

SCHEME = "file://"
_PARTIAL = ".partial"


class LocalStore(Store):
    """A store in a folder of this machine.

    :param reserve: tells the bytes of its disk that a backup leaves free.
    """

    def __init__(self, folder: Path, reserve: Callable[[], int] = lambda: 0) -> None:
        self._folder, self._reserve = folder, reserve

    @property
    def url(self) -> str:
        return f"{SCHEME}{self._folder}"

    @property
    def scope(self) -> str:
        # The root may have been moved since.
        return SCHEME

    def name(self, key: Key) -> str:
        return f"{key.instance_id}/{key.backup_id}"

    def names(self, begin: str = "") -> Iterator[str]:
        self._require_disk()
        for folder, _folders, files in os.walk(self._folder, onerror=_raise):
            for file in files:
                name = str(Path(folder, file).relative_to(self._folder))
                if name.startswith(begin):
                    yield name

    def writer(self, name: str) -> "LocalWriter":
        return LocalWriter(self._prepared(name), self._reserve())

    def put(self, name: str, content: bytes) -> None:
        # It also makes the writer's rename durable: that was in the same directory.
        write_private(self._prepared(name), content.decode())

    def get(self, name: str) -> bytes:
        with self._present(name) as path:
            return path.read_bytes()

    def open(self, name: str) -> BinaryIO:
        with self._present(name) as path:
            return path.open("rb")

    def size(self, name: str) -> int:
        with self._present(name) as path:
            return path.stat().st_size

    def remove(self, name: str) -> None:
        self._require_disk()
        (self._folder / name).unlink(missing_ok=True)

    def remove_all(self, name: str) -> None:
        self._require_disk()
        path = self._folder / name
        # `write_private` begins the names of its partial files with a dot.
        for pattern in (f"{path.name}.*", f".{path.name}.*{_PARTIAL}"):
            for found in path.parent.glob(pattern):
                found.unlink(missing_ok=True)

    def _require_disk(self) -> None:
        """:raises StoreError: the folder lies on a disk that isn't mounted."""
        if self._folder.is_symlink() and not self._folder.is_dir():
            where = self._folder.readlink()
            raise StoreError(f"Backups are kept in {where}, which is not there: mount its disk.")

    def _prepared(self, name: str) -> Path:
        self._require_disk()
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def _present(self, name: str) -> Iterator[Path]:
        path = self._folder / name
        try:
            yield path
        except FileNotFoundError:
            self._require_disk()
            raise BackupNotFoundError(
                f"{path} is gone: its backup was deleted, or has lost it."
            ) from None


class LocalWriter:
    """One file, which gets its name when it is whole."""

    def __init__(self, target: Path, reserve: int) -> None:
        self._target, self._reserve = target, reserve
        self._partial = target.with_name(target.name + _PARTIAL)
        descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # Unbuffered: what comes is large already.
        self._stream = os.fdopen(descriptor, "wb", buffering=0)

    def append(self, data: bytes) -> None:
        """:raises DiskFullError: the store's disk is full, but for what stays for the databases."""
        if shutil.disk_usage(self._target.parent).free - len(data) < self._reserve:
            raise DiskFullError(
                f"No space left in {self._target.parent} for the backup: the last"
                f" {self._reserve // 2**20} MiB of the disk stay for the databases."
            )
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

    def finish(self) -> None:
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._partial.rename(self._target)

    def abort(self) -> None:
        self._stream.close()


def _raise(error: OSError) -> None:
    """A folder that can't be read is not an empty one; one that is gone meanwhile is."""
    if not isinstance(error, FileNotFoundError):
        raise error
