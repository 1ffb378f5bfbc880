# SPDX-License-Identifier: Apache-2.0
"""Names of triggers and the marker of backups."""

import pytest
from hypothesis import given, strategies as st

from trove_schedules.ids import is_uuid
from trove_schedules.schedules.names import (
    BACKUP,
    DRILL,
    EVERY,
    POLICY,
    TRIAL,
    TriggerName,
    is_temporary,
    marker,
    new_schedule_id,
)

INSTANCE = "5328f62a-d999-4be3-90bb-83cc6af4469c"
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"

uuids = st.uuids().map(str)


@given(
    number=st.integers(1, 10**6),
    schedule=uuids,
    instance=uuids,
    kind=st.sampled_from((BACKUP, DRILL, TRIAL)),
)
def test_a_written_name_reads_back(number, schedule, instance, kind):
    name = TriggerName(number, schedule, instance, kind)
    assert TriggerName.parse(str(name)) == name
    assert len(str(name)) <= 200


@given(number=st.integers(1, 10**6), schedule=uuids)
def test_a_policy_s_name_reads_back(number, schedule):
    name = TriggerName(number, schedule, EVERY, POLICY)
    assert str(name) == f"trove-policy:*:{schedule}:{number}"
    assert TriggerName.parse(str(name)) == name


def test_an_instance_of_a_drill_is_known_by_its_name():
    assert is_temporary(f"trove-drill-{SCHEDULE}-{INSTANCE}")
    assert not is_temporary(f"trove-drill-{SCHEDULE}")
    assert not is_temporary(f"my-trove-drill-{SCHEDULE}-{INSTANCE}")


def test_a_bare_uuid_is_a_schedule_of_python_troveclient():
    assert TriggerName.parse(SCHEDULE) == TriggerName(0, SCHEDULE, None)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nightly",
        SCHEDULE.upper(),
        SCHEDULE + "\n",
        SCHEDULE.replace("-", ""),
        f"trove-backup:{INSTANCE}:{SCHEDULE}",
        f"trove-backup:{INSTANCE}:{SCHEDULE}:0",
        f"trove-backup:{INSTANCE}:{SCHEDULE}:01",
        f"trove-backup:{INSTANCE}:{SCHEDULE}:-1",
        f"trove-backup:{INSTANCE}:{SCHEDULE}:1 ",
        f"trove-backup:{INSTANCE}:{SCHEDULE}:\N{ARABIC-INDIC DIGIT ONE}",
        f"x-trove-backup:{INSTANCE}:{SCHEDULE}:1",
        f"trove-backup::{SCHEDULE}:1",
        f"trove-backup:*:{SCHEDULE}:1",
        f"trove-policy:{INSTANCE}:{SCHEDULE}:1",
        f"trove-policy::{SCHEDULE}:1",
    ],
)
def test_any_other_name_is_no_schedules(name):
    assert TriggerName.parse(name) is None


@given(st.text())
def test_no_name_is_too_strange_to_read(name):
    parsed = TriggerName.parse(name)
    assert parsed is None or is_uuid(parsed.schedule)


@given(st.lists(st.builds(TriggerName, st.integers(1, 9), st.just(SCHEDULE), uuids), min_size=2))
def test_of_the_names_of_a_schedule_the_highest_generation_is_greatest(names):
    assert max(names).number == max(name.number for name in names)


def test_generations_are_compared_as_numbers():
    def name(generation):
        return TriggerName.parse(f"trove-backup:{INSTANCE}:{SCHEDULE}:{generation}")

    assert name(10) > name(9) > TriggerName.parse(SCHEDULE)


def test_new_schedule_ids_are_uuids_and_differ():
    ids = {new_schedule_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(map(is_uuid, ids))


def test_the_marker_names_the_schedule():
    assert marker(SCHEDULE) == f"[schedule {SCHEDULE}]"
