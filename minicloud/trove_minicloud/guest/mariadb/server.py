# SPDX-License-Identifier: Apache-2.0
"""A MariaDB server in a folder of its own: how to make it, and how to run it.

The folder holds `data`, `my.cnf`, and the option files of the administrator and the backup user.
"""

import secrets
import signal
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from trove_minicloud.errors import ServerUnavailableError
from trove_minicloud.files import write_private
from trove_minicloud.guest import instances
from trove_minicloud.guest.accounts import give_to, require_reachable
from trove_minicloud.guest.instances import HOST, PROBE_TIMEOUT
from trove_minicloud.guest.mariadb.binaries import Programs, account
from trove_minicloud.guest.mariadb.connection import status, write_option_file
from trove_minicloud.guest.tools import run
from trove_minicloud.supervision.program import NotReadyError, Program

DATASTORE = "mariadb"
SUPERUSER = "root"
BACKUP_USER = "minicloud_backup"
# What mariadb-backup does: it stops changes of tables for moments, and asks where the log is.
_BACKUP_PRIVILEGES = "RELOAD, PROCESS, BINLOG MONITOR"
# A server that was killed first replays its log.
_READY_TIMEOUT = 300.0
_STOP_TIMEOUT = 60.0


#: A new instance, see `instances.new`.
new_instance = partial(instances.new, datastore=DATASTORE, user=BACKUP_USER)


def make(programs: Programs, folder: Path, port: int) -> None:
    """A new, empty server that listens on this loopback port once it runs.

    :param folder: an existing one, which the user who runs the server can pass through.
    :raises UnreachableFolderError: that user can't.
    :raises DatastoreError: MariaDB's own programs failed.
    """
    user = account()
    require_reachable(folder, user)
    data = folder / "data"
    data.mkdir(mode=0o700)
    give_to(user, data)
    run(install_command(programs, data, _scratch(folder)), folder, user=user)
    configure(folder, port, {})
    set_passwords(programs, folder, port)


def program(programs: Programs, folder: Path, name: str) -> Program:
    """How to run the server in the folder."""
    user = account()

    def ready() -> None:
        try:
            status(backup_file(folder), "Uptime", PROBE_TIMEOUT)
        except ServerUnavailableError as error:
            raise NotReadyError(str(error)) from error

    return Program(
        name=name,
        argv=_server_command(programs, folder),
        env={"LC_ALL": "C"},
        cwd=folder,
        log=folder / "server.log",
        user=user.pw_uid if user else None,
        ready=ready,
        ready_timeout=_READY_TIMEOUT,
        stop_signal=signal.SIGTERM,
        stop_timeout=_STOP_TIMEOUT,
    )


def superuser_file(folder: Path) -> Path:
    return folder / "superuser.password"


def backup_file(folder: Path) -> Path:
    return folder / "backup.password"


def configure(folder: Path, port: int, inherited: Mapping[str, str]) -> None:
    """Write the server's my.cnf; `inherited` are the settings that a restored copy depends on."""
    values = {
        "bind-address": HOST,
        "port": port,
        # Loopback with passwords is enough; a socket's path may be too long for the system.
        "socket": "",
        "skip-name-resolve": "ON",
        # Or a table could be kept outside, and a copy of the server would use the source's.
        "symbolic-links": "OFF",
        # Write changed pages soon: a backup holds all of the log since the last checkpoint.
        "innodb_max_dirty_pages_pct_lwm": "0.001",
        "character-set-server": "utf8mb4",
    }
    lines = [f"{key}={value}" for key, value in {**values, **inherited}.items()]
    path = folder / "my.cnf"
    write_private(path, "\n".join(("[mariadbd]", *lines, "")))
    give_to(account(), path)


def set_passwords(programs: Programs, folder: Path, port: int) -> None:
    """Give the server's administrator and backup user new passwords, before it serves anybody.

    They are set in bootstrap mode, in which nobody can connect: a restored copy comes with the
    passwords of its source.
    """
    passwords = {SUPERUSER: secrets.token_urlsafe(24), BACKUP_USER: secrets.token_urlsafe(24)}
    statements = (
        # Reads the grants, which bootstrap mode does without until then.
        "FLUSH PRIVILEGES",
        *_user_statements(SUPERUSER, passwords[SUPERUSER], "ALL PRIVILEGES", "WITH GRANT OPTION"),
        *_user_statements(BACKUP_USER, passwords[BACKUP_USER], _BACKUP_PRIVILEGES),
    )
    run(
        (*_server_command(programs, folder), "--bootstrap"),
        folder,
        stdin="".join(f"{statement};\n" for statement in statements),
        user=account(),
    )
    write_option_file(superuser_file(folder), port, SUPERUSER, passwords[SUPERUSER])
    write_option_file(backup_file(folder), port, BACKUP_USER, passwords[BACKUP_USER])


def install_command(programs: Programs, data: Path, scratch: Path) -> tuple[str, ...]:
    options = (
        "--no-defaults",
        f"--datadir={data}",
        # In a shared folder, a server that starts deletes the temporary tables of the others.
        f"--tmpdir={scratch}",
        "--skip-test-db",
        "--skip-name-resolve",
        # An administrator who gets in by a socket only: our servers have none.
        "--auth-root-authentication-method=socket",
    )
    return (programs.path("mariadb-install-db"), *options)


def _scratch(folder: Path) -> Path:
    """The folder of the server's temporary tables."""
    scratch = folder / "tmp"
    scratch.mkdir(mode=0o700, exist_ok=True)
    give_to(account(), scratch)
    return scratch


def _server_command(programs: Programs, folder: Path) -> tuple[str, ...]:
    # Places are no part of my.cnf: an instance's folder gets its name at the end of its making.
    places = {
        "--defaults-file": folder / "my.cnf",
        "--datadir": folder / "data",
        "--tmpdir": _scratch(folder),
        "--pid-file": folder / "data" / "mariadbd.pid",
    }
    return (programs.path("mariadbd"), *(f"{key}={value}" for key, value in places.items()))


def _user_statements(user: str, password: str, privileges: str, also: str = "") -> Iterator[str]:
    who = f"'{user}'@'{HOST}'"
    yield f"CREATE OR REPLACE USER {who} IDENTIFIED BY '{password}'"
    yield f"GRANT {privileges} ON *.* TO {who} {also}".rstrip()
