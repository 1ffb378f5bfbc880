# SPDX-License-Identifier: Apache-2.0
"""How the workbook ends on Mistral's real engine, whatever Trove answers: see workbook_runs.py."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contract.apart import told
from trove_schedules.ids import is_uuid
from trove_schedules.schedules.names import marker

#: All runs go side by side, for minutes on a busy machine. Each wait in them has its own deadline.
pytestmark = pytest.mark.timeout(1200)

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
PARENT = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return told("workbook_runs", tmp_path_factory.mktemp("mistral"), 1100)


def id_of(run: dict[str, Any], name: str) -> str:
    """The id of the backup of this name."""
    (found,) = [identifier for identifier, each in run["names"].items() if each == name]
    return found


@pytest.mark.parametrize(
    "name",
    [
        "complete",
        "by_hand",
        "by_hand_list_recovers",
        "texts",
        "parent",
        "old_ones",
        "list_recovers",
        "one_vanishes",
        "down_then_up",
        "limited",
        "slow",
        "look_recovers",
        "lost_and_running",
        "lost_and_sent_again",
        "lost_and_done",
        "refused_amid_many",
        "lost_amid_many",
        "troveclient",
        "troveclient_incremental",
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


@pytest.mark.parametrize("name", ["by_hand", "by_hand_list_recovers"])
def test_started_by_hand_with_the_specs_inputs_there_is_no_marker(runs, name):
    run = runs[name]
    assert run["bodies"] == [{"name": "nightly", "instance": run["instance"], "incremental": 0}]


def test_by_hand_without_its_parent_there_is_no_description_either(runs):
    _, body = runs["parent_gone_by_hand"]["bodies"]
    assert "description" not in body and "parent_id" not in body


def test_texts_reach_trove_as_they_are_with_the_marker_after_them(runs):
    (body,) = runs["texts"]["bodies"]
    assert body["name"] == "<% env() %> {{ 1 + 1 }} '\" é😀"
    assert body["description"] == f"<% $.name %> é😀 {marker(SCHEDULE)}"


def test_a_parent_reaches_trove(runs):
    assert runs["parent"]["bodies"][0]["parent_id"] == PARENT


def test_python_troveclients_input_does_what_it_did(runs):
    instance, incremental = (runs[each] for each in ("troveclient", "troveclient_incremental"))
    assert instance["bodies"] == [
        {"name": "nightly", "instance": instance["instance"], "incremental": 0}
    ]
    assert incremental["bodies"] == [
        {
            "name": "nightly",
            "instance": incremental["instance"],
            "incremental": 1,
            "description": "orders",
        }
    ]


@pytest.mark.parametrize("name", ["new", "building", "saving", "manual_running"])
def test_a_backup_that_runs_already_makes_a_run_skip_and_say_which(runs, name):
    run = runs[name]
    assert run["state"] == "SUCCESS"
    assert run["output"] == {
        "status": f"Skipped: backup {id_of(run, 'busy')} is running",
        "backup_id": None,
    }
    assert run["bodies"] == []


@pytest.mark.parametrize("name", ["overtaken", "overtaken_before", "overtaken_and_unlisted"])
def test_a_backup_that_was_quicker_makes_a_run_skip_at_once(runs, name):
    run = runs[name]
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
        ("watched_lost_and_failed", "failed. Last fault of the instance, never. None."),
        (
            "trust_gone",
            "The run lost its rights, because its token ended, or its schedule was changed",
        ),
        ("first_unlisted_watched", "This request was rate-limited. (HTTP 413)"),
        ("never_seen", "can't be followed"),
        ("lost_and_failed", "failed. Last fault of the instance, never. None."),
        ("find_fails", "Trove is tired (HTTP 503)"),
        ("chain_instance_gone", "cannot be found. (HTTP 404)"),
    ],
)
def test_a_run_without_a_backup_is_an_error_that_says_why(runs, name, told):
    run = runs[name]
    assert run["state"] == "ERROR"
    assert told in run["info"]


@pytest.mark.parametrize(
    ("name", "attempts"),
    [
        ("down", 4),
        ("down_then_up", 2),
        ("quota", 1),
        ("limited", 2),
        ("no_instance", 1),
        ("forbidden", 1),
    ],
)
def test_only_what_may_pass_is_tried_again(runs, name, attempts):
    assert len(runs[name]["bodies"]) == attempts


def test_a_backup_of_before_is_not_taken_for_the_one_that_was_refused(runs):
    run = runs["refused_amid_many"]
    assert len(run["bodies"]) == 2
    assert run["output"]["backup_id"] == id_of(run, "new")


@pytest.mark.parametrize(
    "name", ["lost_and_running", "lost_and_sent_again", "lost_and_done", "lost_amid_many"]
)
def test_a_backup_whose_answer_was_lost_is_followed_and_not_made_twice(runs, name):
    run = runs[name]
    assert run["output"]["backup_id"] == id_of(run, "new")
    assert run["left"].count("new") == 1
    assert len(run["bodies"]) == 1


@pytest.mark.parametrize(
    "name", ["failed", "lost_and_failed", "explained", "unexplained", "deleted", "never_seen"]
)
def test_an_error_about_a_backup_keeps_its_id_in_the_output(runs, name):
    assert is_uuid(runs[name]["output"]["backup_id"])


def test_a_run_stops_watching_in_time_and_says_that_the_backup_goes_on(runs):
    run = runs["never_ends"]
    assert run["state"] == "SUCCESS"
    assert run["output"]["status"] == "Backup in progress"
    assert is_uuid(run["output"]["backup_id"])


class TestChain:
    """What an incremental schedule builds on, with a full backup every four."""

    @pytest.mark.parametrize(
        ("name", "parent"),
        [
            ("chain_first", None),
            ("chain_second", "1"),
            ("chain_fourth", "3"),
            ("chain_full_again", None),
            ("chain_tenth", "9"),
            ("chain_of_one", None),
            ("chain_endless", "4"),
            ("chain_foreign", "1"),
            ("chain_only_foreign", None),
            ("chain_newest_failed", "1"),
            ("chain_amid_many", "1"),
            ("chain_numbered", "40"),
            ("chain_numbered_full", None),
            ("chain_numbered_endless", "40"),
            ("chain_described", "1"),
        ],
    )
    def test_it_builds_on_its_own_newest_until_a_full_one_is_due(self, runs, name, parent):
        run = runs[name]
        assert run["parents"] == [parent]
        assert run["output"]["status"] == "Backup complete"
        assert [each["incremental"] for each in run["bodies"]] == [0]

    @pytest.mark.parametrize(
        ("name", "newest"),
        [("chain_on_foreign", "1"), ("chain_root_failed", "2"), ("chain_numbered_broken", "2")],
    )
    def test_what_leads_to_no_full_one_of_its_own_is_not_built_on(self, runs, name, newest):
        run = runs[name]
        assert run["parents"] == [None]
        assert run["output"]["status"] == (
            f"Backup complete, full because backup {id_of(run, newest)} leads to no full one of "
            "the schedule"
        )

    @pytest.mark.parametrize(
        ("name", "described"),
        [
            ("chain_first", "[chain 1] "),
            ("chain_second", "[chain 2] "),
            ("chain_full_again", "[chain 1] "),
            ("chain_numbered", "[chain 41] "),
            ("chain_numbered_full", "[chain 1] "),
            ("chain_numbered_endless", "[chain 41] "),
            ("chain_numbered_broken", "[chain 1] "),
            ("chain_described", "d" * 200 + " "),  # where it doesn't fit
            ("complete", ""),
        ],
    )
    def test_a_description_says_which_one_of_its_chain_a_backup_is(self, runs, name, described):
        assert runs[name]["bodies"][0]["description"] == f"{described}{marker(SCHEDULE)}"

    def test_a_chain_whose_beginning_was_not_listed_is_not_called_broken(self, runs):
        run = runs["chain_cut_short"]
        assert run["parents"] == [None]
        assert run["output"]["status"] == (
            f"Backup complete, full because the chain of backup {id_of(run, '3')} begins before "
            "the instance's newest 200 backups"
        )

    def test_a_parent_that_is_gone_makes_it_full_at_once(self, runs):
        run = runs["chain_parent_gone"]
        assert run["parents"] == ["1", None]
        assert run["bodies"][1]["description"] == f"[chain 1] {marker(SCHEDULE)}"
        assert run["output"]["status"] == (
            f"Backup complete, full because its parent {id_of(run, '1')} is gone"
        )

    def test_a_guest_that_refuses_the_parent_is_told(self, runs):
        run = runs["chain_refused"]
        assert run["parents"] == ["1"]
        assert run["output"]["status"] == (
            "Backup complete, full because the guest could not build on its parent"
        )


class TestDue:
    """Guard ticks and deadlines, at ten past midnight but for two seconds."""

    @pytest.mark.parametrize(
        "name",
        [
            "guard_done",
            "guard_tick_was_early",
            "guard_midnight_done",
            "tick_early_done",
            "deadline_done",
            "guard_amid_many",
            "deadline_amid_others",
        ],
    )
    def test_a_backup_since_the_due_time_is_enough(self, runs, name):
        run = runs[name]
        assert run["output"] == {
            "status": f"Skipped: already backed up as {id_of(run, 'mine')}",
            "backup_id": None,
        }
        assert run["bodies"] == []

    def test_so_is_one_that_still_runs(self, runs):
        assert runs["guard_running"]["output"]["status"].endswith("is running")

    @pytest.mark.parametrize(
        "name",
        ["guard_failed", "guard_before", "guard_others", "guard_midnight", "tick_early"],
    )
    def test_one_that_failed_or_is_older_or_of_somebody_else_is_not(self, runs, name):
        assert runs[name]["output"]["status"] == "Backup complete"

    @pytest.mark.parametrize(
        ("name", "due", "deadline"),
        [
            ("deadline_late", "2026-01-02 00:05", 3),
            ("deadline_midnight", "2026-01-01 23:55", 14),
        ],
    )
    def test_a_run_after_its_deadline_is_skipped(self, runs, name, due, deadline):
        run = runs[name]
        assert run["state"] == "SUCCESS"
        assert run["output"]["status"] == (
            f"Skipped: due at {due} UTC, more than {deadline} minutes ago"
        )
        assert run["bodies"] == []

    @pytest.mark.parametrize("name", ["deadline_in_time", "deadline_midnight_in_time"])
    def test_a_run_in_the_minute_of_its_deadline_is_not(self, runs, name):
        assert runs[name]["output"]["status"] == "Backup complete"

    def test_what_was_due_before_the_schedule_was_there_is_not_owed(self, runs):
        assert runs["not_owed"]["output"]["status"].startswith("Skipped: nothing was due since")
        assert runs["not_owed"]["bodies"] == []
        assert runs["owed"]["output"]["status"] == "Backup complete"

    def test_a_further_attempt_that_can_not_look_is_skipped(self, runs):
        run = runs["guard_unlisted"]
        assert run["state"] == "SUCCESS"
        assert run["output"]["status"].startswith("Skipped: Trove can't list the instance's")

    @pytest.mark.parametrize("name", ["manual_done", "manual_late", "manual_not_owed"])
    def test_a_run_by_hand_needs_no_reason(self, runs, name):
        assert runs[name]["output"]["status"] == "Backup complete"


@pytest.mark.parametrize(
    ("name", "store"),
    [
        ("stored", {"swift_container": "orders", "storage_driver": "swift"}),
        ("stored_again", {"swift_container": "orders"}),
    ],
)
def test_trove_is_asked_to_store_the_backup_where_the_schedule_says(runs, name, store):
    run = runs[name]
    assert run["output"]["status"] == "Backup complete"
    for body in run["bodies"]:
        found = {key: body[key] for key in ("swift_container", "storage_driver") if key in body}
        assert found == store


class TestRetention:
    @pytest.mark.parametrize(
        ("name", "deleted", "left"),
        [
            ("keep_last_1", "2 1", "new"),
            ("keep_last_3", "1", "2 3 new"),
            ("keep_last_5", "", "1 new"),
            ("keep_days", "2 1", "3 new"),
            ("keep_both", "3 2 1", "4 5 6 new"),
            ("keep_days_more", "2 1", "3 4 5 6 new"),
            ("keep_periods", "5 4 2 1", "3 new"),
            ("keep_chains", "5 1", "10 9 new"),
            ("keep_chain_of_ends", "1", "5 6 7 8 new"),
            ("keep_parent_of_foreign", "2", "1 hand new"),
            ("keep_others", "", "bad hand new other"),
            ("purge_failed", "FAILED DELETE_FAILED", "good new"),
            ("purge_failed_parent", "b2", "bad hand new"),
            ("restored_stays", "2", "1 new"),
            ("delete_was_quicker", "2 1", "new"),
            ("keep_pinned", "3", "1 2 new"),
            ("keep_parent", "b2 b1", "b0 b3 new"),
            # A drill is in progress; an hour ago 2 was the newest.
            ("keep_drilled", "1", "2 3 4 new"),
            ("tidy_recovers", "1", "new"),
            # Another schedule's backup is restored, or one was more than six hours ago.
            ("keep_while_restoring-others", "2 1", "new"),
            ("keep_while_restored", "2 1", "new"),
        ],
    )
    def test_only_the_first_of_each_expired_line_is_deleted(self, runs, name, deleted, left):
        run = runs[name]
        assert run["output"]["status"] == "Backup complete"
        assert run["deletes"] == deleted.split()
        assert run["left"] == left.split()

    def test_while_a_backup_of_the_schedule_is_restored_nothing_is_deleted(self, runs):
        run = runs["keep_while_restoring"]
        assert run["state"] == "SUCCESS"
        status = "Backup complete, but retention waits for the end of a restore"
        assert run["output"]["status"] == status
        assert (run["deletes"], run["left"]) == ([], ["1", "2", "new"])

    def test_a_schedule_without_it_deletes_nothing(self, runs):
        run = runs["keep_nothing_said"]
        assert run["deletes"] == []
        assert len(run["left"]) == 11

    def test_nothing_is_deleted_where_there_is_no_new_backup(self, runs):
        run = runs["no_backup_no_tidy"]
        assert run["state"] == "ERROR"
        assert run["deletes"] == []

    @pytest.mark.parametrize(
        ("name", "deleted", "left"),
        [
            ("late_tidy", "3 2 1", "4 new"),
            ("late_tidy_watched", "3 2 1", "4 new"),
            ("late_tidy_again", "2 1", "3 4 new"),
            ("late_tidy_of_chain", "5 1", "10 9 new"),
            ("late_tidy_nothing", "", "1 new"),
            ("late_tidy_delete_fails", "2 1", "1 3 4 new"),
            ("late_tidy_list_fails", "", "1 2 3 4 new"),
            ("late_tidy_not_after_a_failure", "", "1 2 3 4 5 new"),
            ("late_tidy_beside_others", "1", "2 hand new"),
            ("late_tidy_unasked", "", "1 2 3 4 new"),
        ],
    )
    def test_what_no_run_saw_the_end_of_is_tidied_after_by_the_next(
        self, runs, name, deleted, left
    ):
        run = runs[name]
        assert (run["state"], len(run["bodies"])) == ("SUCCESS", 1)
        assert run["deletes"] == deleted.split()
        assert run["left"] == left.split()

    def test_what_has_no_more_than_is_kept_is_not_listed(self, runs):
        assert runs["keep_last_5"]["requests"] - runs["old_ones"]["requests"] == 1

    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("late_tidy", "Backup complete"),
            ("late_tidy_again", "Backup in progress"),
            (
                "late_tidy_delete_fails",
                "Backup in progress, but retention could not delete 1 of 2 expired backups",
            ),
            (
                "late_tidy_list_fails",
                "Backup in progress, but retention could not list the backups",
            ),
        ],
    )
    def test_the_newer_backup_is_told_with_that(self, runs, name, status):
        assert runs[name]["output"]["status"] == status

    @pytest.mark.parametrize(
        ("name", "remark"),
        [
            ("delete_fails", "but retention could not delete 1 of 3 expired backups"),
            ("delete_without_trust", "but retention could not delete 2 of 2 expired backups"),
            ("tidy_fails", "but retention could not list the backups"),
            ("tidy_too_many", "but the instance has too many backups for retention"),
        ],
    )
    def test_its_trouble_is_a_remark_on_a_success(self, runs, name, remark):
        run = runs[name]
        assert run["state"] == "SUCCESS"
        assert run["output"]["status"] == f"Backup complete, {remark}"
        assert run["output"]["backup_id"] == id_of(run, "new")

    def test_what_can_be_deleted_is_although_something_can_not(self, runs):
        run = runs["delete_fails"]
        assert run["deletes"] == ["3", "2", "1"]
        assert run["left"] == ["2", "new"]

    def test_a_list_that_may_be_cut_short_is_not_acted_upon(self, runs):
        assert runs["tidy_many"]["deletes"] == ["90", "180"]
        assert runs["tidy_too_many"]["deletes"] == []


def test_a_long_list_is_not_kept_in_mistrals_database(runs):
    for name in ("tidy_many", "chain_amid_many"):
        assert max(runs[name]["kept"].values()) < 10_000


def test_a_run_costs_few_requests_whatever_is_kept(runs):
    # python-troveclient loads each listed backup anew when Mistral serialises it.
    assert runs["complete"]["requests"] == 4
    assert runs["keep_nothing_said"]["requests"] <= 1 + 27  # without numbers in the chain
    for name in ("old_ones", "chain_numbered", "chain_numbered_full", "chain_numbered_endless"):
        assert runs[name]["requests"] <= 1 + 8, name  # the POST, and at most 8 GETs


class TestTimeZone:
    @pytest.mark.parametrize("name", ["zone_done", "zone_not_due"])
    def test_what_is_not_due_by_the_clock_of_the_zone_is_skipped(self, runs, name):
        run = runs[name]
        assert run["output"]["status"] == f"Skipped: already backed up as {id_of(run, 'mine')}"
        assert run["requests"] <= 2

    @pytest.mark.parametrize("name", ["zone_due", "zone_missed", "zone_by_hand"])
    def test_what_is_due_by_it_is_made(self, runs, name):
        assert runs[name]["output"]["status"] == "Backup complete"

    @pytest.mark.parametrize(
        ("zone", "due"),
        [
            # 02:30 is 01:30 UTC in winter and 00:30 in summer. It is missing, then comes twice.
            (
                "Europe/Berlin",
                "03-29 01:00,03-30 00:30,10-25 00:30,10-26 01:30",
            ),
            # 02:30 is 06:00 UTC in winter and 05:00 in summer. It is missing, then comes once.
            (
                "America/St_Johns",
                "03-08 05:30,03-09 05:00,11-01 06:00,11-02 06:00",
            ),
        ],
    )
    def test_over_both_changes_of_a_year_each_due_time_has_one_backup(self, runs, zone, due):
        assert runs[zone]["made"] == due.split(",")
        assert len(runs[zone]["fired"]) > 3 * len(runs[zone]["made"])

    def test_its_table_costs_few_bytes(self, runs):
        added = runs["zone_done"]["left_behind"] - runs["guard_done"]["left_behind"]
        assert added < 1_500


@pytest.mark.parametrize("name", ["guard_done", "guard_running", "watched_done"])
def test_a_further_attempt_costs_at_most_four_requests(runs, name):
    assert runs[name]["requests"] <= 4


def test_a_run_and_a_further_attempt_leave_few_bytes(runs):
    # Version 5 left 27 kB and 19 kB. Since version 7 a run reckons with time zones, in 500 bytes.
    assert runs["complete"]["left_behind"] < 15_700
    assert runs["guard_done"]["left_behind"] < 5_400


START, SUCCESS, FAIL = "HEAD /start", "HEAD ", "HEAD /fail"


@pytest.mark.parametrize(
    ("name", "pings"),
    [
        ("watched", [START, SUCCESS]),
        ("watched_otherwise", ["HEAD ?status=up&msg=é"]),
        ("watched_fails", [START, FAIL]),
        ("watched_fails_otherwise", [START, "HEAD ?status=down"]),
        ("watched_fails_unsaid", [START]),
        # A run starts when Trove has accepted its backup.
        ("watched_refused", [FAIL]),
        ("watched_down", [FAIL]),
        ("watched_down_then_up", [START, SUCCESS]),
        ("watched_deleted", [START, FAIL]),
        ("watched_unlisted", [FAIL]),
        ("watched_tidies", [START, SUCCESS]),
        # Of a backup that is running its own run tells, of one that never ends nobody.
        ("watched_running", []),
        ("watched_overtaken", []),
        ("watched_never_ends", [START]),
        # The backup is there, and the first run may not have been heard.
        ("watched_done", [SUCCESS]),
        ("watched_late", [FAIL]),
        # That a further attempt can't look is no failure of a backup.
        ("watched_lost_and_failed", [START, FAIL]),
        ("guard_unlisted_watched", []),
        ("first_unlisted_watched", [FAIL]),
        # Nobody who didn't ask is pinged.
        ("complete", []),
        ("failed", []),
        ("ping_forbidden", []),
    ],
)
def test_whoever_watches_is_told_what_became_of_a_run(runs, name, pings):
    assert runs[name]["pings"] == pings


@pytest.mark.parametrize(
    ("watched", "plain"),
    [
        ("watched", "complete"),
        ("watched_done", "guard_done"),
        ("watched_late", "deadline_late"),
        ("watched_refused", "quota"),
        ("watched_down", "down"),
        ("watched_fails_unsaid", "failed"),
        ("ping_unheard", "complete"),
        ("ping_hangs", "complete"),
        ("ping_forbidden", "complete"),
        ("ping_hangs_and_fails", "failed"),
    ],
)
def test_a_run_ends_as_it_does_unwatched_whatever_comes_of_its_pings(runs, watched, plain):
    def outcome(name):
        shown = json.dumps([runs[name][key] for key in ("state", "info", "output", "left")])
        # Ids, and addresses of actions in memory.
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+", "id", shown)

    assert outcome(watched) == outcome(plain)


@pytest.mark.parametrize(
    "name",
    [
        "hook_refused",
        "hook_unheard",
        "hook_hangs",
        "hook_large",
        "hook_large_refused",
        "hook_redirected",
        "hook_forbidden",
        "hook_tls",
        "hook_tls_untrusted",
    ],
)
def test_a_run_ends_the_same_whatever_its_webhook_answers(runs, name):
    run = runs[name]
    assert run["state"] == "SUCCESS", run["info"]
    assert run["output"]["status"] == "Backup complete"
    assert (run["deletes"], run["left"]) == (["2", "1"], ["new"])
    unheard = ("hook_forbidden", "hook_tls_untrusted")
    assert len(run["sent"]) == (0 if name in unheard else 1)


def test_a_webhook_is_sent_all_that_is_known_of_a_backup(runs):
    run = runs["hook"]
    [sent] = run["sent"]
    new = id_of(run, "new")
    backup = sent.pop("backup")
    assert (backup["id"], backup["size"]) == (new, 0.25)
    assert backup.keys() == {"id", "size", "created", "updated"}
    assert sent.pop("time").endswith("Z")
    assert sent == {
        "schedule": SCHEDULE,
        "name": "nightly",
        "instance": run["instance"],
        "outcome": "success",
        "reason": None,
        "summary": f"Backup nightly of instance {run['instance']} is complete as {new}.",
    }
    [text] = runs["hook_slack"]["sent"]
    assert text.keys() == {"text"}
    assert text["text"].startswith("Backup nightly of instance ")


def test_alertmanager_gets_an_alert_that_a_success_ends(runs):
    [[alert]] = runs["hook_alerts"]["sent"]
    assert alert["labels"] == {
        "alertname": "TroveBackupFailed",
        "schedule": SCHEDULE,
        "name": "nightly",
        "instance": runs["hook_alerts"]["instance"],
    }
    assert alert["annotations"]["summary"].endswith(
        "failed. TroveAction.backups.create failed: Quota exceeded for resources: ['backups']. "
        "(HTTP 413)"
    )
    assert alert["endsAt"].startswith("2026-01-03T"), "a day later"
    [[ended]] = runs["hook_resolves"]["sent"]
    assert ended["labels"].keys() == alert["labels"].keys()
    assert ended["endsAt"].startswith("2026-01-02T")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hook_fails", "failed. Last fault of the instance"),
        ("hook_late", "Skipped: due at 2026-01-02 00:05 UTC, more than 3 minutes ago"),
    ],
)
def test_a_webhook_is_told_why_there_is_no_backup(runs, name, reason):
    [sent] = runs[name]["sent"]
    assert sent["outcome"] == "failure"
    assert reason in sent["reason"]


@pytest.mark.parametrize("name", ["hook_on_success", "hook_on_failure", "complete", "failed"])
def test_a_webhook_is_told_of_no_other_outcome(runs, name):
    assert runs[name]["sent"] == []


@pytest.mark.parametrize("name", ["watched_tidies", "ping_refused"])
def test_retention_follows_the_ping(runs, name):
    assert runs[name]["output"]["status"] == "Backup complete"
    assert runs[name]["left"] == ["new"]
