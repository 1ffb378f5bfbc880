# SPDX-License-Identifier: Apache-2.0
"""Keeps the logs of programs from growing for ever: a full one is put aside, once.

The programs hold their logs open, and append. So the content is copied and then cut off; what is
written in the moment between is lost.
"""

import contextlib
import os
import shutil
from pathlib import Path

LIMIT = 20 * 2**20


def aside(log: Path) -> Path:
    """Where the content of before goes."""
    return log.with_name(f"{log.name}.1")


def rotate(log: Path, limit: int = LIMIT) -> bool:
    """Put the content aside if it is longer than this many bytes; False if it isn't.

    :raises OSError: it couldn't be copied; nothing is lost.
    """
    if not log.exists() or log.stat().st_size <= limit:
        return False
    partial = log.with_name(f".{log.name}.partial")
    try:
        with log.open("rb") as source, os.fdopen(_create(partial), "wb") as copy:
            shutil.copyfileobj(source, copy)
        partial.replace(aside(log))
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        raise
    os.truncate(log, 0)
    return True


def _create(path: Path) -> int:
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
