# SPDX-License-Identifier: Apache-2.0
import threading
from types import SimpleNamespace

import pytest

from trove_minicloud.services import firing_watch
from trove_minicloud.services.firing_watch import FiringWatch


def test_a_thread_that_hangs_ends_the_process_and_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    codes: list[int] = []
    ended = threading.Event()
    watch = FiringWatch(0.1, lambda code: (codes.append(code), ended.set()))
    watch.start()
    assert ended.wait(60)
    assert codes == [70]
    assert "No cron trigger was fired or looked for" in caplog.text


def test_a_thread_that_goes_on_is_not_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(firing_watch.time, "monotonic", lambda: now[0])
    watch = FiringWatch(300.0)
    go_on = watch.noticing(lambda: None)
    for _ in range(3):
        now[0] += 299
        assert not watch.overdue()
        go_on()
    now[0] += 301
    assert watch.overdue()


def test_rounds_and_firings_are_what_shows_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(firing_watch.LIMIT_VARIABLE, "3600")
    periodic = SimpleNamespace(
        process_cron_triggers_v2=lambda task, ctx: (task, ctx), advance_cron_trigger=lambda t: t
    )
    watch = firing_watch.watch(periodic)
    for call in (
        lambda: periodic.process_cron_triggers_v2("task", ctx="context"),
        lambda: periodic.advance_cron_trigger("trigger"),
    ):
        watch._alive_at = 0.0
        assert call() in (("task", "context"), "trigger")
        assert watch._alive_at > 0
