# SPDX-License-Identifier: Apache-2.0
"""How a drill ends on Mistral's real engine, whatever Trove answers: see drill_runs.py."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.apart import told
from trove_schedules.runs.reason import reason

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
NETWORK = "33333333-be9b-49c1-a2f7-ca6c1213896f"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return told("drill_runs", tmp_path_factory.mktemp("mistral"), 180)


@pytest.mark.parametrize(
    "name", ["passed", "plain", "look_recovers", "gone_already", "leftovers", "lost_by_mistral"]
)
def test_a_backup_that_restores_passes(runs, name):
    run = runs[name]
    backup = run["backups"]["1"]
    assert (run["state"], run["info"]) == ("SUCCESS", None)
    told = {key: value for key, value in run["output"].items() if key != "restored"}
    assert told == {
        "status": f"Drill passed: backup {backup} restored in 0 s",
        "backup_id": backup,
        "backup_created": run["created"][backup],
        "seconds": 0,
    }


def test_a_drill_says_what_trove_tells_of_the_temporary_instance(runs):
    assert runs["passed"]["output"]["restored"] == {
        "state": "ACTIVE",
        "version": "18.6",
        "used": 1.5,
        "source_used": 1.5,
        "databases": 2,
        "users": 1,
        "lacks": [],
        "source": ["database a", "database b", "user app"],
    }


def test_what_the_temporary_instance_lacks_is_named_and_the_drill_passes(runs):
    run = runs["lacking"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["restored"]["lacks"] == ["database b", "user x"]
    assert run["output"]["status"].endswith(
        " restored in 0 s, without database b, user x, which the instance has now"
    )


@pytest.mark.parametrize("name", ["not_told", "source_does_not_tell"])
def test_a_drill_passes_where_the_cloud_can_not_list_databases(runs, name):
    run = runs[name]
    assert (run["state"], run["info"]) == ("SUCCESS", None)
    assert run["output"]["status"].endswith(" restored in 0 s")
    told = run["output"]["restored"]
    assert (told["databases"], told["users"], told["lacks"], told["source"]) == (None, None, [], [])
    assert run["deleted"] == ["temporary"]


def test_the_temporary_instance_is_like_the_source_and_named_after_the_drill(runs):
    run = runs["passed"]
    assert run["bodies"] == [
        {
            "name": f"trove-drill-{SCHEDULE}-{run['id']}",
            "flavorRef": "7",
            "volume": {"size": 5, "type": None},
            "datastore": {"type": "postgresql", "version": "18.6"},
            "nics": [{"network_id": NETWORK}],
            "restorePoint": {"backupRef": run["backups"]["1"]},
        }
    ]
    [plain] = runs["plain"]["bodies"]
    assert "volume" not in plain
    assert "nics" not in plain


def test_the_newest_completed_backup_of_the_schedule_is_taken(runs):
    assert runs["newest"]["output"]["backup_id"] == runs["newest"]["backups"]["2"]


@pytest.mark.parametrize(
    "name", ["passed", "damaged", "stolen", "late", "never_seen", "leftovers", "lost_and_made"]
)
def test_the_temporary_instance_is_deleted_however_it_ended(runs, name):
    assert runs[name]["deleted"][-1:] == ["temporary"]
    assert "temporary" not in runs[name]["left"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("damaged", "does not restore. file:///a.tar.zst is damaged"),
        ("stolen", "Somebody deleted the temporary instance."),
        ("late", "is not restored after 40 minutes."),
        ("never_ends", "can't be deleted, and is left to the next drill."),
        ("never_seen", "Trove is tired (HTTP 500)"),
        ("quota", "Quota exceeded for resources: ['instances']. (HTTP 413)"),
        ("forbidden", "Policy forbids (HTTP 403)"),
        ("lost", "too slow (HTTP 504)"),
        ("no_source", "Resource cannot be found. (HTTP 404)"),
    ],
)
def test_a_drill_that_proves_nothing_is_in_error_with_the_reason(runs, name, told):
    run = runs[name]
    assert run["state"] == "ERROR"
    assert told in (reason(run["info"]) or ""), run["info"]


def test_a_quota_that_forbids_it_is_called_so_and_nothing_is_made(runs):
    assert "The project's quota leaves no room" in runs["quota"]["info"]
    assert (runs["quota"]["left"], runs["quota"]["deleted"]) == ([], [])


def test_an_instance_that_can_not_be_deleted_is_told_of(runs):
    run = runs["undeletable"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"].endswith(
        "restored in 0 s. Its instance temporary can't be deleted, and is left to the next drill."
    )


def test_what_killed_drills_left_is_removed_first_and_nobody_elses(runs):
    run = runs["leftovers"]
    assert sorted(run["deleted"]) == ["leftover-0", "leftover-1", "temporary"]
    assert len(run["left"]) == 45
    assert runs["lost_by_mistral"]["deleted"] == ["leftover-0", "temporary"]


def test_a_leftover_that_can_not_be_deleted_yet_does_not_end_the_drill(runs):
    run = runs["leftover_stays"]
    assert (run["state"], run["left"]) == ("SUCCESS", ["leftover-0"])


def test_a_drill_that_runs_keeps_its_instance_and_the_next_is_skipped(runs):
    run = runs["in_use"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"] == f"Skipped: drill {run['id']} is running"
    assert (run["bodies"], run["deleted"]) == ([], [])


def test_without_a_completed_backup_there_is_nothing_to_drill(runs):
    run = runs["no_backup"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"].startswith("Skipped: none of the instance's newest 200 backups")
    assert run["bodies"] == []


class TestTurns:
    """A policy's repeated drills have its instances drilled in turn."""

    def test_at_as_many_due_times_as_there_are_instances_each_is_drilled_once(self, runs):
        turns = [runs[f"turn {days}"] for days in range(7)]
        assert {each["state"] for each in turns} == {"SUCCESS"}
        drilled = [each["output"]["instance"] for each in turns]
        assert set(drilled[:3]) == {"11", "22", "33"}
        assert drilled == (drilled[:3] * 3)[:7]

    def test_the_drill_is_one_as_of_a_schedule(self, runs):
        run = runs["turn 0"]
        [body] = run["bodies"]
        assert body["name"].startswith(f"trove-drill-{SCHEDULE}-")
        assert run["deleted"] == ["temporary"]
        backup = run["backups"]["1"]
        assert run["output"] == {
            "status": f"Drill passed: backup {backup} restored in 0 s",
            "instance": run["output"]["instance"],
            "backup_id": backup,
        }

    def test_a_policy_that_takes_no_instance_is_no_failure(self, runs):
        run = runs["turn of none"]
        assert (run["state"], run["bodies"]) == ("SUCCESS", [])
        assert run["output"]["status"] == "Skipped: the policy takes none of the instances"

    def test_a_list_that_fails_is_the_reason(self, runs):
        run = runs["turn unlisted"]
        assert (run["state"], run["bodies"]) == ("ERROR", [])
        assert run["output"]["instance"] is None
        assert run["info"].startswith("Trove can't list the project's instances.")
        assert reason(run["info"]) == "TroveAction.instances.list failed: Trove is tired (HTTP 503)"
