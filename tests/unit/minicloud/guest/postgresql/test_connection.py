# SPDX-License-Identifier: Apache-2.0
import stat
from pathlib import Path

import pytest

from tests.unit.minicloud.guest import fake_postgresql
from trove_minicloud.errors import ServerUnavailableError
from trove_minicloud.guest.postgresql.binaries import Programs
from trove_minicloud.guest.postgresql.connection import (
    Identity,
    Server,
    identify,
    incremental_obstacle,
    write_password_file,
)
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(fake_postgresql.install(tmp_path / "bin"), "18.6")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server("127.0.0.1", 6000, "joe's", tmp_path / "password")


def test_values_are_quoted_and_no_password_is_in_the_conninfo(server: Server) -> None:
    assert server.conninfo == r"host=127.0.0.1 port=6000 user='joe\'s'"


def test_a_server_that_is_reached_over_tls_is_never_asked_without(
    programs: Programs, root: Root, tmp_path: Path
) -> None:
    [port] = ports.choose(1, root)
    server = Server("127.0.0.1", port, "joe", tmp_path / "password", "verify-ca", "/srv/a ca.pem")

    assert server.conninfo.endswith(" sslmode=verify-ca sslrootcert='/srv/a ca.pem'")
    # By a program that can, and not by a psql that may not.
    with pytest.raises(ServerUnavailableError, match=f"joe at 127.0.0.1:{port}: error: connection"):
        identify(programs, server)


def test_the_password_file_escapes_what_separates_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "password"

    write_password_file(path, 6000, "joe", r"a:b\c")

    assert path.read_text() == "*:6000:*:joe:a\\:b\\\\c\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_tools_get_none_of_the_callers_settings(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")

    assert not [name for name in server.env if name.startswith("PG") and name != "PGPASSFILE"]


def test_a_server_says_who_it_is(programs: Programs, server: Server) -> None:
    assert identify(programs, server) == Identity("18.6", "7000", 1)


def test_a_server_that_is_down_is_named_with_the_reason(programs: Programs, server: Server) -> None:
    (programs.folder / "down").touch()

    with pytest.raises(
        ServerUnavailableError, match=r"127.0.0.1:6000: psql: error: connection ref"
    ):
        identify(programs, server)


def test_a_slow_server_is_waited_for_by_a_backup_and_not_by_a_look(
    programs: Programs, server: Server
) -> None:
    (programs.folder / "slow").touch()

    assert identify(programs, server).version == "18.6"
    with pytest.raises(ServerUnavailableError, match=r"No answer for joe's at .* in 0.2 s"):
        identify(programs, server, timeout=0.2)


def test_an_old_server_has_no_incremental_backups(programs: Programs, server: Server) -> None:
    assert incremental_obstacle(programs, server, "18.6") is None
    reason = incremental_obstacle(programs, server, "15.20")
    assert reason is not None and "17 is the first" in reason
