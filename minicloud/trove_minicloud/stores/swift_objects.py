# SPDX-License-Identifier: Apache-2.0
"""Backups in Swift, as the project that asked for them: every request bears the caller's token.

A backup is `<instance id>_<backup id>.tar.zst` in the container that Trove was asked to use: a
static large object, of segments whose names go on with their number. Swift checks the MD5 of each
segment as it comes, and of all of them when they become an object.
"""

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from requests.exceptions import RequestException
from swiftclient.client import ClientException, Connection
from urllib3.exceptions import HTTPError

from trove_minicloud.errors import BackupNotFoundError, LostPartError, StoreError
from trove_minicloud.stores.manifest import Key
from trove_minicloud.stores.parts import PartWriter
from trove_minicloud.stores.store import Store

# A proxy that is restarted is back within the second of these; the waits before are 1 and 2 s.
_RETRIES = 2
_TIMEOUT = 60.0
_READ_SIZE = 1 << 20
_CAUSES = {
    401: "it does not accept the token, which has expired or was revoked",
    403: "it does not let the token's owner do that",
    413: "a quota of the project or the container is used up",
    # Its proxy says no more, whatever the server behind it has said.
    503: "its disk is full, or one of its servers is down",
}


def containers(url: str, token: str) -> list[str]:
    """The names of the containers of a project; none where it has stored nothing yet.

    :param url: the project's storage URL.
    :raises StoreError: Swift refuses, or doesn't answer.
    """
    store = SwiftStore(url, "", token)
    try:
        with store.answering(""):
            _headers, found = store.connection.get_account(full_listing=True)
    except BackupNotFoundError:
        return []
    return [each["name"] for each in found]


class SwiftStore(Store):
    """A container of a project.

    :param url: the project's storage URL, as its catalog has it.
    """

    def __init__(self, url: str, container: str, token: str) -> None:
        self._storage_url, self._token = url.rstrip("/"), token
        self._container = container
        self._connection = Connection(preauthurl=url, retries=_RETRIES, timeout=_TIMEOUT)

    @property
    def url(self) -> str:
        return f"{self._storage_url}/{self._container}"

    def name(self, key: Key) -> str:
        return f"{key.instance_id}_{key.backup_id}"

    def names(self, begin: str = "") -> Iterator[str]:
        with self.answering(begin):
            _headers, found = self.connection.get_container(
                self._container, prefix=begin, full_listing=True
            )
        for each in found:
            yield each["name"]

    def writer(self, name: str) -> "SwiftWriter":
        with self.answering(name):
            self.connection.put_container(self._container)
        return SwiftWriter(self, self._container, name)

    def put(self, name: str, content: bytes) -> None:
        self.send(name, content, etag=md5(content))

    def send(self, name: str, content: bytes, **options: str) -> None:
        """Put an object, with more of swiftclient's options."""
        with self.answering(name):
            self.connection.put_object(
                self._container,
                name,
                # Something that can be read again, for another attempt.
                io.BytesIO(content),
                content_length=len(content),
                **options,
            )

    def get(self, name: str) -> bytes:
        with self.answering(name):
            _headers, content = self.connection.get_object(self._container, name)
        return bytes(content)

    def open(self, name: str) -> BinaryIO:
        with self.answering(name):
            _headers, body = self.connection.get_object(
                self._container, name, resp_chunk_size=_READ_SIZE
            )
        return cast(BinaryIO, io.BufferedReader(_Body(self, name, body), _READ_SIZE))

    def size(self, name: str) -> int:
        with self.answering(name):
            return int(self.connection.head_object(self._container, name)["content-length"])

    def remove(self, name: str) -> None:
        with contextlib.suppress(BackupNotFoundError), self.answering(name):
            self.connection.delete_object(self._container, name)

    def remove_all(self, name: str) -> None:
        with contextlib.suppress(BackupNotFoundError):
            for found in self.names(f"{name}."):
                self.remove(found)

    @property
    def connection(self) -> Connection:
        # After a refusal it would forget both, and look for a login that it has not got.
        self._connection.url, self._connection.token = self._storage_url, self._token
        return self._connection

    @contextlib.contextmanager
    def answering(self, name: str) -> Iterator[None]:
        """Tell a refusal, or no answer, in our own words."""
        where = f"{self.url}/{name}"
        try:
            yield
        except ClientException as error:
            if error.http_status == 404:
                raise BackupNotFoundError(
                    f"{where} is gone: its backup was deleted, or has lost it."
                ) from error
            if error.http_status == 409:
                raise LostPartError(
                    f"{where} is damaged: a segment of it is gone, or is not the one that was"
                    " written. Nothing was restored from it."
                ) from error
            cause = _CAUSES.get(error.http_status, error.http_reason or str(error))
            raise StoreError(f"{cause}: Swift answers {error.http_status} for {where}.") from error
        except (RequestException, HTTPError, OSError) as error:
            raise StoreError(f"Swift does not answer for {where}: {error}") from error


class SwiftWriter(PartWriter):
    """Segments beside the object that they will be."""

    def __init__(self, store: SwiftStore, container: str, name: str) -> None:
        super().__init__()
        self._store, self._container, self._name = store, container, name
        self._segments: list[dict[str, Any]] = []

    def put_part(self, number: int, part: bytes) -> None:
        name = f"{self._name}_{number:08d}"
        self._store.put(name, part)
        self._segments.append(
            {
                "path": f"/{self._container}/{name}",
                "etag": md5(part),
                "size_bytes": len(part),
            }
        )

    def complete(self) -> None:
        content = json.dumps(self._segments).encode()
        self._store.send(self._name, content, query_string="multipart-manifest=put")

    def abort(self) -> None:
        # Nothing is open; the store removes the segments by their names.
        self._segments.clear()


class _Body(io.RawIOBase):
    """The bytes of an object as they come. A lost segment shows in the middle of them."""

    def __init__(self, store: SwiftStore, name: str, body: Any) -> None:
        self._store, self._name, self._body = store, name, body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._store.answering(self._name):
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
