# SPDX-License-Identifier: Apache-2.0
"""Instances, manifests and stored backups for the tests of guest and stores."""

import dataclasses
import hashlib
import io
import tarfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import zstandard

from trove_minicloud.guest import instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.stores.manifest import Key, Manifest
from trove_minicloud.stores.store import Store

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def instance(**changes: Any) -> Instance:
    return dataclasses.replace(
        Instance(
            id="instance-1",
            name="m",
            project_id="project-1",
            datastore="postgresql",
            version="18.6",
            managed=True,
            wanted="running",
            host="127.0.0.1",
            port=15432,
            user="minicloud_backup",
            incarnation="incarnation-1",
            created_at=NOON,
        ),
        **changes,
    )


def saved(root: Root, **changes: Any) -> Instance:
    """The same with a folder of its own, as the mini cloud finds it."""
    made = instance(**changes)
    made.folder(root).mkdir()
    instances.save(root, made)
    return made


def manifest(backup_id: str, number: int = 0, **changes: Any) -> Manifest:
    """The `number`-th backup of a chain, an hour after the one before."""
    started_at = NOON + timedelta(hours=number)
    return dataclasses.replace(
        Manifest(
            backup_id=backup_id,
            instance_id="instance-1",
            instance_name="m",
            project_id="project-1",
            datastore="postgresql",
            version="18.6",
            incarnation="incarnation-1",
            kind="full",
            parent_id=None,
            reason=None,
            raw_size=10,
            stored_size=0,
            sha256=hashlib.sha256(b"").hexdigest(),
            basis_sha256=hashlib.sha256(b"basis").hexdigest(),
            started_at=started_at,
            finished_at=started_at + timedelta(minutes=1),
        ),
        **changes,
    )


def put(
    store: Store, manifest: Manifest, content: bytes = b"", basis: bytes = b"basis"
) -> Manifest:
    """Store a backup of this content; its size and checksums are put right."""
    manifest = dataclasses.replace(
        manifest,
        stored_size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        basis_sha256=hashlib.sha256(basis).hexdigest(),
    )
    upload = store.begin(Key(manifest.instance_id, manifest.backup_id))
    upload.append(content)
    upload.commit(manifest, basis)
    return manifest


def tar(files: dict[str, bytes], others: Sequence[tarfile.TarInfo] = ()) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in others:
            archive.addfile(info)
    return output.getvalue()


def compressed(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)
