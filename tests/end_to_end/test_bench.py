# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that need no cloud of their own run, get right answers and draw, in little."""

from pathlib import Path

from bench import history, latency, report
from bench.report import Report
from tests.end_to_end.cloud import LiveCloud
from trove_minicloud.services.preparation import database_file


def test_history_and_latency_in_little(cloud: LiveCloud, tmp_path: Path) -> None:
    session, _ = cloud.new_tenant()
    database = database_file(cloud.root.service("mistral"))
    lists = Report("history")
    history.measure(history.Project(session, database, 20, 400), lists, 1, goals=False)
    calls = Report("latency")
    made = cloud.schedules().schedule_create("m", latency.NEVER_SOON, "listed")
    latency.calls(cloud.session(), made.instance, calls, 1)
    assert lists.wrong == calls.wrong == []
    latency.commands(cloud.root, calls, 1, listed=len(cloud.triggers()))
    cloud.schedules().schedule_delete(made)
    history.draw(lists, tmp_path)
    latency.draw(calls, tmp_path)
    assert len(list(tmp_path.glob("*.svg"))) == 3
    assert len(report.table([lists, calls]).splitlines()) == 2 + 4 + 4
