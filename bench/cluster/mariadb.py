# SPDX-License-Identifier: Apache-2.0
"""MariaDB, which keeps the rows of a cluster's services in a private folder."""

import shutil
from dataclasses import replace

import pymysql

from bench.cluster.servers import Cluster
from trove_minicloud.files import write_private
from trove_minicloud.guest.accounts import give_to
from trove_minicloud.guest.mariadb import binaries, server
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import DATABASE_VARIABLES, NotReadyError, Program

NAME = "mariadb"

#: The services with a database and an account of their own, both of this name.
_SERVICES = ("keystone", "mistral", "trove")
_TIMEOUT = 2


def database_url(cluster: Cluster, service: str) -> str:
    """The service's database as SQLAlchemy names it."""
    password = _password(cluster, service)
    address = f"127.0.0.1:{cluster.mariadb_port}"
    return f"mysql+pymysql://{service}:{password}@{address}/{service}?charset=utf8mb4"


def configure(root: Root, cluster: Cluster) -> None:
    """Make the server the first time, and write its files.

    :raises ProgramsMissingError: MariaDB isn't installed here; the text names the packages.
    """
    folder = root.service(NAME)
    if not folder.exists():
        # Under another name first: it is either whole or absent.
        scratch = folder.with_name(f".{NAME}.new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        # The user who runs the server has to pass through it.
        scratch.chmod(0o711)
        server.make(_programs(), scratch, cluster.mariadb_port)
        scratch.rename(folder)
    accounts = folder / "accounts.sql"
    write_private(accounts, _accounts(cluster))
    give_to(binaries.account(), accounts)
    options = {
        # Read at each start, before anybody can log in.
        "init-file": str(accounts),
        "innodb-buffer-pool-size": "256M",
        "max-connections": "1000",
    }
    server.configure(folder, cluster.mariadb_port, options)


def program(root: Root, cluster: Cluster) -> Program:
    """The program; it is ready when a service can log in."""
    return replace(
        server.program(_programs(), root.service(NAME), NAME),
        log=root.log(NAME),
        ready=lambda: _log_in(cluster),
        inherits=DATABASE_VARIABLES,
    )


def _programs() -> binaries.Programs:
    return binaries.find(binaries.SERVER_TOOLS)


def _accounts(cluster: Cluster) -> str:
    """One statement a line, as the server reads them. Each service may do all with its own."""
    lines = []
    for service in _SERVICES:
        account = f"'{service}'@'127.0.0.1'"
        password = _password(cluster, service)
        lines += [
            f"CREATE OR REPLACE USER {account} IDENTIFIED BY '{password}';",
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
