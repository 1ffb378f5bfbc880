# SPDX-License-Identifier: Apache-2.0
"""What is changed in oslo.messaging's transport inside of a process."""

import threading
from collections.abc import Iterator
from typing import Any

import oslo_messaging
import pytest
from oslo_config import cfg
from oslo_messaging._drivers import impl_fake

from trove_minicloud.services import messages

#: Far longer than any test takes: only being told ends a wait.
_NEVER = 3600.0


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in (
        (impl_fake, "time"),
        (impl_fake.FakeExchange, "deliver_message"),
        (impl_fake.FakeListener, "stop"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(messages, "_AT_MOST", _NEVER)
    messages.hand_over_at_once()


class Endpoint:
    target = oslo_messaging.Target(version="1.0")

    def double(self, _context: dict[str, Any], number: int) -> int:
        return 2 * number


@pytest.fixture
def client() -> Iterator[oslo_messaging.RPCClient]:
    transport = oslo_messaging.get_rpc_transport(cfg.CONF, url="fake://")
    target = oslo_messaging.Target(topic="numbers", server="here")
    server = oslo_messaging.get_rpc_server(transport, target, [Endpoint()], executor="threading")
    server.start()
    yield oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="numbers"))
    server.stop()
    server.wait()


def test_a_message_ends_the_wait_for_it(client: Any) -> None:
    assert [client.call({}, "double", number=n) for n in range(20)] == list(range(0, 40, 2))


def test_one_that_came_before_the_wait_is_not_missed() -> None:
    exchange = impl_fake.FakeExchange("e")
    target = oslo_messaging.Target(topic="t")
    came = threading.Event()
    polled = exchange.poll

    class Manager:
        def get_exchange(self, _name: str) -> Any:
            return exchange

    def poll_before_it_comes(*args: Any) -> Any:
        found = polled(*args)
        if not came.is_set():
            came.set()
            exchange.deliver_message("t", {}, "late")
        return found

    exchange.poll = poll_before_it_comes
    [found] = impl_fake.FakeListener(Manager(), [target]).poll(batch_size=1)
    assert found.message == "late"


def test_a_listener_that_waits_can_be_stopped() -> None:
    listener = impl_fake.FakeListener(
        impl_fake.FakeExchangeManager("e"), [oslo_messaging.Target(topic="nothing")]
    )
    thread = threading.Thread(target=lambda: listener.poll(batch_size=1))
    thread.start()
    listener.stop()
    thread.join(60)
    assert not thread.is_alive()
