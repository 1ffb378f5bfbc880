# SPDX-License-Identifier: Apache-2.0
"""The account that runs a database's servers where we are root, which the servers refuse to be."""

import os
import pwd
from pathlib import Path

from trove_minicloud.errors import UnreachableFolderError

#: None where the servers run as whoever we are.
Account = pwd.struct_passwd | None
_FALLBACK = "nobody"


def server_account(customary: str) -> Account:
    """The database's customary account, or `nobody` if this machine doesn't have that."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(customary)
    except KeyError:
        return pwd.getpwnam(_FALLBACK)


def require_reachable(folder: Path, user: Account) -> None:
    """:raises UnreachableFolderError: the user can't pass through to this folder."""
    if user is None:
        return
    for parent in (folder, *folder.parents):
        status = parent.stat()
        passable = 0o100 if status.st_uid == user.pw_uid else 0o001
        if not status.st_mode & passable:
            raise UnreachableFolderError(
                f"Database servers run as user {user.pw_name} and can't get at {folder}, because"
                f" {parent} is closed to others. Choose a root outside of it, such as"
                " /var/lib/trove-minicloud."
            )


def give_to(user: Account, path: Path) -> None:
    """Make the user own the file, or the folder and all in it.

    Whoever owns some of it already may put links in our way meanwhile: none is followed.
    """
    if user is None:
        return
    os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    if path.is_dir():
        # By open folders, and not by paths that lead through them.
        for _path, folders, files, opened in os.fwalk(path):
            for name in (*folders, *files):
                os.chown(name, user.pw_uid, user.pw_gid, dir_fd=opened, follow_symlinks=False)
