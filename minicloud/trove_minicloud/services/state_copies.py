# SPDX-License-Identifier: Apache-2.0
"""Copies of a cloud's own state in the store of its backups, sealed with its recovery key."""

import dataclasses
import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from trove_minicloud import settings
from trove_minicloud.errors import RecoveryError
from trove_minicloud.files import write_json
from trove_minicloud.root import Root
from trove_minicloud.services import own_state, recovery_key
from trove_minicloud.stores import local
from trove_minicloud.stores.finding import store_of
from trove_minicloud.stores.sealed import Opener, Sealer, fingerprint
from trove_minicloud.stores.store import STATE, Store

LOG = logging.getLogger(__name__)

_EVERY = timedelta(hours=20)
_KEPT = 3
_SUFFIX = ".sealed"
_copying = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """What is known of the copies.

    :ivar copied_at: when the last copy was made, in ISO 8601 (UTC); empty where there is none.
    :ivar url: where it is.
    :ivar size: in bytes.
    :ivar error: why there is no newer one, where the last try failed.
    :ivar unfinished: what the names of a copy begin with that may be half-written.
    """

    copied_at: str = ""
    url: str = ""
    size: int = 0
    error: str = ""
    unfinished: str = ""


def record(root: Root) -> Record:
    """:raises DamagedFileError: it can't be read."""
    return settings.read(_file(root), Record) or Record()


def after_backup(root: Root, location: str) -> None:
    """Copy the state into the store that a backup has gone to; once in 20 hours.

    Not into the own Swift: that lies in the root, and is lost with it. A failure is on record and
    in the log, and is no failure of the backup's.
    """
    if not location.startswith((local.SCHEME, "s3://")) or not _copying.acquire(blocking=False):
        return
    try:
        known = record(root)
        if not _is_due(known):
            return
        try:
            _copy(root, store_of(root, location, None), known)
        except Exception as error:
            LOG.exception("The cloud's own state could not be copied")
            text = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {error}"
            _save(root, dataclasses.replace(record(root), error=text))
    finally:
        _copying.release()


def names(store: Store, key: bytes) -> list[str]:
    """The copies that this key opens, the newest first.

    :raises RecoveryError: there are none.
    """
    folder = f"{STATE}{fingerprint(key)}/"
    found = sorted((name for name in store.names(folder) if name.endswith(_SUFFIX)), reverse=True)
    if not found:
        others = any(name.endswith(_SUFFIX) for name in store.names(STATE))
        raise RecoveryError(
            f"There is no copy of a cloud's own state in {store.url}"
            + (" for this key; there are copies for another one." if others else ".")
        )
    return found


def recover(root: Root, store: Store, name: str, key: bytes) -> None:
    """Unpack a copy into the root.

    :raises RecoveryError: it is damaged.
    """
    with store.open(name) as stream:
        own_state.unpack(root, cast(BinaryIO, Opener(key, stream)))


def _is_due(known: Record) -> bool:
    if not known.copied_at:
        return True
    age = datetime.now(UTC) - datetime.fromisoformat(known.copied_at)
    # A clock may have been set back.
    return not timedelta(0) <= age < _EVERY


def _copy(root: Root, store: Store, known: Record) -> None:
    key = recovery_key.read(root.recovery_key)
    if known.unfinished:
        store.remove_all(known.unfinished)
    now = datetime.now(UTC)
    folder = f"{STATE}{fingerprint(key)}/"
    name = f"{folder}{now:%Y%m%dT%H%M%SZ}"
    _save(root, dataclasses.replace(known, unfinished=name))
    size = _write(root, store, name, key)
    url = f"{store.url}/{name}{_SUFFIX}"
    _save(root, Record(copied_at=now.isoformat(), url=url, size=size))
    LOG.info("The cloud's own state is copied: %s, %d bytes", url, size)
    for old in names(store, key)[_KEPT:]:
        store.remove(old)


def _write(root: Root, store: Store, name: str, key: bytes) -> int:
    """The size in bytes."""
    size = 0
    writer = store.writer(f"{name}{_SUFFIX}")

    def append(data: bytes) -> None:
        nonlocal size
        size += len(data)
        writer.append(data)

    try:
        sealer = Sealer(key, append)
        own_state.pack(root, sealer)
        sealer.close()
        writer.finish()
    except BaseException:
        writer.abort()
        store.remove_all(name)
        raise
    return size


def _save(root: Root, known: Record) -> None:
    write_json(_file(root), dataclasses.asdict(known))


def _file(root: Root) -> Path:
    return root.path / "state-copies.json"
