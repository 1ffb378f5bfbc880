# SPDX-License-Identifier: Apache-2.0
"""What the schedules assume of Trove."""

import json

import pytest

from tests.unit.client.fake_cloud import PAGE
from trove_minicloud.stores.manifest import CHECKSUM_LENGTH
from trove_schedules.backups.holding import HELD_FOR
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.text import check_text


def test_our_check_of_a_name_or_description_is_troves(trove):
    for given, taken in trove["accepts"].items():
        name, description = json.loads(given)
        try:
            check_text("name", name)
            if description is not None:
                check_text("description", description)
        except InvalidScheduleError:
            assert not taken, given
        else:
            assert taken, given


def test_control_characters_that_trove_takes_are_refused_by_us(trove):
    assert trove["control_characters"] == {"nightly\n": True, "a\tb": True, "\x1b[2Ja": True}
    for name in trove["control_characters"]:
        with pytest.raises(InvalidScheduleError, match="control characters"):
            check_text("name", name)


def test_a_running_backup_is_told_by_the_words_that_the_workbook_looks_for(trove):
    assert "status was BACKUP" in trove["refusals"]["running"]


@pytest.mark.parametrize("cause", ["down", "task"])
def test_other_refusals_are_not_taken_for_it(trove, cause):
    assert "status was " in trove["refusals"][cause]
    assert "status was BACKUP" not in trove["refusals"][cause]


def test_a_healthy_instance_is_not_refused(trove):
    assert trove["refusals"]["fine"] is None


def test_the_states_of_a_backup_are_those_that_the_workbook_knows(trove):
    assert sorted(trove["states"]["running"]) == ["BUILDING", "NEW", "SAVING"]
    assert {"COMPLETED", "FAILED"} <= set(trove["states"]["end"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("UnprocessableEntity", 422),  # tried again
        ("BadRequest", 400),  # the others are not
        ("Forbidden", 401),
        ("PolicyNotAuthorized", 403),
        ("NotFound", 404),
        ("QuotaExceeded", 413),
    ],
)
def test_refusals_have_the_statuses_that_the_workbook_sorts_by(trove, error, status):
    assert trove["statuses"][error] == status


def test_the_newest_backups_come_first_so_a_running_one_is_in_a_short_list(trove):
    assert trove["backups_order"] == "backups.updated DESC"


def test_a_page_of_backups_is_as_long_as_asked_for_and_begins_at_a_position(trove):
    assert trove["backups_page"] == {"limit": 1000, "offset": 999, "next": 1999}


def test_a_page_of_instances_begins_behind_an_id_so_deleting_one_moves_no_other(trove):
    query = trove["instances_page"]["query"]
    assert "instances.id > " in query.partition("ORDER BY")[0]
    assert query.partition("ORDER BY")[2].split()[0] == "instances.id"
    assert trove["instances_page"]["limit"] == PAGE


def test_a_list_of_instances_tells_what_a_policy_looks_at_and_a_detailed_one_their_birth(trove):
    assert trove["instance_listed"] == {
        # The newest first, although a page is chosen by id.
        "order": ["3", "2", "1"],
        "plain": ["ACTIVE", "mysql", "s"],
        "created": [None, "2026-01-01T00:00:00"],
    }


def test_a_new_name_of_an_instance_shows_in_the_time_of_its_last_change(trove):
    """By that, health knows that an instance may be new to a policy."""
    assert trove["renamed"] == {"name": True, "updated": True}


def test_a_page_of_all_projects_instances_begins_at_a_position_and_has_an_order_of_its_own(trove):
    page = trove["all_instances_page"]
    assert page["order"] == "instances.updated DESC"
    assert (page["limit"], page["offset"], page["next"]) == (100, 99, 199)
    # The newest made first, with whose each is and what it replicates.
    assert page["shown"] == [["i2", "p", 2, "i2"], ["i1", "p", 1, "i1"]]


def test_it_names_what_it_has_not_found_in_the_words_that_are_looked_for(trove):
    assert "11111111-1111-4111-8111-111111111111 cannot be found" in trove["messages"]["missing"]


def test_instances_come_twenty_a_page_with_a_link_as_the_fake_makes_it(trove):
    assert trove["page_sizes"] == {"instances": PAGE, "backups": PAGE}
    (link,) = trove["page"]["links"]
    assert link["rel"] == "next"
    assert link["href"].endswith("/instances?marker=a")


def test_it_answers_so_many_requests_a_minute_as_the_workbooks_lists_take(trove):
    # One for the list, and one for each backup in it: see test_workbook_runs.py.
    assert trove["requests_a_minute"] >= 200


def test_an_instance_from_a_backup_is_asked_for_as_its_schema_has_it(trove):
    assert trove["makes"] == {
        "like_the_source": True,
        "plain": True,
        # What a restore leaves out, and what it refuses before.
        "volume_of_zero": False,
        "network_by_name": False,
        "named_by_255": True,
        "named_by_a_sign": False,
    }


def test_a_backup_tells_its_datastore_where_its_instance_is_gone(trove):
    shown = {"type": "postgresql", "version": "18.6"}
    assert trove["backup_shown"].items() >= shown.items()


def test_a_backup_is_kept_for_longer_than_trove_gives_a_restore(trove):
    assert trove["restore_seconds"] < HELD_FOR.total_seconds()


def test_a_checksum_has_the_length_that_the_guest_tells_it_in(trove):
    assert trove["checksum_length"] == CHECKSUM_LENGTH
