# SPDX-License-Identifier: Apache-2.0
"""Which faults the nights have, and what a morning is held to."""

from __future__ import annotations

from bench.nights.__main__ import NIGHTS, Night, chosen, table
from bench.nights.faults import IN_S3, LATE, MISSED, OK, ON_DISK
from trove_schedules.health import State


def test_there_are_twenty_faults_and_each_has_right_states() -> None:
    faults = [*ON_DISK, *IN_S3]
    assert len({each.name for each in faults}) == 20
    for each in faults:
        for states in (each.orders, each.shop):
            assert states
            # A missing backup is never called fine.
            assert states - OK <= MISSED


def test_the_backups_of_the_first_half_go_to_the_disk_and_of_the_second_to_s3() -> None:
    nights = chosen(NIGHTS)
    assert [store for store, _ in nights] == ["folder"] * 7 + ["S3"] * 7
    assert [store for store, _ in chosen(3)] == ["folder", "folder", "S3"]
    assert [fault for _, fault in chosen(20)] == [*ON_DISK, *IN_S3]


def test_faults_can_be_chosen_by_their_names() -> None:
    assert {fault.name for _, fault in chosen(20, "hangs")} == {
        "Mistral hangs at the due time", "Keystone hangs at the due time"
    }  # fmt: skip


def test_a_late_firing_is_fine_and_a_lost_one_is_told() -> None:
    assert {State.OK, State.LOST, State.FAILED} == LATE


def test_the_table_has_a_line_for_each_night() -> None:
    night = Night(1, "S3", "S3 away", {"orders": "OK", "shop": "FAILED"}, {"orders": 3, "shop": 2})
    night.restored, night.wrong = 5, ["one"]
    cells = [cell.strip() for cell in table([night]).splitlines()[-1].strip("|").split("|")]
    assert cells == ["1", "S3", "S3 away", "OK", "FAILED", "3 + 2", "5", "1"]
    cut = Night(2, "S3", "S3 away")
    assert "? + ?" in table([cut])
