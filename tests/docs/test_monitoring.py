# SPDX-License-Identifier: Apache-2.0
"""The alert rules and the Grafana dashboard: valid, and of metrics that the command prints."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import REPOSITORY
from tests.end_to_end.lacking import lacks
from trove_minicloud.commands import metrics as minicloud_metrics
from trove_schedules.cli.openstack import metrics
from trove_schedules.coverage import Cover, Coverage
from trove_schedules.health import Health, State

MONITORING = REPOSITORY / "monitoring"
FILES = ["alerts.yaml", "alerts.test.yaml", "grafana.json"]


@pytest.fixture(scope="module")
def printed() -> str:
    """What the command prints of one schedule, with no more in it than there always is."""
    health = Health(
        schedule_id="s", instance="i", name="n", state=State.PENDING, reason="", last_success=None,
        age=None, next_execution_time=None, missed=0, chain_depth=0, kept=0, quota_left=None,
        project_id="p",
    )  # fmt: skip
    covered = Coverage(
        instance="i", name="orders-db", project_id="p", state=Cover.UNPROTECTED, reason="",
        schedules=(), backup=None, age=None, last_proven=None, proven_backup=None, replica_of=None,
    )  # fmt: skip
    names = metrics.Names({"i": "orders-db"}, {"p": "shop"})
    lines = [*metrics.lines([health], names), *metrics.coverage_lines([covered], names)]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("name", FILES)
def test_every_metric_that_is_used_is_printed(name: str, printed: str) -> None:
    text = MONITORING.joinpath(name).read_text(encoding="utf-8")
    used = set(re.findall(r"\btrove_backup_(?:schedule|coverage)_\w+", text))
    assert used
    assert used <= set(re.findall(r"# HELP (\w+)", printed))


def test_every_metric_of_a_mini_cloud_that_is_used_is_printed() -> None:
    room = {"free": 1, "reserve": 1, "last_day": 1, "nights": 1}
    program = {"program": "trove", "instance": "", "state": "ready"}
    copy = {"copied_at": "2026-01-31T02:00:00+00:00", "error": None}
    described = {
        "state": "running",
        "error": "",
        "room": room,
        "state_copy": copy,
        "programs": [program],
    }
    printed = "\n".join(minicloud_metrics.lines(described))
    used = re.findall(
        r"\btrove_minicloud_\w+", MONITORING.joinpath("alerts.yaml").read_text("utf-8")
    )
    assert set(used) <= set(re.findall(r"# HELP (\w+)", printed))
    assert used


def test_no_label_is_one_that_a_scrape_gives_its_target(printed: str) -> None:
    labels = set(re.findall(r'[{,](\w+)="', printed))
    assert labels == {
        *("schedule", "name", "instance_id", "instance_name", "project_id", "project_name"),
        "state",
    }
    for name in FILES:
        text = MONITORING.joinpath(name).read_text(encoding="utf-8")
        assert not re.findall(r'labels[.]instance\b|\binstance=~?\\?"|\bexported_', text)


@pytest.mark.parametrize("name", FILES)
def test_every_state_that_is_used_is_one(name: str) -> None:
    text = MONITORING.joinpath(name).read_text(encoding="utf-8").replace('\\"', '"')
    used = {
        state for states in re.findall(r'state=~?"([^"]+)"', text) for state in states.split("|")
    }
    assert used
    assert used <= {*State, *Cover}


@pytest.mark.parametrize("name", ["alerts.yaml", "grafana.json"])
def test_every_label_that_is_shown_is_printed(name: str, printed: str) -> None:
    text = MONITORING.joinpath(name).read_text(encoding="utf-8")
    used = set(re.findall(r"{{ ?(?:[$]labels[.])?(\w+) ?}}", text))
    assert used
    assert used <= set(re.findall(r'[{,](\w+)="', printed))


def test_every_state_is_printed_and_counted_where_it_needs_help(printed: str) -> None:
    assert set(re.findall(r'state="(\w+)"', printed)) == {*State, *Cover}
    dashboard = MONITORING.joinpath("grafana.json").read_text(encoding="utf-8")
    needing_help = {state for state in State if state.exit_status == 2}
    [counted, *_] = re.findall(r'"count[(].*?state=~\\"([^"]*)\\"', dashboard)
    assert set(counted.split("|")) == needing_help


def test_every_state_that_needs_help_or_warns_has_an_alert() -> None:
    text = MONITORING.joinpath("alerts.yaml").read_text(encoding="utf-8")
    # Health has an alert for schedules that are paused.
    bad = {state for state in (*State, *Cover) if state.exit_status}
    assert bad <= set(re.findall(r"\b[A-Z]{2,}\b", " ".join(re.findall(r"expr: (.*)", text))))


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    dashboard = json.loads(MONITORING.joinpath("grafana.json").read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["targets"][0]["expr"] for panel in panels)
    [source] = dashboard["templating"]["list"]
    assert {panel["datasource"]["uid"] for panel in panels} == {f"${{{source['name']}}}"}


@pytest.mark.parametrize(
    ("prints", "status", "left"),
    [("new", 0, "new"), ("", 1, "old"), ("half", 137, "old")],
)
def test_the_recipe_lets_a_file_get_old_where_nothing_could_be_told(
    tmp_path: Path, prints: str, status: int, left: str
) -> None:
    text = REPOSITORY.joinpath("docs", "howto", "monitoring.md").read_text(encoding="utf-8")
    recipe = "".join(re.findall(r"^    .*[.]prom[.]tmp.*\n", text, re.MULTILINE))
    name = re.findall(r"/(trove[^/]*[.]prom)$", recipe, re.MULTILINE)[0]
    program = tmp_path / "openstack"
    program.write_text(f"#!/bin/sh\nprintf '{prints}'\nexit {status}\n")
    program.chmod(0o755)
    file = tmp_path / name
    file.write_text("old")
    subprocess.run(
        ["sh", "-e", "-c", recipe.replace("/var/lib/node_exporter", str(tmp_path)) + "exit 0"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True, timeout=120,
    )  # fmt: skip
    assert file.read_text() == left


def _promtool(*words: str | Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        lacks("promtool, of Debian's prometheus")
    done = subprocess.run(
        [promtool, *words], cwd=MONITORING, text=True, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize("words", [("check", "rules", "alerts.yaml"),
                                   ("test", "rules", "alerts.test.yaml")])  # fmt: skip
def test_promtool_takes_the_rules(words: tuple[str, ...]) -> None:
    _promtool(*words)


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    dashboard = json.loads(MONITORING.joinpath("grafana.json").read_text(encoding="utf-8"))
    rules = [
        {"record": f"panel:{panel['id']}:{at}", "expr": target["expr"]}
        for panel in dashboard["panels"]
        for at, target in enumerate(panel["targets"])
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    _promtool("check", "rules", file)
