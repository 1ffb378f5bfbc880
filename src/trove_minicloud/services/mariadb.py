# SPDX-License-Identifier: Apache-2.0
"""MariaDB, which keeps the rows of a cluster's services: Debian's, in a private folder."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pymysql

from trove_minicloud import debian
from trove_minicloud.cluster import Cluster
from trove_minicloud.errors import StartupError
from trove_minicloud.files import write_private
from trove_minicloud.guest.postgresql.programs import server_user
from trove_minicloud.programs import DATABASE_VARIABLES, NotReadyError, Program
from trove_minicloud.root import Root

NAME = "mariadb"
#: The services with a database and an account of their own, both of this name.
_SERVICES = ("keystone", "mistral", "trove")

_PACKAGES = ("mariadb-server-core", "mariadb-client-core")
_INSTALLED = (Path("/usr/sbin/mariadbd"), Path("/usr/bin/mariadb-install-db"))
_INSTALL_TIMEOUT = 300.0
_TIMEOUT = 2


def database_url(cluster: Cluster, service: str) -> str:
    """The service's database as SQLAlchemy names it."""
    password = _password(cluster, service)
    address = f"127.0.0.1:{cluster.mariadb_port}"
    return f"mysql+pymysql://{service}:{password}@{address}/{service}?charset=utf8mb4"


def configure(root: Root, cluster: Cluster) -> None:
    """Make the data folder and the accounts; fetch the programs the first time.

    :raises MiniCloudError: the packages can't be had here, or no data folder could be made.
    """
    folder = root.service(NAME)
    folder.mkdir(mode=0o700, exist_ok=True)
    installation = _installation(root)
    accounts = folder / "accounts.sql"
    write_private(accounts, _accounts(cluster))
    _give(folder)
    _give(accounts)
    if not (folder / "data").exists():
        _install(installation, folder)


def program(root: Root, cluster: Cluster) -> Program:
    """The program; it is ready when a service can log in."""
    folder = root.service(NAME)
    installation = _installation(root)
    user = server_user()
    return Program(
        name=NAME,
        argv=(
            str(installation.prefix / "usr/sbin/mariadbd"),
            "--no-defaults",
            *installation.options(),
            f"--datadir={folder / 'data'}",
            # Relative to the data, because the path of a socket can't be long.
            "--socket=mariadb.sock",
            "--pid-file=mariadb.pid",
            "--bind-address=127.0.0.1",
            f"--port={cluster.mariadb_port}",
            # Read at each start, before anybody can log in.
            f"--init-file={folder / 'accounts.sql'}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=256M",
            "--max-connections=1000",
        ),
        env=installation.variables(),
        cwd=folder,
        log=root.log(NAME),
        user=user.pw_uid if user else None,
        ready=lambda: _log_in(cluster),
        ready_timeout=120,
        stop_timeout=60,
        inherits=DATABASE_VARIABLES,
    )


@dataclass(frozen=True, slots=True)
class _Installation:
    """Where the packages' files are: below `/`, or below a folder that they were unpacked to."""

    prefix: Path

    def options(self) -> tuple[str, ...]:
        share = self.prefix / "usr/share/mysql"
        return (
            f"--basedir={self.prefix / 'usr'}",
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}",
        )

    def variables(self) -> dict[str, str]:
        libraries = [str(path) for path in self.prefix.glob("usr/lib/*-linux-gnu*")]
        unpacked = self.prefix != Path("/")
        return {"LD_LIBRARY_PATH": ":".join(libraries)} if unpacked else {}


def _installation(root: Root) -> _Installation:
    if all(path.exists() for path in _INSTALLED):
        return _Installation(Path("/"))
    return _Installation(debian.unpack(root, _PACKAGES))


def _install(installation: _Installation, folder: Path) -> None:
    """Make the data folder under another name first: it is either whole or absent."""
    scratch = folder / "data.new"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    _give(scratch)
    user = server_user()
    try:
        done = subprocess.run(
            (
                str(installation.prefix / "usr/bin/mariadb-install-db"),
                "--no-defaults",
                *installation.options(),
                f"--datadir={scratch}",
                # The administrator gets in by the socket alone, and only as the system's root.
                "--auth-root-authentication-method=socket",
                "--skip-test-db",
            ),
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), **installation.variables()},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=() if user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_INSTALL_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise StartupError(
            f"mariadb-install-db has not ended after {_INSTALL_TIMEOUT:.0f} s."
        ) from error
    if done.returncode:
        raise StartupError(f"mariadb-install-db ended with {done.returncode}:\n{done.stdout}")
    scratch.rename(folder / "data")


def _accounts(cluster: Cluster) -> str:
    """One statement a line, as the server reads them. Each service may do all with its own."""
    lines = []
    for service in _SERVICES:
        account = f"'{service}'@'127.0.0.1'"
        password = _password(cluster, service)
        lines += [
            f"CREATE USER IF NOT EXISTS {account};",
            f"ALTER USER {account} IDENTIFIED BY '{password}';",
            f"GRANT ALL ON `{service}`.* TO {account};",
        ]
    return "\n".join([*lines, ""])


def _password(cluster: Cluster, service: str) -> str:
    return str(getattr(cluster, f"{service}_database_password"))


def _log_in(cluster: Cluster) -> None:
    """:raises NotReadyError: it doesn't let a service in."""
    try:
        pymysql.connect(
            host="127.0.0.1",
            port=cluster.mariadb_port,
            user=_SERVICES[0],
            password=_password(cluster, _SERVICES[0]),
            connect_timeout=_TIMEOUT,
            read_timeout=_TIMEOUT,
        ).close()
    except pymysql.err.MySQLError as error:
        raise NotReadyError(str(error)) from error


def _give(path: Path) -> None:
    if (user := server_user()) is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
