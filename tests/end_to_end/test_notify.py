# SPDX-License-Identifier: Apache-2.0
"""Whom runs tell how they stand: real pings from Mistral to a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, hung_tool, run_by_hand
from trove_schedules import ScheduledBackups


class Watcher(ThreadingHTTPServer):
    """Writes down who pinged it; nobody who asks for /hang is answered before the test is over."""

    daemon_threads = True

    def __init__(self) -> None:
        self.pings: list[str] = []
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Watcher

    def do_HEAD(self) -> None:
        self.server.pings.append(self.path)
        if self.path.startswith("/hang"):
            self.server.over.wait()
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def test_a_watcher_hears_of_a_success_and_of_a_failure_and_can_not_harm_a_run(
    cloud: LiveCloud, schedules: ScheduledBackups, watcher: Watcher
) -> None:
    cloud.create_instance("watched")
    schedule = schedules.schedule_create(
        "watched", NEVER_SOON, "watched", notify_url=watcher.url("/check")
    )
    assert run_by_hand(schedules, schedule.id).state == "SUCCESS"
    assert watcher.pings == ["/check/start", "/check"]

    watcher.pings.clear()
    started = schedules.schedule_run(schedule)
    hung_tool(cloud, "watched").kill()
    assert run_by_hand(schedules, started).state == "ERROR"
    assert watcher.pings == ["/check/start", "/check/fail"]

    watcher.pings.clear()
    schedules.schedule_set(
        schedule, notify_url=watcher.url("/hang"), notify_start="-", notify_success="?status=up"
    )
    assert run_by_hand(schedules, schedule.id).output["status"] == "Backup complete"
    assert watcher.pings == ["/hang?status=up"]
    schedules.schedule_delete(schedule)
