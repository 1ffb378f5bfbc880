# SPDX-License-Identifier: Apache-2.0
"""Where the mini clouds and databases of the tests are."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")
#: Bytes; far more than all files that run at the same time need.
_NEEDED = 8 * 2**30


def passable_folder() -> Path:
    """A new folder that the databases' user gets through, which pytest's own doesn't let.

    It is in memory where there is room and TMPDIR names no other place. On a disk, the thousands of
    files of each database that comes and goes cost tests of them an eighth of their processor time.
    """
    folder = Path(tempfile.mkdtemp(prefix="trove-schedules-", dir=_memory()))
    folder.chmod(0o711)
    return folder


def _memory() -> Path | None:
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return None
    free = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)
    # The programs of PostgreSQL are copied into a mini cloud.
    runs_programs = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    return _MEMORY if free >= _NEEDED and runs_programs and os.access(_MEMORY, os.W_OK) else None
