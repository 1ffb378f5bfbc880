# SPDX-License-Identifier: Apache-2.0
"""Room on the disks: what backups and restores may use, and what stays for the databases.

A database on a full disk stops. So nothing begins that doesn't fit beside what has begun before,
and a backup ends before it takes the last of the disk.
"""

import contextlib
import dataclasses
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from trove_minicloud import settings
from trove_minicloud.errors import DiskFullError, StoreError
from trove_minicloud.files import write_json
from trove_minicloud.root import Root

_MEBIBYTE = 2**20
_SHARE = 20
_HIGHEST = 1024 * _MEBIBYTE
_DAY = 24 * 60 * 60.0
_lock = threading.Lock()
# Bytes that what has begun may still need, by disk.
_promised: Counter[int] = Counter()


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """In bytes. `last_day` is what the backups of the last 24 hours take that are still kept."""

    free: int
    reserve: int
    last_day: int

    @property
    def left(self) -> int:
        """What backups and restores may use."""
        return max(0, self.free - self.reserve)

    @property
    def nights(self) -> int | None:
        """For how many nights like the last there is room, if none of them deletes a backup."""
        return self.left // self.last_day if self.last_day else None


@dataclasses.dataclass(frozen=True, slots=True)
class _Reserve:
    mebibytes: int


def reserve(root: Root, folder: Path) -> int:
    """The bytes of this folder's disk that backups and restores leave alone."""
    if (chosen := settings.read(_file(root), _Reserve)) is not None:
        return chosen.mebibytes * _MEBIBYTE
    return min(shutil.disk_usage(folder).total // _SHARE, _HIGHEST)


def keep(root: Root, mebibytes: int) -> None:
    """Have this much left alone from now on, instead of a share of the disk."""
    file = _file(root)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_json(file, dataclasses.asdict(_Reserve(mebibytes)))


def of_backups(root: Root) -> Room:
    """The room for backups in the folder."""
    since = time.time() - _DAY
    last_day = 0
    for file in root.backups.glob("*/*"):
        # One may be deleted meanwhile.
        with contextlib.suppress(FileNotFoundError):
            status = file.stat()
            last_day += status.st_size if status.st_mtime > since else 0
    return Room(
        free=shutil.disk_usage(root.backups).free,
        reserve=reserve(root, root.backups),
        last_day=last_day,
    )


@contextlib.contextmanager
def promised(root: Root, folder: Path, needed: int, purpose: str) -> Iterator[None]:
    """Have this many bytes of the folder's disk for the block.

    What others have begun counts with all that it was promised, although some is written already.

    :raises DiskFullError: there is no room for it.
    :raises StoreError: the folder lies on a disk that isn't mounted.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder.resolve()} is not there: mount its disk.")
    disk = folder.stat().st_dev
    with _lock:
        free, kept = shutil.disk_usage(folder).free, reserve(root, folder)
        if free - kept - _promised[disk] < needed:
            others = f" and {_text(_promised[disk])} for what has begun" if _promised[disk] else ""
            raise DiskFullError(
                f"{purpose} needs about {_text(needed)}. {_text(free)} are free under {folder}, of"
                f" which {_text(kept)} stay for the databases{others}: free some and try again."
            )
        _promised[disk] += needed
    try:
        yield
    finally:
        with _lock:
            _promised[disk] -= needed


def _text(size: int) -> str:
    return f"{size / _MEBIBYTE:.0f} MiB"


def _file(root: Root) -> Path:
    return root.service("storage") / "reserve.json"
