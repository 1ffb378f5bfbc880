# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL servers that run already and are only backed up: `add_server`."""

import dataclasses
import os
import shlex
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trove_minicloud.errors import DatastoreError, InvalidDsnError
from trove_minicloud.guest import folders, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql.binaries import any_client_programs, client_programs, major_of
from trove_minicloud.guest.postgresql.connection import (
    Identity,
    Server,
    identify,
    write_password_file,
)
from trove_minicloud.guest.postgresql.server import new_instance
from trove_minicloud.root import Root

_DEFAULT_PORT = 5432
_SETTINGS = {"host", "port", "user", "dbname", "sslmode", "sslrootcert"}
# It doesn't check who the server is, as the others do. None of them ever does without encryption.
_UNCHECKED = "require"
_MODES = (_UNCHECKED, "verify-ca", "verify-full")
_NAMESPACE = uuid.UUID("5a0f8f53-6f4a-4c63-9d0b-f0c94ad0d3b7")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and whom to be there; the last two are empty where nothing is encrypted."""

    host: str
    port: int
    user: str
    sslmode: str = ""
    sslrootcert: str = ""


def add_server(root: Root, name: str, project_id: str, dsn: str, password: str | None) -> Instance:
    """Take a running server in, after a replication connection to it succeeded.

    :param dsn: a URL or a key=value string of host, port, user, dbname (which doesn't matter:
        backups are of the whole server), sslmode and sslrootcert, without a password.
    :param password: see `read_password`; None where the server asks for none.
    :raises InvalidDsnError: the address can't be used.
    :raises ServerUnavailableError: the server doesn't answer, or refuses replication to the user.
    :raises ProgramsMissingError: there is no pg_basebackup of the server's version here.
    """
    address = parse_dsn(dsn)
    root.prepare()
    made = new_instance(root, name, project_id, version="")
    instance = dataclasses.replace(made, managed=False, **dataclasses.asdict(address))
    with folders.building(root) as folder:
        server = Server(password_file=folder / "backup.password", **dataclasses.asdict(address))
        if password is not None:
            write_password_file(server.password_file, address.port, address.user, password)
        identity = identify(any_client_programs(root), server)
        client_programs(root, major_of(identity.version))
        instance = dataclasses.replace(
            instance, version=identity.version, incarnation=incarnation_of(identity)
        )
        instances.write(folder, instance)
    return instance


def incarnation_of(identity: Identity) -> str:
    """The history that a server which we don't manage is on.

    Nobody tells us when such a server's data directory is restored or replaced. The system
    identifier is drawn at initdb and the timeline changes at every promotion and point-in-time
    restore, so together they name its history as well as can be seen from outside. A copy of the
    directory that was started plainly is on the same timeline and can't be told apart: start
    such copies with a recovery.signal.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{identity.system}/{identity.timeline}"))


def read_password(password_file: Path | None) -> str | None:
    """The password for an added server: the file's first line, else $PGPASSWORD, else None.

    :raises DatastoreError: there is none in the file, or it can't be read.
    """
    if password_file is None:
        return os.environ.get("PGPASSWORD")
    try:
        lines = password_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatastoreError(f"The password can't be read from {password_file}: {error}") from error
    if not lines:
        raise InvalidDsnError(f"{password_file} is empty; its first line should be the password.")
    return lines[0]


def parse_dsn(dsn: str) -> Address:
    """:raises InvalidDsnError: it isn't one, holds a password, or asks for what we don't do."""
    values = _parse_url(dsn) if "://" in dsn else _parse_pairs(dsn)
    # Arguments can be read by every user of the machine.
    if "password" in values:
        raise InvalidDsnError(
            "The address holds a password. Leave it out, and give the password by"
            " --password-file or in the environment variable PGPASSWORD."
        )
    if unknown := sorted(values.keys() - _SETTINGS):
        raise InvalidDsnError(f"The address may not set {', '.join(unknown)}.")
    if missing := [key for key in ("host", "user") if not values.get(key)]:
        raise InvalidDsnError(
            f"The address lacks {' and '.join(missing)}; it should be like"
            " postgresql://user@127.0.0.1:5432/"
        )
    if strange := [key for key, value in values.items() if not value.isprintable()]:
        raise InvalidDsnError(f"The address has an unprintable character in {', '.join(strange)}.")
    port = values.get("port") or str(_DEFAULT_PORT)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise InvalidDsnError(f"{port!r} is no port.")
    mode, authority = values.get("sslmode", ""), values.get("sslrootcert", "")
    if mode or authority:
        _require_encryption(mode, authority)
    return Address(values["host"], int(port), values["user"], mode, authority)


def _require_encryption(mode: str, authority: str) -> None:
    if mode not in _MODES:
        raise InvalidDsnError(
            f"sslmode has to be {', '.join(_MODES[:-1])} or {_MODES[-1]}, and is {mode!r}: others"
            " also connect without encryption."
        )
    if not authority and mode != _UNCHECKED:
        raise InvalidDsnError(
            f"With sslmode={mode}, sslrootcert has to name the file of the certificate by which"
            " the server's is checked."
        )
    if authority and not (Path(authority).is_absolute() and Path(authority).is_file()):
        raise InvalidDsnError(f"sslrootcert has to be the whole path of a file: {authority}")


def _parse_url(dsn: str) -> dict[str, str]:
    try:
        parts = urlsplit(dsn)
    except ValueError as error:
        raise InvalidDsnError(f"The address is no URL: {error}.") from error
    if parts.scheme not in ("postgresql", "postgres"):
        raise InvalidDsnError(f"{parts.scheme}:// is no address of a PostgreSQL server.")
    login, _, place = parts.netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    # An IPv6 address has its colons in brackets.
    address, bracket, port = place.rpartition("]")
    if bracket:
        host, port = address.removeprefix("["), port.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    values = {"host": unquote(host), "port": port, "user": unquote(user)}
    if colon:
        values["password"] = ""
    for pair in filter(None, parts.query.split("&")):
        key, _, value = pair.partition("=")
        values[unquote(key)] = unquote(value)
    return values


def _parse_pairs(dsn: str) -> dict[str, str]:
    try:
        words = shlex.split(dsn)
    except ValueError as error:
        raise InvalidDsnError(f"The address has an open quote: {error}.") from error
    if strange := [word for word in words if "=" not in word]:
        raise InvalidDsnError(f"{strange[0]!r} in the address is no key=value.")
    return {key: value for key, _, value in (word.partition("=") for word in words)}
