# SPDX-License-Identifier: Apache-2.0
import os
import socket
from collections.abc import Iterator

import pytest

from trove_minicloud import ports
from trove_minicloud.errors import PortTakenError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_chosen_ports_are_free_and_differ() -> None:
    chosen = ports.choose(3)
    assert len(set(chosen)) == 3
    assert all(ports.is_free(port) for port in chosen)


def test_chosen_ports_are_none_of_those_for_outgoing_connections() -> None:
    lowest = int(ports._RANGE_FILE.read_text().split()[0])
    assert max(ports.choose(20)) < lowest


def test_a_taken_port_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)


def test_the_refusal_names_the_port_its_purpose_and_the_program(taken: int) -> None:
    with pytest.raises(PortTakenError) as caught:
        ports.require_free(taken, "keystone")
    assert f"Port {taken} on 127.0.0.1, kept for keystone, is taken" in str(caught.value)
    assert f"(pid {os.getpid()})" in str(caught.value)


def test_nobody_listens_on_a_free_port() -> None:
    assert ports.listener(ports.choose(1)[0]) is None
