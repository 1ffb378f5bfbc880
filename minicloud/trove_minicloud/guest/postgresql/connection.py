# SPDX-License-Identifier: Apache-2.0
"""Asking a PostgreSQL server over the very kind of connection that its backups use."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from trove_minicloud.errors import ServerUnavailableError
from trove_minicloud.files import write_private
from trove_minicloud.guest.instances import ANSWER_TIMEOUT
from trove_minicloud.guest.postgresql import replication
from trove_minicloud.guest.postgresql.binaries import INCREMENTAL_MAJOR, Programs, major_of

_PLAIN = re.compile(r"[\w./:@%+,-]+")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and how to be let in; `password_file` is in libpq's format.

    With an `sslmode` the connection is encrypted or none.
    """

    host: str
    port: int
    user: str
    password_file: Path
    sslmode: str = ""
    sslrootcert: str = ""

    @property
    def conninfo(self) -> str:
        """For libpq. It holds no password."""
        chosen = {"sslmode": self.sslmode, "sslrootcert": self.sslrootcert}
        tls = {name: value for name, value in chosen.items() if value}
        return to_conninfo(host=self.host, port=self.port, user=self.user, **tls)

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of a client tool: none of the caller's PG… variables."""
        return client_environment(self.password_file)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which server this is, and which history it is on."""

    version: str
    system: str
    timeline: int


def to_conninfo(**values: object) -> str:
    """The values as one string for libpq, which takes spaces and quotes in them only escaped."""
    return " ".join(f"{key}={_quote(str(value))}" for key, value in values.items())


def client_environment(password_file: Path) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "PGPASSFILE": str(password_file),
        # A service file or a .psqlrc of the user is none of our business.
        "HOME": str(password_file.parent),
        # Where this Python has found us, for another one.
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


def write_password_file(path: Path, port: int, user: str, password: str) -> None:
    """One line in libpq's format, readable by its owner alone.

    For any host: the file is only ever used with one, and libpq gives some Unix sockets
    another name here than they have elsewhere.
    """
    write_private(path, f"*:{port}:*:{_escape(user)}:{_escape(password)}\n")


def identify(programs: Programs, server: Server, timeout: float = ANSWER_TIMEOUT) -> Identity:
    """Open a replication connection and ask the server who it is.

    :param timeout: seconds until the server counts as one that doesn't answer.
    :raises ServerUnavailableError: it refuses us or doesn't answer.
    """
    system, version = _ask(programs, server, timeout, "IDENTIFY_SYSTEM", "SHOW server_version")
    identifier, timeline = system.split("|")[:2]
    return Identity(version.split()[0], identifier, int(timeline))


def incremental_obstacle(programs: Programs, server: Server, version: str) -> str | None:
    """Why this server can't do incremental backups, or None if it can.

    :raises ServerUnavailableError: it refuses us or doesn't answer.
    """
    if major_of(version) < INCREMENTAL_MAJOR:
        return (
            f"PostgreSQL {version} has no incremental backups"
            f" ({INCREMENTAL_MAJOR} is the first version with them)"
        )
    if _ask(programs, server, ANSWER_TIMEOUT, "SHOW summarize_wal") != ["on"]:
        return "summarize_wal is off on the server (ALTER SYSTEM SET summarize_wal = on)"
    return None


def _ask(programs: Programs, server: Server, timeout: float, *commands: str) -> list[str]:
    conninfo = f"{server.conninfo} replication=true connect_timeout={int(timeout)}"
    if server.sslmode:
        argv = [sys.executable, "-m", replication.__name__, conninfo, *commands]
    else:
        argv = [programs.path("psql"), "-X", "-w", "-A", "-t", "-d", conninfo]
        for command in commands:
            argv += ("-c", command)
    where = f"{server.user} at {server.host}:{server.port}"
    try:
        run = subprocess.run(
            argv,
            env=server.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServerUnavailableError(f"No answer for {where} in {timeout} s.") from None
    lines = run.stdout.splitlines()
    if run.returncode != 0 or len(lines) != len(commands):
        reason = run.stderr.strip() or run.stdout.strip()
        raise ServerUnavailableError(f"No replication connection for {where}: {reason}")
    return lines


def _quote(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _escape(field: str) -> str:
    return field.replace("\\", "\\\\").replace(":", "\\:")
