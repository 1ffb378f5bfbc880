# SPDX-License-Identifier: Apache-2.0
"""Files that are either whole or absent, and readable by their owner alone.

The wanted state and every secret of the mini cloud lives in such files, so a crash or a full
disk in the middle of a write must leave the previous content in place.
"""

import contextlib
import dataclasses
import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

from trove_minicloud.errors import DamagedFileError, DiskFullError

_LITTLE_SPACE = 50 * 2**20


def space_problem(folder: Path) -> str:
    """A sentence about a disk that is nearly full, or nothing."""
    free = shutil.disk_usage(folder).free
    if free >= _LITTLE_SPACE:
        return ""
    return f"The disk is nearly full: {free // 1024} KiB are free under {folder}."


def write_private(path: Path, text: str) -> None:
    """Replace the file's content in one step; the mode is 0600.

    :raises DiskFullError: nothing has changed.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"No space left to write {path}: free some and try again.") from (
                error
            )
        raise


def write_json(path: Path, value: Any) -> None:
    """Like `write_private`, for JSON."""
    write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """The file's value, or None where there is no file.

    :raises DamagedFileError: it isn't JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DamagedFileError(f"{path} is damaged: {error}") from error


def known_fields(kind: type, values: Any) -> dict[str, Any]:
    """Of what was written for a dataclass, the fields that it has: a newer version may write more.

    A field that comes with a new version has a default, because files of older ones lack it.

    :raises TypeError: the values have no names.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{kind.__name__} is written as an object, and this is {values!r}.")
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
