# SPDX-License-Identifier: Apache-2.0
"""What `up` does to have the backups go elsewhere: checks the place, and keeps the choice."""

import os
import shlex
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
        if root.backups.is_symlink():
            root.backups.unlink()
        else:
            root.backups.rmdir()
        root.backups.symlink_to(target)
    use(root, "local")


def use_s3(root: Root, endpoint: str, bucket: str, credentials: Path | None) -> None:
    """Have new backups go to this bucket, after it has answered.

    :param credentials: a file of the AWS tools; None takes them from the environment, and keeps
        them in the root.
    :raises StoreError: the bucket isn't there, or not for these credentials.
    :raises MiniCloudError: no URL, no boto3, or the cloud is up with another choice.
    """
    from trove_minicloud.stores.s3 import S3Store, login_of, read_login, save_login

    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.hostname or address.username:
        raise MiniCloudError(
            f"{endpoint!r} is no address of an S3 server: it looks like https://s3.example.org,"
            " without a password."
        )
    kept = root.service("storage") / "s3.credentials"
    file = credentials.resolve() if credentials else kept
    wanted = S3(endpoint=endpoint, bucket=bucket, credentials=str(file))
    changes = (destination.strategy(root), destination.s3(root)) != ("s3", wanted)
    _require_down(root, changes, "s3")
    fresh = credentials is None and ("AWS_ACCESS_KEY_ID" in os.environ or not kept.exists())
    login = login_of(os.environ) if fresh else read_login(file)
    S3Store(wanted, login).check()
    if fresh:
        save_login(kept, login)
    destination.keep_s3(root, wanted)
    destination.choose(root, "s3")


def _require_down(root: Root, changes: bool, strategy: Strategy) -> None:
    if changes and state.supervisor_pid(root) is not None:
        raise MiniCloudError(
            f"The mini cloud under {root.path} is up and keeps its backups"
            f" {_WORDS[destination.strategy(root)]}; take it down to have them"
            f" {_WORDS[strategy]}: trove-minicloud down --root {shlex.quote(str(root.path))}"
        )
