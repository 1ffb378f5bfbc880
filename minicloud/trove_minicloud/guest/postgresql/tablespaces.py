# SPDX-License-Identifier: Apache-2.0
"""Tablespaces in backups and in copies, which never touch their original's folders.

A server has its tablespaces in other folders, and a copy may run on the same machine. So a copy
has them inside its data directory, below `pg_tblspc`.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from trove_minicloud.errors import BackupError, RestoreError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql.binaries import Programs
from trove_minicloud.guest.postgresql.questions import text
from trove_minicloud.guest.postgresql.session import session
from trove_minicloud.guest.tools import run
from trove_minicloud.root import Root

# Where the server's are, by which a copy would link to them when it first starts.
_MAP = "tablespace_map"
_TABLESPACES = "SELECT oid, spcname FROM pg_tablespace ORDER BY 1"
# One without a folder of its own does no harm.
_CREATION = re.compile(r'desc: CREATE \d+ "(.+)"')


@contextlib.contextmanager
def none_made(root: Root, instance: Instance) -> Iterator[None]:
    """Meanwhile no tablespace is made in a server of ours, if it can be asked.

    :raises BackupError: one was, and a copy would make it again in the same folder.
    """
    before = _names(root, instance)
    yield
    after = _names(root, instance)
    if before and (made := [name for oid, name in after.items() if oid not in before]):
        raise BackupError(
            f"The tablespace {made[0]} was made during the backup. A copy of it would use the same"
            " folder, so take another backup."
        )


def _names(root: Root, instance: Instance) -> dict[int, str]:
    if not instance.managed:
        # It may let us in for replication only; what is made in it is found at a restore.
        return {}
    with (
        contextlib.suppress(psycopg.Error),
        session(root, instance, "template1", "SQL_ASCII") as asked,
    ):
        return {oid: text(name) for oid, name in asked.execute(_TABLESPACES).fetchall()}
    return {}


def require_none_made(programs: Programs, data: Path) -> None:
    """:raises RestoreError: one was made during the backup that is unpacked here."""
    manifest = json.loads((data / "backup_manifest").read_bytes())
    for wal_range in manifest["WAL-Ranges"]:
        said = run(creations_command(programs, data, wal_range), data.parent, error=RestoreError)
        if found := _CREATION.search(said):
            raise RestoreError(
                f"A tablespace was made in {found[1]} during this backup. A copy would use the same"
                " folder. Restore another backup."
            )


def creations_command(
    programs: Programs, data: Path, wal_range: dict[str, object]
) -> Sequence[str]:
    return (
        programs.path("pg_waldump"),
        f"--path={data / 'pg_wal'}",
        f"--timeline={wal_range['Timeline']}",
        f"--start={wal_range['Start-LSN']}",
        f"--end={wal_range['End-LSN']}",
        "--rmgr=Tablespace",
    )


def settings(data: Path) -> dict[str, str]:
    """Those with which a server accepts its tablespaces where they are in a copy."""
    if any((data / "pg_tblspc").iterdir()):
        return {"allow_in_place_tablespaces": "on"}
    return {}


def forget_places(data: Path) -> None:
    """Have a copy not link to the folders of its original."""
    (data / _MAP).unlink(missing_ok=True)
