# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from trove_minicloud.errors import DatastoreError, InvalidDsnError
from trove_minicloud.guest.postgresql.added import (
    Address,
    incarnation_of,
    parse_dsn,
    read_password,
)
from trove_minicloud.guest.postgresql.connection import Identity


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("postgresql://joe@db.example:6000/app", Address("db.example", 6000, "joe")),
        ("postgres://joe@127.0.0.1", Address("127.0.0.1", 5432, "joe")),
        ("postgresql://a%40b@%2Frun%2Fpg/", Address("/run/pg", 5432, "a@b")),
        ("postgresql:///?host=/run/pg&user=joe&port=6000", Address("/run/pg", 6000, "joe")),
        ("postgresql://joe@[::1]:6000/", Address("::1", 6000, "joe")),
        ("host=127.0.0.1 port=6000 user='joe doe' dbname=x", Address("127.0.0.1", 6000, "joe doe")),
    ],
)
def test_an_address_is_read(dsn: str, address: Address) -> None:
    assert parse_dsn(dsn) == address


def test_an_encrypted_connection_can_be_asked_for(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()

    found = parse_dsn(f"postgresql://joe@h/?sslmode=verify-full&sslrootcert={authority}")
    assert found == Address("h", 5432, "joe", "verify-full", str(authority))
    assert parse_dsn("host=h user=joe sslmode=require").sslmode == "require"


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://joe:secret@h/",
        "postgresql://joe@h/?password=secret",
        "host=h user=joe password=secret",
    ],
)
def test_a_password_in_the_address_is_refused_without_repeating_it(dsn: str) -> None:
    with pytest.raises(InvalidDsnError, match=r"--password-file.*PGPASSWORD") as caught:
        parse_dsn(dsn)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("dsn", "complaint"),
    [
        ("mysql://joe@h/", "mysql:// is no address"),
        ("postgresql://h/", "lacks user"),
        ("", "lacks host and user"),
        ("host=h user=joe sslcert=/c", "may not set sslcert"),
        ("host=h user=joe sslmode=prefer", "require, verify-ca or verify-full, and is 'prefer'"),
        ("host=h user=joe sslrootcert=/c", "require, verify-ca or verify-full, and is ''"),
        ("postgresql://joe@h/?sslmode=verify-full", "sslrootcert has to name the file"),
        ("postgresql://joe@h/?sslmode=verify-ca&sslrootcert=/none", "the whole path of a file"),
        ("host=h user=joe sslmode=verify-ca sslrootcert=ca.pem", "the whole path of a file: ca"),
        ("postgresql://joe@h:port/", "'port' is no port"),
        ("host=h user=joe port=70000", "'70000' is no port"),
        ("just words", "'just' in the address is no key=value"),
        ("host='h user=joe", "open quote"),
        ("postgresql://[::1/", "is no URL"),
        ("postgresql://joe@h:²/", "'²' is no port"),
        ("postgresql://joe@h%00/", "unprintable character in host"),
    ],
)
def test_a_bad_address_is_refused_with_what_is_wrong(dsn: str, complaint: str) -> None:
    with pytest.raises(InvalidDsnError, match=complaint):
        parse_dsn(dsn)


def test_the_incarnation_changes_with_the_system_and_the_timeline_only() -> None:
    incarnation = incarnation_of(Identity("18.6", "7000", 1))

    assert incarnation_of(Identity("18.7", "7000", 1)) == incarnation
    assert incarnation_of(Identity("18.6", "7000", 2)) != incarnation
    assert incarnation_of(Identity("18.6", "7001", 1)) != incarnation


def test_the_password_comes_from_the_file_else_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("from file\nsecond line\n")
    monkeypatch.setenv("PGPASSWORD", "from environment")

    assert read_password(file) == "from file"
    assert read_password(None) == "from environment"
    monkeypatch.delenv("PGPASSWORD")
    assert read_password(None) is None
    file.write_text("")
    with pytest.raises(InvalidDsnError, match="is empty"):
        read_password(file)


def test_a_password_file_that_can_not_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for file in (tmp_path / "none", tmp_path, binary):
        with pytest.raises(DatastoreError, match=f"can't be read from {file}"):
            read_password(file)
