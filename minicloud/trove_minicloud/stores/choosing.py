# SPDX-License-Identifier: Apache-2.0
"""Has the backups of a root go elsewhere: checks the place, and keeps the choice."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.stores import destination
from trove_minicloud.stores.destination import S3, Strategy
from trove_minicloud.supervision import state

_WORDS = {"local": "in a folder", "swift": "in Swift", "s3": "in S3"}


def use(root: Root, strategy: Strategy) -> None:
    """Have new backups go to the folder, or to the own Swift, from the next start on.

    :raises MiniCloudError: the cloud is up, with another choice.
    """
    _require_down(root, destination.strategy(root) != strategy, strategy)
    if strategy == "swift":
        destination.want_swift(root)
    destination.choose(root, strategy)


def use_folder(root: Root, disk: Path) -> None:
    """Have the folder of backups lie elsewhere, such as on another disk than the databases.

    It is a folder of its own in that place, so that a disk that isn't mounted is not taken for one
    without backups.

    :raises MiniCloudError: the place isn't there, the cloud is up, or backups have to be moved.
    """
    if not disk.is_dir():
        raise MiniCloudError(f"There is no folder {disk}.")
    target = disk.resolve() / "backups"
    root.prepare()
    if root.backups.resolve() != target:
        if state.supervisor_pid(root) is not None:
            raise MiniCloudError(
                f"The mini cloud under {root.path} is up; take it down to have its backups lie"
                f" elsewhere: trove-minicloud down --root {shlex.quote(str(root.path))}"
            )
        if any(root.backups.iterdir()):
            raise MiniCloudError(
                f"Move what is in {root.backups.resolve()} to {target}, and try again: Trove finds"
                " its backups there then."
            )
        target.mkdir(mode=0o700, exist_ok=True)
        link_folder(root, target)
    use(root, "local")


def link_folder(root: Root, target: Path) -> None:
    """Have this be the folder of backups, which is empty now where it is."""
    if root.backups.is_symlink():
        root.backups.unlink()
    else:
        root.backups.rmdir()
    root.backups.symlink_to(target)


def use_s3(root: Root, endpoint: str, bucket: str, credentials: Path | None) -> None:
    """Have new backups go to this bucket, after it has answered.

    :param credentials: a file of the AWS tools; None takes them from the environment, and keeps
        them in the root.
    :raises StoreError: the bucket isn't there, or not for these credentials.
    :raises MiniCloudError: no URL, no boto3, or the cloud is up with another choice.
    """
    from trove_minicloud.stores.s3 import S3Store

    wanted = s3_at(root, endpoint, bucket, credentials)
    changes = (destination.strategy(root), destination.s3(root)) != ("s3", wanted)
    _require_down(root, changes, "s3")
    login = s3_login(root, wanted)
    S3Store(wanted, login).check()
    keep_s3(root, wanted, login)
    destination.choose(root, "s3")


def s3_at(root: Root, endpoint: str, bucket: str, credentials: Path | None) -> S3:
    """The bucket as the root would keep it.

    :raises MiniCloudError: no URL of a server.
    """
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.hostname or address.username:
        raise MiniCloudError(
            f"{endpoint!r} is no address of an S3 server: it looks like https://s3.example.org,"
            " without a password."
        )
    file = credentials.resolve() if credentials else _kept_login(root)
    return S3(endpoint=endpoint, bucket=bucket, credentials=str(file))


def s3_login(root: Root, wanted: S3) -> dict[str, str]:
    """From the file that was named, else from the environment or what the root keeps of it.

    :raises StoreError: it isn't there.
    :raises MiniCloudError: boto3 isn't.
    """
    from trove_minicloud.stores.s3 import login_of, read_login

    file = Path(wanted.credentials)
    own = file == _kept_login(root)
    if own and ("AWS_ACCESS_KEY_ID" in os.environ or not file.exists()):
        return login_of(os.environ)
    return read_login(file)


def keep_s3(root: Root, wanted: S3, login: Mapping[str, str]) -> None:
    """Have this be the root's bucket, and its login be kept where no file was named for it."""
    from trove_minicloud.stores.s3 import save_login

    if wanted.credentials == str(_kept_login(root)):
        save_login(_kept_login(root), login)
    destination.keep_s3(root, wanted)


def _kept_login(root: Root) -> Path:
    return root.service("storage") / "s3.credentials"


def _require_down(root: Root, changes: bool, strategy: Strategy) -> None:
    if changes and state.supervisor_pid(root) is not None:
        raise MiniCloudError(
            f"The mini cloud under {root.path} is up and keeps its backups"
            f" {_WORDS[destination.strategy(root)]}; take it down to have them"
            f" {_WORDS[strategy]}: trove-minicloud down --root {shlex.quote(str(root.path))}"
        )
