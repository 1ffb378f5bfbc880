# SPDX-License-Identifier: Apache-2.0
"""Which store a backup is in, or is to go to. A location is all that is handed around."""

from functools import partial
from pathlib import Path
from typing import Any

from trove_minicloud.errors import StoreError
from trove_minicloud.root import Root
from trove_minicloud.stores import destination, local, room
from trove_minicloud.stores.manifest import Key
from trove_minicloud.stores.store import Store


def store_of(root: Root, location: str, token: str | None) -> Store:
    """The store that this location is in.

    :param token: of a user of the backup's project; only Swift asks for one.
    :raises StoreError: this mini cloud has no such store, or it needs a token.
    """
    if location.startswith(local.SCHEME):
        return local.LocalStore(root.backups, partial(room.reserve, root, root.backups))
    if location.startswith("s3://"):
        return _s3(root, location)
    swift = destination.swift(root)
    # A token is for nobody else: Trove takes locations from users, too.
    if swift is not None and location.startswith(swift.url):
        if not token:
            raise StoreError(f"{location} can be read with a token of its project only.")
        from trove_minicloud.stores.swift_objects import SwiftStore

        url, container, _name = location.rsplit("/", 2)
        return SwiftStore(url, container, token)
    raise StoreError(f"This mini cloud keeps no backups in {location}.")


def location_for(
    root: Root, key: Key, backup_info: dict[str, Any], default_container: str, token: str
) -> str:
    """Where a backup that Trove asks for is to go.

    :raises StoreError: Trove was asked for a store that isn't there.
    """
    driver = backup_info["storage_driver"]
    if driver == "swift":
        if "swift_url" not in backup_info:
            raise StoreError("Trove says where the project's Swift is from release 2026.2 on.")
        container = backup_info["swift_container"] or default_container
        if "/" in container:
            raise StoreError(f"{container!r} can't be the name of a container: it holds a slash.")
        begin = f"{backup_info['swift_url']}/{container}/"
    elif driver == "s3":
        begin = f"s3://{_settings_of_s3(root).bucket}/"
    elif driver == "local":
        begin = local.SCHEME
    else:
        raise StoreError(f"There is no store of the kind {driver!r}: it is local, swift or s3.")
    return store_of(root, f"{begin}it", token).location(key)


def _s3(root: Root, location: str) -> Store:
    settings = _settings_of_s3(root)
    begin = f"s3://{settings.bucket}/"
    if not location.startswith(begin):
        raise StoreError(f"{location} is in another bucket than {settings.bucket}.")
    from trove_minicloud.stores.s3 import S3Store, read_login

    # Before the ids of instance and backup.
    folder = "".join(location.removeprefix(begin).rsplit("/", 2)[:-2])
    return S3Store(settings, read_login(Path(settings.credentials)), folder)


def _settings_of_s3(root: Root) -> destination.S3:
    if (settings := destination.s3(root)) is None:
        raise StoreError("This mini cloud has no bucket of S3; see: trove-minicloud up --help")
    return settings
