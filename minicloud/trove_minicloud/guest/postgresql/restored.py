# SPDX-License-Identifier: Apache-2.0
"""A new PostgreSQL server from unpacked backups."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from trove_minicloud.errors import RestoreError
from trove_minicloud.guest import instances
from trove_minicloud.guest.accounts import give_to, require_reachable
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql import server_config, tablespaces
from trove_minicloud.guest.postgresql.binaries import Programs, account, major_of, server_programs
from trove_minicloud.guest.postgresql.server import (
    new_instance,
    set_passwords,
)
from trove_minicloud.guest.tools import run
from trove_minicloud.root import Root

_TIMEOUT = 3600.0
# The first version whose pg_combinebackup can link files instead of copying them.
_LINKS_MAJOR = 18
# What a server may not go below if its WAL or its prepared transactions are to be replayed.
_INHERITED = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}


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
    programs = server_programs(root, major_of(version))
    instance = new_instance(
        root, name, project_id, version=programs.version, instance_id=instance_id, port=port
    )
    require_reachable(folder, account())
    data = folder / "data"
    if len(chain) == 1:
        chain[0].rename(data)
    else:
        _run(combine_command(programs, chain, data), folder)
        for part in chain:
            shutil.rmtree(part)
    _run(verify_command(programs, data), folder)
    tablespaces.require_none_made(programs, data)
    tablespaces.forget_places(data)
    settings = server_config.settings(instance.port, programs.major, _inherited(programs, data))
    settings |= server_config.quiet_settings(programs.major) | tablespaces.settings(data)
    server_config.write(data, settings)
    # That of a source which is a standby would make a standby of the copy.
    (data / "standby.signal").unlink(missing_ok=True)
    # A copy that starts plainly goes on with the source's timeline, and PostgreSQL would then
    # accept the source's backups as parents of the copy's: rows are lost by that.
    (data / "recovery.signal").touch(0o600)
    data.chmod(0o700)
    give_to(account(), data)
    set_passwords(programs, folder, instance, {"restore_command": "false", "hot_standby": "off"})
    instances.write(folder, instance)
    return instance


def combine_command(programs: Programs, chain: Sequence[Path], data: Path) -> tuple[str, ...]:
    # Not synced: the server syncs its whole directory when it starts recovery.
    options = ["--no-sync", "-o", str(data)]
    if programs.major >= _LINKS_MAJOR:
        # The parts are not needed any more.
        options.append("--link")
    return (programs.path("pg_combinebackup"), *options, *(str(part) for part in chain))


def verify_command(programs: Programs, data: Path) -> tuple[str, ...]:
    return (programs.path("pg_verifybackup"), "--exit-on-error", "--quiet", str(data))


def _inherited(programs: Programs, data: Path) -> dict[str, int]:
    output = _run((programs.path("pg_controldata"), str(data)), data.parent)
    pairs = (line.partition(":")[::2] for line in output.splitlines())
    return {_INHERITED[key]: int(value) for key, value in pairs if key in _INHERITED}


def _run(argv: Sequence[str], folder: Path) -> str:
    return run(argv, folder, timeout=_TIMEOUT, error=RestoreError)
