# SPDX-License-Identifier: Apache-2.0
"""The kinds of database that the end-to-end tests are run on, and how to talk to each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import psycopg
import pymysql

from tests.end_to_end.lacking import lacks
from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb import binaries as mariadb_programs
from trove_minicloud.guest.mariadb.connection import connect as connect_to_mariadb
from trove_minicloud.guest.mariadb.stream_check import BackupCheck
from trove_minicloud.guest.postgresql.server import connection_string
from trove_minicloud.guest.postgresql.stream_check import TarCheck
from trove_minicloud.guest.stream import Check
from trove_minicloud.root import Root

#: What the drivers raise.
Errors = (psycopg.Error, pymysql.Error)


class Database(Protocol):
    """One kind of database."""

    name: str
    #: The program that takes its backups.
    tool: str
    #: What checks a backup of it while it passes by.
    check: type[Check]
    #: A query for the numbers 1 to %s, in a column n.
    numbers: str
    #: The database that `connect` connects to.
    place: str

    def find_programs(self) -> object:
        """:raises ProgramsMissingError: this machine lacks some; a wheel brings PostgreSQL's."""

    def connect(self, root: Root, instance: Instance) -> contextlib.AbstractContextManager[Any]:
        """As the administrator, to a database that is there for the tests."""


class PostgreSQL:
    name = "postgresql"
    tool = "pg_basebackup"
    check = TarCheck
    numbers = "SELECT n FROM generate_series(1, %s) AS n"
    place = "postgres"

    def find_programs(self) -> None:
        pass

    def connect(self, root: Root, instance: Instance) -> contextlib.AbstractContextManager[Any]:
        return psycopg.connect(connection_string(root, instance), autocommit=True)


class MariaDB:
    name = "mariadb"
    tool = "mariadb-backup"
    check = BackupCheck
    numbers = "SELECT seq AS n FROM seq_1_to_1000000 WHERE seq <= %s"
    place = "test"

    def find_programs(self) -> object:
        return mariadb_programs.find()

    @contextlib.contextmanager
    def connect(self, root: Root, instance: Instance) -> Iterator[Any]:
        with connect_to_mariadb(instance.superuser_password_file(root)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE IF NOT EXISTS {self.place}")
            connection.select_db(self.place)
            yield connection


def require(database: Database) -> None:
    """Skip the test, or fail it in CI, where this machine lacks the database's programs."""
    try:
        database.find_programs()
    except ProgramsMissingError as error:
        lacks(str(error))


DATABASES = (PostgreSQL(), MariaDB())
