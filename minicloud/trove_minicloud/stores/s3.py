# SPDX-License-Identifier: Apache-2.0
"""Backups in a bucket of S3, as the mini cloud's operator: `<instance id>/<backup id>.tar.zst`.

The stream is a multipart upload, which is aborted where the backup fails. All that is to be known
of it stands in the manifest beside it: some servers lose the metadata of multipart objects.
"""

import base64
import configparser
import contextlib
import hashlib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from trove_minicloud.errors import BackupNotFoundError, MiniCloudError, StoreError
from trove_minicloud.files import write_private
from trove_minicloud.stores.destination import S3
from trove_minicloud.stores.manifest import Key
from trove_minicloud.stores.parts import PartWriter
from trove_minicloud.stores.store import Store

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.response import StreamingBody
except ImportError as error:
    raise MiniCloudError(
        f"{error.name} is not installed, which backups in S3 need:"
        " pip install 'trove-minicloud[s3]'"
    ) from error

SCHEME = "s3://"
_PROFILE = "default"
_NAMES = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_ATTEMPTS = 3
_CAUSES = {
    "InvalidAccessKeyId": "it does not know the access key",
    "SignatureDoesNotMatch": "the secret does not belong to the access key",
    "AccessDenied": "the access key may not do that",
    "ExpiredToken": "the session token has expired",
    "NoSuchBucket": "there is no such bucket; it is not made by itself",
}
_ABSENT = ("404", "NoSuchKey", "NotFound")


class S3Store(Store):
    """A bucket.

    :param login: by boto3's names.
    :param folder: what the names of all its objects begin with, before a slash; nothing by default.
    """

    def __init__(self, settings: S3, login: Mapping[str, str], folder: str = "") -> None:
        self.bucket = settings.bucket
        self._begin = f"{folder}/" if folder else ""
        self.client = boto3.session.Session(**login).client(
            "s3",
            endpoint_url=settings.endpoint,
            # A server that isn't Amazon's has no regions, but the signature names one.
            region_name="us-east-1",
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=10,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                # The MD5 that is sent with each part is checked by every server.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    @property
    def url(self) -> str:
        return f"{SCHEME}{self.bucket}/{self._begin}".removesuffix("/")

    def name(self, key: Key) -> str:
        return f"{key.instance_id}/{key.backup_id}"

    def check(self) -> None:
        """:raises StoreError: the bucket isn't there, or isn't for us."""
        with self.answering("all"):
            self.client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)

    def at(self, name: str) -> dict[str, str]:
        """Where an object is, in boto3's words."""
        return {"Bucket": self.bucket, "Key": f"{self._begin}{name}"}

    def names(self, begin: str = "") -> Iterator[str]:
        where = {"Bucket": self.bucket, "Prefix": f"{self._begin}{begin}"}
        with self.answering(begin):
            for page in self.client.get_paginator("list_objects_v2").paginate(**where):
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self._begin)

    def writer(self, name: str) -> "S3Writer":
        return S3Writer(self, name)

    def put(self, name: str, content: bytes) -> None:
        with self.answering(name):
            self.client.put_object(**self.at(name), Body=content, ContentMD5=md5(content))

    def get(self, name: str) -> bytes:
        with self.answering(name), self._body(name) as body:
            return bytes(body.read())

    def open(self, name: str) -> BinaryIO:
        with self.answering(name):
            return cast(BinaryIO, _Body(self, name, self._body(name)))

    def size(self, name: str) -> int:
        with self.answering(name):
            return int(self.client.head_object(**self.at(name))["ContentLength"])

    def remove(self, name: str) -> None:
        with self.answering(name):
            self.client.delete_object(**self.at(name))

    def remove_all(self, name: str) -> None:
        with self.answering(name):
            uploads = self.client.get_paginator("list_multipart_uploads")
            for page in uploads.paginate(Bucket=self.bucket, Prefix=f"{self._begin}{name}."):
                for upload in page.get("Uploads", ()):
                    self.client.abort_multipart_upload(
                        Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )
        for found in self.names(f"{name}."):
            self.remove(found)

    def _body(self, name: str) -> StreamingBody:
        return self.client.get_object(**self.at(name))["Body"]

    @contextlib.contextmanager
    def answering(self, name: str) -> Iterator[None]:
        """Tell a refusal, or no answer, in our own words."""
        where = f"{self.url}/{name}"
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _ABSENT:
                raise BackupNotFoundError(
                    f"{where} is gone: its backup was deleted, or has lost it."
                ) from error
            cause = _CAUSES.get(code, error.response["Error"].get("Message", ""))
            raise StoreError(
                f"{cause}: {self.client.meta.endpoint_url} answers {code} for {where}."
            ) from error
        except (BotoCoreError, OSError) as error:
            raise StoreError(f"{where} can't be reached: {error}") from error


class S3Writer(PartWriter):
    """A multipart upload."""

    def __init__(self, store: S3Store, name: str) -> None:
        super().__init__()
        self._store = store
        self._target = store.at(name)
        self._parts: list[dict[str, Any]] = []
        self._name = name
        with store.answering(name):
            self._target["UploadId"] = store.client.create_multipart_upload(**self._target)[
                "UploadId"
            ]

    def put_part(self, number: int, part: bytes) -> None:
        with self._store.answering(self._name):
            stored = self._store.client.upload_part(
                **self._target, PartNumber=number, Body=part, ContentMD5=md5(part)
            )
        self._parts.append({"PartNumber": number, "ETag": stored["ETag"]})

    def complete(self) -> None:
        with self._store.answering(self._name):
            self._store.client.complete_multipart_upload(
                **self._target, MultipartUpload={"Parts": self._parts}
            )

    def abort(self) -> None:
        with contextlib.suppress(BackupNotFoundError), self._store.answering(self._name):
            self._store.client.abort_multipart_upload(**self._target)


class _Body:
    """The bytes of an object as they come."""

    def __init__(self, store: S3Store, name: str, body: StreamingBody) -> None:
        self._store, self._name, self._body = store, name, body

    def read(self, size: int = -1) -> bytes:
        with self._store.answering(self._name):
            return bytes(self._body.read(None if size < 0 else size))

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_error: object) -> None:
        self._body.close()


def read_login(file: Path) -> dict[str, str]:
    """Access key and secret from a file as the AWS tools keep them, by boto3's names.

    :raises StoreError: it can't be used, or others than its owner can read it.
    """
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise StoreError(
                f"{file} holds a secret, and others can read it (mode {mode:04o}): chmod 600 {file}"
            )
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(file.read_text(encoding="utf-8"))
        section = parser[_PROFILE]
        found = {name: section[name] for name in _NAMES if name in section}
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"The credentials for S3 can't be read: {error}") from error
    except (configparser.Error, KeyError):
        # Their texts would show lines of the file.
        raise StoreError(
            f"{file} is not a file of AWS credentials: it needs a section [{_PROFILE}]."
        ) from None
    return _complete(found, str(file))


def login_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The same from where the AWS tools look for it first.

    :raises StoreError: it isn't there.
    """
    found = {name: environment[name.upper()] for name in _NAMES if environment.get(name.upper())}
    return _complete(found, "the environment")


def save_login(file: Path, login: Mapping[str, str]) -> None:
    """Write it as `read_login` reads it."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    lines = [f"{name} = {value}" for name, value in login.items()]
    write_private(file, "\n".join([f"[{_PROFILE}]", *lines, ""]))


def _complete(found: dict[str, str], where: str) -> dict[str, str]:
    if missing := [name for name in _NAMES[:2] if not found.get(name)]:
        raise StoreError(
            f"There is no {' and no '.join(missing)} in {where}: set $AWS_ACCESS_KEY_ID and"
            " $AWS_SECRET_ACCESS_KEY, or name a file of AWS credentials by --s3-credentials."
        )
    return found


def md5(content: bytes) -> str:
    """As the Content-MD5 header has it."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
