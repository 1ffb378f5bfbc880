# SPDX-License-Identifier: Apache-2.0
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trove_minicloud.errors import ServerUnavailableError
from trove_minicloud.guest.mariadb.connection import status, write_option_file
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_option_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "password"

    write_option_file(path, 6000, "joe", "secret")

    assert path.read_text() == ("[client]\nhost=127.0.0.1\nport=6000\nuser=joe\npassword=secret\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_server_that_is_down_is_named_with_the_reason(tmp_path: Path, root: Root) -> None:
    write_option_file(tmp_path / "password", ports.choose(1, root)[0], "joe", "secret")

    with pytest.raises(ServerUnavailableError, match=r"Connection refused") as caught:
        status(tmp_path / "password", "Uptime")
    assert "secret" not in str(caught.value)


def test_no_server_is_asked_without_a_password_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailableError, match="No such file"):
        status(tmp_path / "none", "Uptime")


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, silent_port: int) -> None:
    write_option_file(tmp_path / "password", silent_port, "joe", "secret")
    started = time.monotonic()

    with pytest.raises(ServerUnavailableError, match="timed out"):
        status(tmp_path / "password", "Uptime", timeout=0.2)
    assert time.monotonic() - started < 5
