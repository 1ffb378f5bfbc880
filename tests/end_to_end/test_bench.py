# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that take no long run, get right answers and draw, in little."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import fleet, history, latency, overview, report, requests
from bench.crowd import Crowd
from bench.minicloud import import_path, mini_cloud
from bench.report import Report
from bench.traffic import OPTIONS
from bench.workbook_5 import FURTHER, KEEPING, RUN_3
from tests.end_to_end.cloud import LiveCloud
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file


def test_history_and_latency_in_little(cloud: LiveCloud, tmp_path: Path) -> None:
    session, _ = cloud.new_tenant()
    database = database_file(cloud.root.service("mistral"))
    lists = Report("history")
    project = history.Project(session, database, 20, 400)
    history.measure(project, lists, 1, goals=False)
    project.remove()
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


@pytest.fixture(scope="module")
def root() -> Iterator[Root]:
    """A mini cloud of light instances, which logs the requests."""
    import_path()
    with mini_cloud(overrides=OPTIONS) as root:
        yield root


def test_what_health_runs_attempts_and_retention_cost_in_little(root: Root) -> None:
    whole, found = Report("overview"), Report("requests")
    overview.measure(root, whole, projects=2, schedules=3)
    costs = requests.measure(found, Crowd(root), kept=(2,), several=1)
    assert whole.wrong == found.wrong == []
    assert costs[RUN_3, 2].traffic.trove["POST"] == 1
    assert costs[FURTHER, 2].traffic.trove["POST"] == 0
    assert costs[KEEPING, 2].traffic.trove["DELETE"] == 1
    assert costs[FURTHER, 2].traffic.keystone > 0
    assert all(cost.left.size > 0 for cost in costs.values())


def test_two_nights_of_a_policy_of_eight_instances(root: Root) -> None:
    """It backs up each of its instances once for a due time, and names those that fail."""
    found = Report("fleet")
    fleet.measure(found, Crowd(root), fleet.Size(8, 1, 2, 1, 1, parallel=8), attempts=2)
    assert found.wrong == []
