# SPDX-License-Identifier: Apache-2.0
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cluster import debian, rabbitmq
from bench.cluster.servers import Cluster
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import NotReadyError


@pytest.fixture(autouse=True)
def unpacked(root: Root, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the packages hold of Erlang's start scripts, which know one place only."""
    prefix = root.path / "packages" / "rabbitmq-server"
    scripts = prefix / "usr/lib/erlang/bin"
    scripts.mkdir(parents=True)
    for name in ("erl", "start"):
        (scripts / name).write_text("#!/bin/sh\nROOTDIR=/usr/lib/erlang\necho $ROOTDIR\n")
    monkeypatch.setattr(rabbitmq, "_INSTALLED", (Path("/nowhere"),))
    assert debian.unpack(root, ["rabbitmq-server"]) == prefix
    return prefix


def test_erlang_is_told_where_it_lies(root: Root, chosen: Cluster, unpacked: Path) -> None:
    rabbitmq.configure(root, chosen)
    rabbitmq.configure(root, chosen)
    for name in ("erl", "start"):
        text = (unpacked / "usr/lib/erlang/bin" / name).read_text()
        assert f"ROOTDIR={unpacked}/usr/lib/erlang\n" in text


def test_nobody_else_can_read_the_password_and_it_is_no_argument(
    root: Root, chosen: Cluster
) -> None:
    rabbitmq.configure(root, chosen)
    folder = root.service(rabbitmq.NAME)
    assert folder.stat().st_mode & 0o077 == 0
    assert chosen.rabbitmq_password in (folder / "rabbitmq.conf").read_text()
    for program in rabbitmq.programs(root, chosen):
        said = " ".join([*program.argv, *program.env.values()])
        assert chosen.rabbitmq_password not in said


def test_everything_listens_on_loopback(root: Root, chosen: Cluster) -> None:
    rabbitmq.configure(root, chosen)
    text = (root.service(rabbitmq.NAME) / "rabbitmq.conf").read_text()
    assert f"listeners.tcp.default = 127.0.0.1:{chosen.rabbitmq_port}\n" in text
    epmd, broker = rabbitmq.programs(root, chosen)
    assert "127.0.0.1" in epmd.argv
    assert "{127,0,0,1}" in broker.env["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]


def test_the_broker_is_ready_when_it_greets(root: Root, chosen: Cluster) -> None:
    for answer, ready in ((b"\x01\x00", True), (b"AMQP\x00", False)):
        with _listener(answer) as port:
            broker = rabbitmq.programs(root, replace(chosen, rabbitmq_port=port))[1]
            if ready:
                broker.ready()
            else:
                with pytest.raises(NotReadyError, match="greet"):
                    broker.ready()


def test_the_broker_is_not_ready_where_nobody_listens(root: Root, chosen: Cluster) -> None:
    with pytest.raises(NotReadyError):
        rabbitmq.programs(root, chosen)[1].ready()


@contextmanager
def _listener(answer: bytes) -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(8)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()
