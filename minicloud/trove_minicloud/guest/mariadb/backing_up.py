# SPDX-License-Identifier: Apache-2.0
"""What a backup of a MariaDB server is taken with, and of which history it is."""

from pathlib import Path

from trove_minicloud.errors import ParentRefusedError
from trove_minicloud.guest.datastores import Source, Tool
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb import binaries
from trove_minicloud.guest.mariadb.binaries import Programs
from trove_minicloud.guest.mariadb.connection import status, version
from trove_minicloud.guest.mariadb.stream_check import BackupCheck, Checkpoints
from trove_minicloud.guest.tools import ENVIRONMENT
from trove_minicloud.root import Root


def inspect(root: Root, instance: Instance) -> Source:
    """The server as it is now.

    :raises ServerUnavailableError: it refuses us or doesn't answer.
    """
    return Source(
        version=version(instance.password_file(root)),
        incarnation=instance.incarnation,
        incremental_obstacle=None,
    )


def backup_tool(root: Root, instance: Instance, basis: Path | None) -> Tool:
    """What streams a backup: a full one, or an incremental one on the parent's `basis`.

    :raises ParentRefusedError: the parent is from the server's future, or its basis is damaged.
    """
    found = binaries.find_for(instance.version)
    from_lsn = _end_of(basis) if basis else 0
    reached_lsn = int(status(instance.password_file(root), "Innodb_lsn_current"))
    # mariadb-backup would end with status 0, and with a useless backup.
    if from_lsn > reached_lsn:
        raise ParentRefusedError(
            f"it is of LSN {from_lsn}, and the server has only come to {reached_lsn}: it is not"
            " of this history of the server"
        )
    # mariadb-backup wants a folder though all goes to stdout; nothing stays in it.
    scratch = instance.folder(root) / "backup"
    scratch.mkdir(mode=0o700, exist_ok=True)
    argv = backup_command(
        found, instance.password_file(root), instance.data(root), scratch, from_lsn
    )
    return Tool(argv, ENVIRONMENT, BackupCheck(from_lsn, reached_lsn))


def _end_of(basis: Path) -> int:
    try:
        return Checkpoints.parse(basis.read_text(encoding="utf-8")).to_lsn
    except ValueError as error:
        raise ParentRefusedError(f"what to build on can't be read: {error}") from error


def backup_command(
    found: Programs, option_file: Path, data: Path, scratch: Path, from_lsn: int
) -> tuple[str, ...]:
    argv = [
        found.path("mariadb-backup"),
        # It has to come first.
        f"--defaults-file={option_file}",
        "--backup",
        "--stream=xbstream",
        f"--datadir={data}",
        f"--target-dir={scratch}",
        f"--tmpdir={scratch}",
    ]
    if from_lsn:
        argv.append(f"--incremental-lsn={from_lsn}")
    return tuple(argv)
