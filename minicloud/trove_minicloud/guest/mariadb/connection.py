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

# Whatever the server's user has set for every session, and MariaDB itself hasn't: it must neither
# decide whether we are answered nor what, and a restored copy may have something else.
_SESSION = {
    "sql_mode": "'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,"
    "NO_ENGINE_SUBSTITUTION'",
    "old_mode": "'UTF8_IS_UTF8MB3'",
    "time_zone": "'+00:00'",
    "lc_time_names": "'en_US'",
    "tx_isolation": "'REPEATABLE-READ'",
    "sql_select_limit": "18446744073709551615",
    "sql_big_selects": "1",
    "sql_safe_updates": "0",
    "lock_wait_timeout": "5",
    "group_concat_max_len": "1048576",
    "div_precision_increment": "4",
    "default_week_format": "0",
}


def write_option_file(path: Path, port: int, user: str, password: str) -> None:
    """Address and login as every client of MariaDB reads them, readable by their owner alone.

    :param password: one that needs no quotes, like those that we draw.
    """
    lines = ("[client]", f"host={HOST}", f"port={port}", f"user={user}", f"password={password}")
    write_private(path, "".join(f"{line}\n" for line in lines))


def connect(option_file: Path, timeout: float = ANSWER_TIMEOUT) -> "pymysql.Connection[Any]":
    """A connection with autocommit, to which none of the server's own session settings apply.

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
            init_command=_settings(timeout),
            read_timeout=timeout,
        )
    except (FileNotFoundError, pymysql.OperationalError) as error:
        raise ServerUnavailableError(f"No connection by {option_file}: {error}") from error


def _settings(timeout: float) -> str:
    values = _SESSION | {"max_statement_time": f"{timeout:g}"}
    return f"SET SESSION {', '.join(f'{name} = {value}' for name, value in values.items())}"


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
