# SPDX-License-Identifier: Apache-2.0
"""What a cloud is besides its databases and backups, as one stream: `pack`, and back: `unpack`.

It holds ports and passwords, Keystone's keys, the rows of the three services with users, trusts,
schedules and history, where backups go with the login for it, and what is known of each instance.
"""

import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

import zstandard

from trove_minicloud.errors import DamagedFileError, RecoveryError
from trove_minicloud.guest import instances
from trove_minicloud.root import VERSIONS, Root
from trove_minicloud.services import keystone, mistral, trove
from trove_minicloud.services.config_files import OVERRIDES
from trove_minicloud.services.preparation import PREPARED, database_file, use_wal
from trove_minicloud.stores import room

# In this order: Keystone has the trust of a schedule before Mistral has the schedule.
_SERVICES = (mistral.NAME, keystone.NAME, trove.NAME)
_LOCK_WAIT = 30.0


class Sink(Protocol):
    def write(self, data: bytes) -> int: ...


def pack(root: Root, sink: Sink) -> None:
    """Write the state as it is now; the services may run.

    :raises DiskFullError: the databases don't fit on the root's disk a second time.
    :raises DamagedFileError: a database can't be copied.
    """
    databases = {name: database_file(root.service(name)) for name in _SERVICES}
    needed = sum(file.stat().st_size for file in databases.values())
    with (
        room.promised(root, root.cache, needed, "The copy of the cloud's own state"),
        tempfile.TemporaryDirectory(dir=root.cache, prefix="state-") as folder,
        zstandard.ZstdCompressor().stream_writer(cast(BinaryIO, sink), closefd=False) as compressed,
        tarfile.open(mode="w|", fileobj=cast(BinaryIO, compressed)) as archive,
    ):
        for name, file in databases.items():
            copy = Path(folder, name)
            _copy_database(file, copy)
            archive.add(copy, str(file.relative_to(root.path)))
        for file in _files(root):
            archive.add(file, str(file.relative_to(root.path)))


def unpack(root: Root, stream: BinaryIO) -> None:
    """Write all that was packed into the root.

    :raises RecoveryError: the stream holds something else.
    """
    try:
        with (
            zstandard.ZstdDecompressor().stream_reader(stream) as raw,
            tarfile.open(mode="r|", fileobj=cast(BinaryIO, raw)) as archive,
        ):
            for member in archive:
                _write(root, member, archive.extractfile(member))
    except (tarfile.TarError, zstandard.ZstdError) as error:
        raise RecoveryError(f"It can't be unpacked: {error}") from error
    for name in _SERVICES:
        # A copy has lost that.
        use_wal(database_file(root.service(name)))


def _files(root: Root) -> Iterator[Path]:
    yield root.settings_file
    yield from root.path.glob(VERSIONS)
    storage = root.service("storage")
    yield from (*storage.glob("*.json"), *storage.glob("*.credentials"))
    for name in _SERVICES:
        directory = root.service(name)
        yield directory / PREPARED
        yield from directory.glob(OVERRIDES)
    yield from root.service(keystone.NAME).glob("data/*-keys/*")
    for instance in instances.all_instances(root):
        folder = instance.folder(root)
        yield from (*folder.glob("instance.json"), *folder.glob("check.json"))
        # A restore draws new passwords for the servers that are ours.
        if not instance.managed:
            yield from folder.glob("backup.password")


def _copy_database(file: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(file, timeout=_LOCK_WAIT, isolation_level=None)) as database:
            database.execute("VACUUM INTO ?", [str(copy)])
    except sqlite3.Error as error:
        raise DamagedFileError(f"{file} can't be copied: {error}") from error


def _write(root: Root, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
    target = root.path / member.name
    if content is None or not target.resolve().is_relative_to(root.path):
        raise RecoveryError(f"It holds {member.name!r}, which is no file of a mini cloud.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, content:
        shutil.copyfileobj(content, file)
