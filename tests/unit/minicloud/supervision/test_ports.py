# SPDX-License-Identifier: Apache-2.0
import os
import socket
from collections.abc import Iterator

import pytest

from trove_minicloud.errors import MiniCloudError, PortTakenError
from trove_minicloud.files import write_json
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_chosen_ports_are_free_and_differ(root: Root) -> None:
    chosen = ports.choose(3, root)
    assert len(set(chosen)) == 3
    assert all(ports.is_free(port) for port in chosen)


def test_chosen_ports_are_none_of_those_for_outgoing_connections(root: Root) -> None:
    lowest = int(ports._RANGE_FILE.read_text().split()[0])
    assert max(ports.choose(20, root)) < lowest


def test_a_port_that_a_stopped_server_or_service_keeps_is_not_chosen(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "_LOWEST", 20000)
    monkeypatch.setattr(ports, "is_free", lambda _port: True)
    monkeypatch.setattr(ports.random, "sample", lambda _ports, _count: [20001, 20002, 20003])
    write_json(root.settings_file, {"trove_port": 20001, "admin_password": "x"})
    (root.instances / "stopped").mkdir()
    write_json(root.instances / "stopped" / "instance.json", {"port": 20002})

    assert ports.choose(1, root) == [20003]
    with pytest.raises(MiniCloudError, match="no 2 free ports"):
        ports.choose(2, root)


def test_a_taken_port_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)


def test_the_refusal_names_the_port_its_purpose_and_the_program(taken: int) -> None:
    with pytest.raises(PortTakenError) as caught:
        ports.require_free(taken, "keystone")
    assert f"Port {taken} on 127.0.0.1, kept for keystone, is taken" in str(caught.value)
    assert f"(pid {os.getpid()})" in str(caught.value)


def test_nobody_listens_on_a_free_port(root: Root) -> None:
    assert ports.listener(ports.choose(1, root)[0]) is None
