# SPDX-License-Identifier: Apache-2.0
"""How a policy's run ends on Mistral's real engine, whatever Trove answers: see policy_runs.py."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.contract.apart import told
from trove_schedules.runs.reason import reason

#: All runs go side by side, for minutes on a busy machine.
pytestmark = pytest.mark.timeout(1200)

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
#: As policy_runs.py has it.
FEW = 4
#: The most that a run may leave in its output, in bytes of JSON.
MOST = 8192


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return told("policy_runs", tmp_path_factory.mktemp("mistral"), 1100)


def counts(**several: int) -> dict[str, int]:
    """The counts of an output; those that are not named are 0."""
    names = "taken made skipped failed not_reached unable left running done"
    return dict.fromkeys(names.split(), 0) | several


@pytest.mark.parametrize(("name", "count"), [("one", 1), ("several", 7), ("many", 12)])
def test_each_instance_of_the_project_has_one_backup(runs, name, count):
    run = runs[name]
    assert (run["state"], run["info"]) == ("SUCCESS", None)
    assert run["output"] == {
        "status": f"Backed up {count} of {count}",
        "counts": counts(taken=count, made=count),
        "failed": [],
        "unable": [],
    }
    assert Counter(run["backed_up"]) == Counter(run["instances"].values())


def test_what_each_backup_is_asked_with(runs):
    (body,) = runs["one"]["bodies"]
    (instance,) = runs["one"]["instances"]
    assert body == {
        "name": "nightly",
        "instance": instance,
        "incremental": 0,
        "description": f"[schedule {SCHEDULE}]",
        "of": "db-0",
    }


def test_a_project_without_instances_is_no_failure(runs):
    run = runs["none"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"] == "Skipped: the policy takes none of the instances"
    assert run["asked"] == {"GET instances of project": 1}


@pytest.mark.parametrize(("name", "most"), [("several", 3), ("many", 5), ("expires", 1)])
def test_at_most_as_many_as_are_asked_for_are_backed_up_at_a_time(runs, name, most):
    assert 1 <= runs[name]["most"] <= most


@pytest.mark.parametrize(
    ("name", "taken", "left"),
    [
        ("matched", ["orders-0", "orders-1"], 3),
        ("datastores", ["p"], 1),
        ("no_replicas", ["source"], 1),
        ("replicas", ["copy", "source"], 0),
        ("no_drills", ["db"], 1),
    ],
)
def test_the_selection_says_which_are_taken(runs, name, taken, left):
    run = runs[name]
    assert run["backed_up"] == taken
    assert run["output"]["counts"] == counts(taken=len(taken), made=len(taken), left=left)


def test_one_that_can_not_be_backed_up_now_is_named_and_the_rest_goes_on(runs):
    run = runs["unable"]
    assert run["backed_up"] == ["up"]
    assert run["state"] == "ERROR"
    assert run["output"]["status"] == "Backed up 1 of 3, 2 can't be backed up now"
    assert {each["name"]: each["reason"] for each in run["output"]["unable"]} == {
        "down": "status SHUTDOWN",
        "new": "status BUILD",
    }
    assert "down" in run["info"] and "new" in run["info"]


def test_those_that_fail_are_named_with_their_reasons_and_the_rest_goes_on(runs):
    run = runs["failing"]
    assert run["state"] == "ERROR"
    assert run["output"]["status"] == "Backed up 6 of 9, 3 failed"
    assert run["output"]["counts"] == counts(taken=9, made=6, failed=3)
    failed = {each["name"]: each for each in run["output"]["failed"]}
    assert sorted(failed) == ["db-2", "db-3", "db-4"]
    assert all(run["instances"][each["instance"]] == name for name, each in failed.items())
    assert "Quota exceeded for resources: ['backups']. (HTTP 413)" in failed["db-2"]["reason"]
    assert "Policy forbids (HTTP 403)" in failed["db-3"]["reason"]
    assert "failed. Last fault of the instance" in failed["db-4"]["reason"]
    assert reason(run["info"]).startswith("Backed up 6 of 9, 3 failed. Failed: db-")


def test_an_instance_that_another_backup_is_made_of_is_no_failure(runs):
    run = runs["busy"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"] == "Backed up 1 of 2, 1 skipped"


def test_one_that_is_deleted_meanwhile_is_no_failure(runs):
    run = runs["deleted"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"] == "Backed up 2 of 3, 1 skipped"


class TestFurtherAttempt:
    def test_nothing_is_done_where_all_have_their_backup(self, runs):
        run = runs["guard_done"]
        assert run["output"]["status"] == "Skipped: all 7 already backed up"
        assert run["output"]["counts"] == counts(taken=7, skipped=7, done=7)
        assert run["bodies"] == run["runs"] == []

    def test_it_costs_two_requests_for_each_instance(self, runs):
        assert sum(runs["guard_done"]["asked"].values()) <= 2 * 7 + 3 + 3

    def test_only_the_others_are_backed_up(self, runs):
        run = runs["guard_some"]
        assert run["backed_up"] == ["db-5", "db-6"]
        assert run["output"]["status"] == "Backed up 2 of 7, 5 already backed up"
        assert run["runs"].count("trove.backup_create") == 2

    def test_the_backups_of_deleted_instances_do_not_count(self, runs):
        run = runs["guard_deleted"]
        assert run["output"]["status"] == "Backed up 2 of 2"
        assert run["asked"]["GET backups of project"] == 2

    def test_the_runs_look_themselves_if_the_projects_backups_can_not_be_listed(self, runs):
        run = runs["guard_unlisted"]
        assert run["backed_up"] == ["db-2"]
        assert run["output"]["status"] == "Backed up 1 of 3, 2 already backed up"

    def test_one_whose_backups_can_not_be_listed_has_lost_its_backup(self, runs):
        run = runs["guard_lost"]
        assert run["state"] == "ERROR"
        assert run["output"]["counts"] == counts(
            taken=4, skipped=2, done=2, failed=1, not_reached=1
        )
        (failed,) = run["output"]["failed"]
        assert failed["name"] == "db-2"
        assert "Trove is tired (HTTP 503)" in failed["reason"]

    def test_one_that_went_down_after_its_backup_is_no_failure(self, runs):
        assert runs["guard_down"]["state"] == "SUCCESS"
        assert runs["guard_down"]["output"]["status"] == "Skipped: all 1 already backed up"

    def test_nothing_is_asked_if_nothing_was_due_since_the_policy_was_made(self, runs):
        run = runs["not_due"]
        assert run["output"]["status"].startswith("Skipped: nothing was due")
        assert run["asked"] == {}

    def test_by_hand_all_are_backed_up_again(self, runs):
        assert runs["by_hand"]["output"]["status"] == "Backed up 3 of 3"


def test_a_run_that_somebody_cancels_has_failed_and_the_rest_goes_on(runs):
    run = runs["cancelled"]
    assert run["state"] == "ERROR"
    assert run["output"]["status"] == "Backed up 6 of 9, 3 failed"
    cancelled = "Somebody cancelled the run of the instance."
    reasons = {each["name"]: each["reason"] for each in run["output"]["failed"]}
    assert (reasons["db-0"], reasons["db-1"]) == (cancelled, cancelled)
    assert reasons["db-8"].endswith("failed. Last fault of the instance, never. None.")
    assert Counter(run["backed_up"]) == Counter(run["instances"].values())
    # After them the rest is started anew.
    assert run["runs"].count("trove.backup_parts") == 2
    # What is cancelled stays BUILDING here.
    assert run["most"] <= 2 + 2
    assert run["pings"] == ["start", "fail"]


class TestDeadline:
    def test_no_backup_begins_after_it(self, runs):
        run = runs["too_late"]
        assert run["bodies"] == []
        assert run["runs"] == ["trove.backup_ping", "trove.backup_webhook"]
        status = "Backed up 0 of 5, 2 already backed up, 3 not reached"
        assert (run["state"], run["output"]["status"]) == ("ERROR", status)
        assert run["info"] == f"{status}. The deadline of 5 minutes is over."
        assert run["pings"] == ["fail"]

    def test_what_was_done_before_it_is_done(self, runs):
        run = runs["too_late_done"]
        assert run["state"] == "SUCCESS"
        assert run["output"]["status"] == "Skipped: all 2 already backed up"
        assert run["pings"] == [""]

    def test_runs_that_begin_in_time_are_not_looked_at_again(self, runs):
        run = runs["just_in_time"]
        assert run["output"]["status"] == "Backed up 6 of 6"
        assert not any("deadline" in each for each in run["schedules"])


def test_runs_of_a_policy_follow_each_other_even_those_of_one_second(runs):
    run = runs["overlapping"]
    *together, last = run["each"]
    first, *others = sorted(together, key=lambda each: each["id"])
    assert first["output"]["status"] == "Backed up 4 of 4"
    assert [each["output"]["status"] for each in (*others, last)] == [
        "Skipped: all 4 already backed up"
    ] * 3
    assert max(Counter(run["backed_up"]).values()) == 1
    assert run["most"] <= 2


def test_a_run_whose_time_goes_to_others_says_so(runs):
    run = runs["kept_waiting"]
    assert run["state"] == "ERROR"
    assert run["info"] == (
        "Runs of other policies took the whole hour that this run had; "
        "give the policies different hours."
    )
    assert (run["output"]["status"], run["output"]["counts"]) == (None, counts())
    assert run["asked"] == {}
    assert run["pings"] == ["fail"]
    assert [each["outcome"] for each in run["sent"]] == ["failure"]


def test_a_run_whose_token_is_dead_is_not_waited_for(runs):
    assert runs["long_ago"]["output"]["status"] == "Backed up 2 of 2"


class TestToken:
    def test_what_is_not_reached_before_it_ends_is_counted(self, runs):
        run = runs["expires"]
        assert run["state"] == "SUCCESS"
        # Of the last backup, the answer was lost with the token.
        assert run["output"]["status"] == "Backed up 3 of 12, 9 not reached"
        assert run["output"]["counts"] == counts(taken=12, made=3, not_reached=9)

    def test_once_it_is_refused_no_other_run_tries(self, runs):
        assert runs["expires"]["runs"].count("trove.backup_unreached") == 8
        # One that lists backups, and one after that: python-troveclient asks each twice.
        assert runs["expires"]["asked"]["GET backups of instance"] <= 4 + 2 * 2

    def test_keystone_refuses_it_too(self, runs):
        run = runs["expires_for_keystone"]
        assert run["output"]["counts"] == counts(taken=6, made=3, not_reached=3)
        assert run["runs"].count("trove.backup_unreached") == 2

    def test_no_watcher_is_told_of_a_part_that_the_next_attempt_completes(self, runs):
        assert runs["expires"]["pings"] == ["start"]
        assert runs["expires"]["sent"] == runs["slow"]["sent"] == []

    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("expires_last", "Backed up 3 of 6, 3 not reached"),
            ("expires_only", "Backed up 1 of 3, 2 not reached"),
        ],
    )
    def test_what_the_last_attempt_does_not_reach_is_told(self, runs, name, status):
        run = runs[name]
        assert (run["state"], run["info"]) == ("ERROR", f"{status}.")
        assert run["output"]["status"] == status
        assert run["pings"] == ["start", "fail"]
        (sent,) = run["sent"]
        assert sent["outcome"] == "failure"
        assert sent["summary"] == f"Policy nightly: {status}."

    def test_the_runs_know_when_it_ends(self, runs):
        for each in runs["several"]["schedules"]:
            assert 3000 < each["ends"] - 1767312598 <= 3310


def test_a_backup_that_is_not_complete_in_time_is_in_progress(runs):
    run = runs["slow"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"] == "Backed up 2 of 3, 1 in progress"
    assert run["pings"] == ["start"]


class TestListOfInstances:
    def test_a_page_that_fails_is_asked_for_again(self, runs):
        assert runs["list_recovers"]["output"]["status"] == "Backed up 6 of 6"

    def test_an_error_that_lasts_is_the_runs_reason(self, runs):
        run = runs["unlisted"]
        assert run["state"] == "ERROR"
        assert run["info"].startswith("Trove can't list the project's instances.")
        assert "Trove is tired (HTTP 503)" in run["info"]
        assert run["output"]["status"] is None
        assert run["pings"] == ["fail"]

    @pytest.mark.parametrize(("name", "count"), [("several", 7), ("many", 12)])
    def test_it_costs_a_request_for_each_instance_and_each_page(self, runs, name, count):
        asked = runs[name]["asked"]
        assert asked["GET instances"] == count
        assert asked["GET instances of project"] <= count / FEW + 2

    def test_it_is_not_kept_again_with_each_page(self, runs):
        for size in ("kept", "context"):
            assert runs["many"][size] - runs["one"][size] < 11 * 150


class TestWatchers:
    """They are told once of all instances, and not of each."""

    @pytest.mark.parametrize(
        ("name", "pings"),
        [
            ("watched", ["start", ""]),
            ("failing", ["start", "fail"]),
            ("unable", ["start", "fail"]),
            ("guard_watched", [""]),
        ],
    )
    def test_the_notify_url_is_pinged_at_the_start_and_at_the_end(self, runs, name, pings):
        assert runs[name]["pings"] == pings

    def test_the_webhook_is_told_of_a_success_in_one_message(self, runs):
        (sent,) = runs["watched"]["sent"]
        assert sent["outcome"] == "success"
        assert sent["summary"] == "Policy nightly: Backed up 3 of 3."
        assert sent["policy"] == runs["watched"]["output"]
        assert (sent["instance"], sent["backup"]) == ("*", None)

    def test_the_webhook_is_told_who_failed(self, runs):
        (sent,) = runs["failing"]["sent"]
        assert sent["outcome"] == "failure"
        assert sent["policy"]["failed"] == runs["failing"]["output"]["failed"]
        for name in ("db-2", "db-3", "db-4"):
            assert name in sent["summary"]

    def test_the_webhook_is_not_told_where_nothing_was_to_be_done(self, runs):
        assert runs["guard_watched"]["sent"] == []

    def test_the_runs_of_the_instances_know_of_no_watcher(self, runs):
        keys = {key for each in runs["failing"]["schedules"] for key in each}
        assert keys == {"id", "pattern", "paced", "ends"}


def test_each_instance_has_a_chain_and_retention_of_its_own(runs):
    run = runs["chain"]
    assert run["output"]["status"] == "Backed up 2 of 2"
    parents = [body.get("parent_id") for body in run["bodies"]]
    assert None not in parents and len(set(parents)) == 2
    # Each had two of this schedule, of which the newer is built on, and one of another schedule.
    assert run["deletes"] == 2
    assert Counter(instance for instance, _, _ in run["left"]) == dict.fromkeys(run["instances"], 3)


def test_a_pinned_backup_of_one_instance_is_kept(runs):
    run = runs["pinned"]
    assert run["output"]["status"] == "Backed up 2 of 2"
    # Each had two, and keeps the new one.
    assert run["deletes"] == 3
    assert sorted(Counter(instance for instance, *_ in run["left"]).values()) == [1, 2]
    assert len({tuple(each["pinned"]) for each in run["schedules"]}) == 1


class TestSize:
    """The output has at most 8 KB, whatever the fleet."""

    def test_of_the_failed_and_the_unable_as_many_are_named_as_there_is_room_for(self, runs):
        run = runs["long"]
        assert run["output"]["counts"] == counts(taken=60, failed=13, unable=47)
        assert run["size"] <= MOST
        assert 5 <= len(run["output"]["failed"]) < 13
        assert 5 <= len(run["output"]["unable"]) <= 20
        assert all(len(each["reason"]) <= 200 for each in run["output"]["failed"])
        assert " more." in run["info"]

    def test_a_thousand_instances_with_the_longest_names_do_no_harm(self, runs):
        run = runs["huge"]
        assert run["output"]["counts"] == counts(taken=1000, failed=10, unable=990)
        assert run["output"]["failed"] and run["output"]["unable"]
        assert run["size"] <= MOST
        assert len(json.dumps(run["sent"])) <= 2 * MOST
