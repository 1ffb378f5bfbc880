# SPDX-License-Identifier: Apache-2.0
"""From a backup's raw stream to the files below a folder, whatever their format: `unpack`."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from trove_minicloud.errors import VerificationError

_READ_SIZE = 1 << 20


class Receiver(Protocol):
    """Takes the files of a stream as they come; those of MariaDB come interleaved."""

    def folder(self, path: str) -> None:
        """There is this folder, which may be empty."""

    def write(self, path: str, data: memoryview) -> None:
        """The next bytes of this file."""

    def end(self, path: str) -> None:
        """The file is whole; it may be empty."""


class Reader(Protocol):
    """Takes a stream apart for a receiver: feed it every byte, then `finish`."""

    def feed(self, data: memoryview) -> None:
        """:raises VerificationError: this is no such stream, or it is damaged."""

    def finish(self) -> object:
        """:raises VerificationError: the stream ends early."""


def unpack(stream: BinaryIO, folder: Path, reader_for: Callable[["Writer"], Reader]) -> None:
    """Write the stream's files, and nothing else, below the folder.

    :raises VerificationError: the stream isn't what was backed up.
    """
    writer = Writer(folder)
    reader = reader_for(writer)
    try:
        # The next piece is decompressed while this one is written.
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(stream.read, _READ_SIZE)
            while data := coming.result():
                coming = ahead.submit(stream.read, _READ_SIZE)
                reader.feed(memoryview(data))
        reader.finish()
    finally:
        writer.close()


def require_inside(path: str) -> None:
    """:raises VerificationError: a file of this name would not be below the backup's folder."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or not parts or ".." in parts or "\0" in path:
        raise VerificationError(f"{path!r} would lead out of the backup's folder.")


class Writer:
    """Makes the files, for their owner alone; one that is there already is never written over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, BinaryIO] = {}

    def folder(self, path: str) -> None:
        (self._folder / path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, path: str, data: memoryview) -> None:
        self._file(path).write(data)

    def end(self, path: str) -> None:
        self._file(path).close()
        del self._open[path]

    def seek(self, path: str, offset: int) -> None:
        """The next bytes of this open file belong there."""
        self._file(path).seek(offset)

    def remove(self, path: str) -> None:
        """The file, or the folder with all that is in it, if it is there."""
        target = self._folder / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def rename(self, path: str, new_path: str) -> None:
        """One that has the new name already is replaced."""
        target = self._folder / new_path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / path).rename(target)

    def close(self) -> None:
        for file in self._open.values():
            file.close()

    def _file(self, path: str) -> BinaryIO:
        if path not in self._open:
            target = self._folder / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._open[path] = os.fdopen(descriptor, "wb")
        return self._open[path]
