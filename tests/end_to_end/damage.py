# SPDX-License-Identifier: Apache-2.0
"""Damage to files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def flip_byte(path: Path, at: int) -> None:
    """One bit of the file's byte ``at`` becomes another."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@contextmanager
def flipped_byte(backup: Path) -> Iterator[None]:
    """A byte in the middle of the backup is another meanwhile: other tests share the mini cloud."""
    middle = backup.stat().st_size // 2
    mode = backup.stat().st_mode
    # Finished backups are read-only.
    backup.chmod(0o600)
    flip_byte(backup, middle)
    try:
        yield
    finally:
        flip_byte(backup, middle)
        backup.chmod(mode)
