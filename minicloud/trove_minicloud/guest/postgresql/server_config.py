# SPDX-License-Identifier: Apache-2.0
"""The configuration files of the servers that we make."""

from collections.abc import Mapping
from pathlib import Path

from trove_minicloud.files import write_private
from trove_minicloud.guest.instances import HOST
from trove_minicloud.guest.postgresql.binaries import INCREMENTAL_MAJOR

SUPERUSER = "postgres"
BACKUP_ROLE = "minicloud_backup"

#: The configuration's file, the one that ALTER SYSTEM writes, and what is added to the names of
#: those of a restored copy's source.
MAIN = "postgresql.conf"
BY_COMMAND = "postgresql.auto.conf"
ASIDE = ".source"

_HBA = f"""\
# TYPE  DATABASE     USER              ADDRESS       METHOD
host    replication  {BACKUP_ROLE}  {HOST}/32  scram-sha-256
host    all          {BACKUP_ROLE}  {HOST}/32  reject
host    all          all               {HOST}/32  scram-sha-256
"""


#: What a restored copy has in its configuration so that it doesn't act for its original, by the
#: version that brought it. Its libraries, its archive and its primary stay behind with the source's
#: configuration, and no backup holds replication slots.
_QUIET = {0: {"max_logical_replication_workers": "0"}, 17: {"event_triggers": "off"}}


def quiet_settings(major: int) -> dict[str, str]:
    """Those of a restored copy of a server of this version."""
    return {
        name: value
        for since, values in _QUIET.items()
        if major >= since
        for name, value in values.items()
    }


def settings(port: int, major: int, inherited: Mapping[str, int]) -> dict[str, str]:
    """The server's settings; `inherited` are those that a restored copy may not go below."""
    values = {
        "listen_addresses": HOST,
        "port": str(port),
        # Loopback with passwords is enough; a socket's path may be too long for the system.
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        # For a backup that gets no replication slot.
        "wal_keep_size": "1GB",
    }
    if major >= INCREMENTAL_MAJOR:
        values["summarize_wal"] = "on"
    return values | {name: str(value) for name, value in inherited.items()}


def write(data: Path, values: Mapping[str, str]) -> None:
    """Replace the data directory's configuration; that of a restored copy's source is kept aside.

    The source's could name places, libraries or an archive that belong to the source.
    """
    text = "".join(f"{name} = '{value}'\n" for name, value in values.items())
    contents = {
        MAIN: text,
        "pg_hba.conf": _HBA,
        "pg_ident.conf": "",
        BY_COMMAND: "",
    }
    for name, content in contents.items():
        path = data / name
        if path.exists():
            path.rename(path.with_name(f"{name}{ASIDE}"))
        # The folder may be the servers' user's by now, and a link in it must not be followed.
        write_private(path, content)
