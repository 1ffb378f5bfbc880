# SPDX-License-Identifier: Apache-2.0
"""A store that somebody names on a command line: a folder, or `s3://bucket/folder`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.stores import choosing, destination
from trove_minicloud.stores.destination import S3, Strategy
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.store import Store

_S3 = "s3://"


class Place(ABC):
    """One store, which may be that of no root yet.

    :ivar strategy: its kind, as Trove calls it.
    """

    strategy: Strategy

    @property
    @abstractmethod
    def store(self) -> Store:
        """:raises MiniCloudError: there is no login for it, or boto3 is missing."""

    @abstractmethod
    def keep(self, root: Root, *, instead: bool = False) -> None:
        """Have the root find backups there, too.

        :param instead: of the bucket that the root had.
        :raises MiniCloudError: the root keeps backups elsewhere that it would no longer find.
        """


def named(root: Root, text: str, endpoint: str | None, credentials: Path | None) -> Place:
    """The store of this name.

    :param endpoint: of an S3 server; None is that of the root.
    :param credentials: a file of AWS credentials; None is the environment, or what the root keeps.
    :raises MiniCloudError: there is no such folder, or no server for the bucket.
    """
    if not text.startswith(_S3):
        if endpoint is not None or credentials is not None:
            raise MiniCloudError("--s3 and --s3-credentials are for s3://BUCKET.")
        return _Folder(_backups_in(Path(text)))
    bucket, _, folder = text.removeprefix(_S3).strip("/").partition("/")
    known = destination.s3(root)
    if endpoint is not None:
        wanted = choosing.s3_at(root, endpoint, bucket, credentials)
    elif known is not None and known.bucket == bucket and credentials is None:
        wanted = known
    else:
        raise MiniCloudError(f"Name the server of {_S3}{bucket}: add --s3 URL.")
    return _Bucket(wanted, folder, choosing.s3_login(root, wanted))


@dataclass(frozen=True, slots=True)
class _Folder(Place):
    folder: Path
    strategy: Strategy = "local"

    @property
    def store(self) -> Store:
        return LocalStore(self.folder)

    def keep(self, root: Root, *, instead: bool = False) -> None:
        if root.backups.resolve() == self.folder:
            return
        if any(root.backups.iterdir()):
            raise MiniCloudError(
                f"{root.path} keeps backups in {root.backups.resolve()}. Move what is in"
                f" {self.folder} there, and name that folder."
            )
        choosing.link_folder(root, self.folder)


@dataclass(frozen=True, slots=True)
class _Bucket(Place):
    wanted: S3
    folder: str
    login: Mapping[str, str] = field(repr=False)
    strategy: Strategy = "s3"

    @property
    def store(self) -> Store:
        from trove_minicloud.stores.s3 import S3Store

        return S3Store(self.wanted, self.login, self.folder)

    def keep(self, root: Root, *, instead: bool = False) -> None:
        known, new = destination.s3(root), (self.wanted.endpoint, self.wanted.bucket)
        if known is not None and not instead and (known.endpoint, known.bucket) != new:
            raise MiniCloudError(
                f"{root.path} has its backups in the bucket {known.bucket} of {known.endpoint},"
                " and would no longer find them. Choose another root with --root."
            )
        choosing.keep_s3(root, self.wanted, self.login)


def _backups_in(path: Path) -> Path:
    """What `up --store-dir` was given is a folder with the backups in one of its own."""
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        raise MiniCloudError(f"There is no folder {path}.")
    inside = folder / "backups"
    return inside.resolve() if inside.is_dir() else folder
