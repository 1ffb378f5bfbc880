# SPDX-License-Identifier: Apache-2.0
"""How to be let in by a MariaDB server: option files with the password, and questions in SQL."""

from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pymysql

from trove_minicloud.errors import ServerUnavailableError
from trove_minicloud.files import write_private
from trove_minicloud.guest.instances import ANSWER_TIMEOUT, HOST
from trove_minicloud.guest.mariadb.binaries import plain_version


def write_option_file(path: Path, port: int, user: str, password: str) -> None:
    """Address and login as every client of MariaDB reads them, readable by their owner alone.

    :param password: one that needs no quotes, like those that we draw.
    """
    lines = ("[client]", f"host={HOST}", f"port={port}", f"user={user}", f"password={password}")
    write_private(path, "".join(f"{line}\n" for line in lines))


def connect(option_file: Path, timeout: float = ANSWER_TIMEOUT) -> "pymysql.Connection[Any]":
    """A connection with autocommit.

    :param timeout: seconds that each answer may take, being let in included.
    :raises ServerUnavailableError: the server refuses us or doesn't answer.
    """
    # Left to itself, PyMySQL takes a missing file for a login without a password, to any server.
    options = ConfigParser(interpolation=None)
    try:
        options.read_string(option_file.read_text(encoding="utf-8"))
        client = options["client"]
        return pymysql.connect(
            host=client["host"],
            port=client.getint("port"),
            user=client["user"],
            password=client["password"],
            autocommit=True,
            connect_timeout=timeout,
            read_timeout=timeout,
        )
    except (FileNotFoundError, pymysql.OperationalError) as error:
        raise ServerUnavailableError(f"No connection by {option_file}: {error}") from error


def status(option_file: Path, name: str, timeout: float = ANSWER_TIMEOUT) -> str:
    """One of the server's status variables.

    :param timeout: seconds until the server counts as one that doesn't answer.
    :raises ServerUnavailableError: the server refuses us or doesn't answer.
    """
    (_name, value) = _ask(option_file, timeout, "SHOW GLOBAL STATUS LIKE %s", name)
    return value


def version(option_file: Path) -> str:
    """The server's version, like 10.11.19.

    :raises ServerUnavailableError: the server refuses us or doesn't answer.
    """
    (text,) = _ask(option_file, ANSWER_TIMEOUT, "SELECT version()")
    return plain_version(text)


def _ask(option_file: Path, timeout: float, query: str, *values: str) -> tuple[str, ...]:
    with connect(option_file, timeout) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(query, values)
        except pymysql.OperationalError as error:
            raise ServerUnavailableError(f"No answer by {option_file}: {error}") from error
        (row,) = cursor.fetchall()
    return tuple(map(str, row))
