# SPDX-License-Identifier: Apache-2.0
"""How the workbook ends on Mistral's real engine, whatever Trove answers: see workbook_runs.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trove_schedules.model import is_uuid, marker

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
PARENT = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    script = Path(__file__).with_name("workbook_runs.py")
    command = [sys.executable, str(script), str(tmp_path_factory.mktemp("mistral"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "complete",
        "by_hand",
        "texts",
        "parent",
        "incremental",
        "old_ones",
        "list_recovers",
        "down_then_up",
        "slow",
        "look_recovers",
    ],
)
def test_a_run_that_made_its_backup_is_a_success_with_the_backups_id(runs, name):
    run = runs[name]
    assert (run["state"], run["info"]) == ("SUCCESS", None)
    assert run["output"]["status"] == "Backup complete"
    assert is_uuid(run["output"]["backup_id"])


def test_what_a_schedule_sends_to_trove(runs):
    run = runs["complete"]
    assert run["bodies"] == [
        {
            "name": "nightly",
            "instance": run["instance"],
            "incremental": 0,
            "description": marker(SCHEDULE),
        }
    ]


def test_started_by_hand_with_the_specs_inputs_there_is_no_marker(runs):
    run = runs["by_hand"]
    assert run["bodies"] == [{"name": "nightly", "instance": run["instance"], "incremental": 0}]


def test_texts_reach_trove_as_they_are_with_the_marker_after_them(runs):
    (body,) = runs["texts"]["bodies"]
    assert body["name"] == "<% env() %> {{ 1 + 1 }} '\" é😀"
    assert body["description"] == f"<% $.name %> é😀 {marker(SCHEDULE)}"


def test_a_parent_reaches_trove(runs):
    assert runs["parent"]["bodies"][0]["parent_id"] == PARENT


def test_so_does_incremental(runs):
    assert runs["incremental"]["bodies"][0]["incremental"] == 1


@pytest.mark.parametrize(("name", "index"), [("new", 0), ("building", 0), ("saving", 1)])
def test_a_backup_that_runs_already_makes_a_run_skip_and_say_which(runs, name, index):
    run = runs[name]
    busy = run["listings"][0][index]
    assert run["state"] == "SUCCESS"
    assert run["output"] == {"status": f"Skipped: backup {busy} is running", "backup_id": None}
    assert run["bodies"] == []


def test_a_backup_that_was_quicker_makes_a_run_skip_at_once(runs):
    run = runs["overtaken"]
    assert run["state"] == "SUCCESS"
    assert run["output"] == {
        "status": "Skipped: another backup of the instance is running",
        "backup_id": None,
    }
    assert len(run["bodies"]) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("list_fails", "Trove is tired (HTTP 503)"),
        ("down", "instance status was SHUTDOWN"),
        ("quota", "Quota exceeded for resources: ['backups']. (HTTP 413)"),
        ("no_instance", "cannot be found. (HTTP 404)"),
        ("forbidden", "Policy forbids (HTTP 403)"),
        ("failed", "failed. Last fault of the instance, never. None."),
        ("explained", 'fault of the instance, 2026-01-01T00:00:00. disk "full" <% env() %> é😀'),
        ("unexplained", "failed, and Trove doesn't show the instance"),
        ("deleted", "is gone, somebody deleted it"),
        ("never_seen", "can't be followed"),
    ],
)
def test_a_run_without_a_backup_is_an_error_that_says_why(runs, name, told):
    run = runs[name]
    assert run["state"] == "ERROR"
    assert told in run["info"]


@pytest.mark.parametrize(
    ("name", "attempts"),
    [("down", 4), ("down_then_up", 2), ("quota", 1), ("no_instance", 1), ("forbidden", 1)],
)
def test_only_what_may_pass_is_tried_again(runs, name, attempts):
    assert len(runs[name]["bodies"]) == attempts


@pytest.mark.parametrize("name", ["failed", "explained", "unexplained", "deleted", "never_seen"])
def test_an_error_about_a_backup_keeps_its_id_in_the_output(runs, name):
    assert is_uuid(runs[name]["output"]["backup_id"])


def test_a_run_stops_watching_in_time_and_says_that_the_backup_goes_on(runs):
    run = runs["never_ends"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"] == "Backup in progress"
    assert is_uuid(run["output"]["backup_id"])
