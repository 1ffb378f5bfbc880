# SPDX-License-Identifier: Apache-2.0
import configparser
import stat
from pathlib import Path

import pytest

from trove_minicloud.errors import DatastoreError
from trove_minicloud.guest.mariadb import server
from trove_minicloud.guest.mariadb.binaries import Programs
from trove_minicloud.supervision.program import NotReadyError

TOOLS = ("mariadbd", "mariadb-install-db", "mariadb-backup", "innochecksum")
PROGRAMS = Programs({tool: f"/m/{tool}" for tool in TOOLS}, "10.11.19")


@pytest.fixture
def bootstrapped(tmp_path: Path) -> Programs:
    """Programs whose mariadbd keeps its arguments and statements, and fails if told to."""
    path = tmp_path / "mariadbd"
    path.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/statements\n'
        f"[ ! -e {tmp_path}/fails ] || {{ echo 'ERROR: 1146 no such table'; exit 1; }}\n"
    )
    path.chmod(0o755)
    tmp_path.chmod(0o777)
    return Programs({"mariadbd": str(path)}, "10.11.19")


def test_servers_listen_on_loopback_only_and_have_no_socket(tmp_path: Path) -> None:
    server.configure(tmp_path, 6000, {"innodb_page_size": "8192"})

    config = configparser.ConfigParser()
    config.read(tmp_path / "my.cnf")
    values = config["mariadbd"]
    assert (values["bind-address"], values["port"], values["socket"]) == ("127.0.0.1", "6000", "")
    assert values["innodb_page_size"] == "8192"
    assert stat.S_IMODE((tmp_path / "my.cnf").stat().st_mode) == 0o600


def test_nobody_gets_in_by_what_the_installation_writes() -> None:
    argv = server.install_command(PROGRAMS, Path("/data"), Path("/scratch"))

    assert argv[:2] == ("/m/mariadb-install-db", "--no-defaults")
    assert "--tmpdir=/scratch" in argv
    assert {"--auth-root-authentication-method=socket", "--skip-test-db"} <= set(argv)


def test_passwords_are_set_before_the_server_serves_and_are_no_arguments(
    tmp_path: Path, bootstrapped: Programs
) -> None:
    server.set_passwords(bootstrapped, tmp_path, 6000)

    statements = (tmp_path / "statements").read_text()
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.startswith(f"--defaults-file={tmp_path}/my.cnf --datadir={tmp_path}/data ")
    assert arguments.endswith(" --bootstrap\n")
    for file in (server.superuser_file(tmp_path), server.backup_file(tmp_path)):
        password = file.read_text().rstrip().rpartition("=")[2]
        assert len(password) >= 24
        assert f"IDENTIFIED BY '{password}'" in statements
        assert password not in arguments
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (
        "GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO 'minicloud_backup'@'127.0.0.1'"
        in statements
    )


def test_a_failure_to_set_them_is_an_error_that_holds_none(
    tmp_path: Path, bootstrapped: Programs
) -> None:
    (tmp_path / "fails").touch()

    with pytest.raises(DatastoreError, match="1146 no such table") as caught:
        server.set_passwords(bootstrapped, tmp_path, 6000)
    assert "IDENTIFIED" not in str(caught.value)
    assert not server.superuser_file(tmp_path).exists()


def test_a_server_runs_by_its_own_configuration_and_is_ready_once_it_lets_us_in(
    tmp_path: Path,
) -> None:
    program = server.program(PROGRAMS, tmp_path, "mariadb-1")

    # MariaDB takes this one as the first only.
    assert program.argv[:2] == ("/m/mariadbd", f"--defaults-file={tmp_path}/my.cnf")
    assert f"--datadir={tmp_path}/data" in program.argv
    assert program.log == tmp_path / "server.log"
    with pytest.raises(NotReadyError, match="No such file"):
        program.ready()
