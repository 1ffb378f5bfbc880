# SPDX-License-Identifier: Apache-2.0
"""A new MariaDB server from unpacked backups."""

import shutil
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from pathlib import Path

from trove_minicloud.errors import RestoreError
from trove_minicloud.guest import instances
from trove_minicloud.guest.accounts import give_to, require_reachable
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb import binaries, server
from trove_minicloud.guest.mariadb.binaries import Programs
from trove_minicloud.guest.mariadb.stream_check import CHECKPOINTS, Checkpoints
from trove_minicloud.guest.tools import run
from trove_minicloud.root import Root

_TIMEOUT = 3600.0
_PREPARED = "log-applied"
# What the files depend on, of the settings that mariadb-backup keeps with them.
_INHERITED = ("innodb_page_size", "innodb_data_file_path", "innodb_undo_tablespaces")
# A copy doesn't act for its original, in the events that it has, or as a replica.
_QUIET = {"event_scheduler": "OFF", "skip-slave-start": "ON"}


def restore_server(
    root: Root,
    folder: Path,
    chain: Sequence[Path],
    name: str,
    project_id: str,
    version: str,
    *,
    instance_id: str | None = None,
    port: int | None = None,
) -> Instance:
    """See `Datastore.restore_server`."""
    found = binaries.find_for(version)
    user = binaries.account()
    instance = server.new_instance(
        root, name, project_id, version=found.version, instance_id=instance_id, port=port
    )
    require_reachable(folder, user)
    full, *increments = chain
    _prepare(found, full, None)
    for increment in increments:
        _prepare(found, full, increment)
        shutil.rmtree(increment)
    data = full.rename(folder / "data")
    inherited = _inherited(data)
    for argv in verify_commands(found, data, int(inherited["innodb_page_size"])):
        _verify(argv, folder)
    data.chmod(0o700)
    give_to(user, data)
    server.configure(folder, instance.port, inherited | _QUIET)
    server.set_passwords(found, folder, instance.port)
    instances.write(folder, instance)
    return instance


def _prepare(found: Programs, full: Path, increment: Path | None) -> None:
    """Make the full backup one of the moment of its own end, or of the increment's."""
    until = _checkpoints(increment or full).to_lsn
    _run(prepare_command(found, full, increment), full.parent)
    reached = _checkpoints(full)
    # The status of MariaDB's own tool has been too good to be true elsewhere.
    if (reached.kind, reached.to_lsn) != (_PREPARED, until):
        raise RestoreError(
            f"mariadb-backup left the copy at LSN {reached.to_lsn} ({reached.kind}), and should"
            f" have brought it to {until}."
        )


def prepare_command(found: Programs, full: Path, increment: Path | None) -> tuple[str, ...]:
    argv = [found.path("mariadb-backup"), "--no-defaults", "--prepare", f"--target-dir={full}"]
    if increment:
        argv.append(f"--incremental-dir={increment}")
    return tuple(argv)


def verify_commands(found: Programs, data: Path, page_size: int) -> Iterator[tuple[str, ...]]:
    """What checks every page of InnoDB's files by its checksum."""
    tool = found.path("innochecksum")
    for path in sorted((*data.glob("*/*.ibd"), *data.glob("ibdata*"), *data.glob("undo*"))):
        if path.name == "ibdata1":
            # The doublewrite buffer, in the second and third extent, is no pages of a table, and
            # innochecksum takes it for damaged ones.
            extent = max(64, 2**20 // page_size)
            yield (tool, f"--end-page={extent - 1}", str(path))
            yield (tool, f"--start-page={3 * extent}", str(path))
        else:
            yield (tool, str(path))


def _verify(argv: Sequence[str], folder: Path) -> None:
    try:
        _run(argv, folder)
    except RestoreError as error:
        raise RestoreError(f"{argv[-1]} of the restored copy is damaged: {error}") from error


def _checkpoints(folder: Path) -> Checkpoints:
    try:
        return Checkpoints.parse((folder / CHECKPOINTS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise RestoreError(f"The backup's {CHECKPOINTS} can't be read: {error}") from error


def _inherited(data: Path) -> dict[str, str]:
    settings = ConfigParser(interpolation=None)
    settings.read_string((data / "backup-my.cnf").read_text(encoding="utf-8"))
    return {name: settings["mysqld"][name] for name in _INHERITED}


def _run(argv: Sequence[str], folder: Path) -> None:
    run(argv, folder, timeout=_TIMEOUT, error=RestoreError)
