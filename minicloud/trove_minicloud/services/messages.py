# SPDX-License-Identifier: Apache-2.0
"""Messages between the parts of a service that run in one process, handed over at once.

oslo.messaging's transport inside of a process looks for messages 20 times a second. That delays
each of the dozens of messages of a run, and takes a third of what an idle service costs.
"""

import threading
import time
from types import SimpleNamespace
from typing import Any

from oslo_messaging._drivers import impl_fake

#: How long a listener waits that isn't told of a message, in seconds.
_AT_MOST = 5.0
_told = threading.Condition()
_seen = threading.local()
_count = 0


def hand_over_at_once() -> None:
    """Have listeners wait until there is a message, or until they are stopped."""
    deliver, stop = impl_fake.FakeExchange.deliver_message, impl_fake.FakeListener.stop

    def deliver_and_tell(self: Any, *args: Any, **options: Any) -> None:
        deliver(self, *args, **options)
        _tell()

    def stop_and_tell(self: Any) -> None:
        stop(self)
        _tell()

    impl_fake.FakeExchange.deliver_message = deliver_and_tell
    impl_fake.FakeListener.stop = stop_and_tell
    # What a listener does after it has found nothing.
    impl_fake.time = SimpleNamespace(time=time.time, sleep=_wait)


def _tell() -> None:
    global _count
    with _told:
        _count += 1
        _told.notify_all()


def _wait(_pause: float) -> None:
    """Return when something has come since this thread's last wait, which may be at once."""
    with _told:
        seen = getattr(_seen, "count", None)
        _told.wait_for(lambda: _count != seen, _AT_MOST)
        _seen.count = _count
