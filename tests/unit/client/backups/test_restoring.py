# SPDX-License-Identifier: Apache-2.0
"""Restores: which backup, what is made, what is asked for, and that it is kept meanwhile."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.mistral_api import RefusedError
from trove_schedules import workbook
from trove_schedules.backups.holding import HELD_FOR
from trove_schedules.errors import (
    AmbiguousNameError,
    BackupNotFoundError,
    InstanceNotFoundError,
    InvalidScheduleError,
    ScheduleNotFoundError,
    ServiceError,
    ServiceUnavailableError,
)
from trove_schedules.schedules.names import marker

NETWORK = "33333333-be9b-49c1-a2f7-ca6c1213896f"
GROUP = "44444444-be9b-49c1-a2f7-ca6c1213896f"
SOURCE = {
    "status": "ACTIVE",
    "flavor": {"id": "7", "links": []},
    "volume": {"size": 5, "used": 1.5},
    "datastore": {"type": "postgresql", "version": "18.6"},
    "addresses": [
        {"address": "203.0.113.7", "type": "public"},
        {"address": "10.0.0.7", "type": "private", "network": NETWORK},
    ],
    "configuration": {"id": GROUP, "name": "g"},
}


@pytest.fixture
def instance(cloud):
    cloud.mistral.add_workflow(cloud.project, name=workbook.HOLD)
    # Five days after the first backup.
    cloud.mistral.rewind(datetime(2026, 1, 6, tzinfo=UTC))
    return cloud.add_instance("m", **SOURCE)


@pytest.fixture
def add(cloud, schedule):
    """Adds a backup of the schedule, of a day at 02:00, which takes a minute."""

    def add(day, *, of=schedule.instance, **values):
        usual = {
            "created": f"2026-01-{day:02}T02:00:00",
            "updated": f"2026-01-{day:02}T02:01:00",
            "description": marker(schedule.id),
        }
        return cloud.add_backup(of, **(usual | values))

    return add


def posts(cloud):
    """What was changed anywhere but in Keystone."""
    return [
        (each.method, each.path.rpartition("/")[2])
        for each in cloud.mock.request_history
        if each.method != "GET" and each.netloc != "keystone.test"
    ]


def holds(cloud):
    rows = cloud.mistral.rows("executions")
    return [each for each in rows if each["workflow_name"] == workbook.HOLD]


def test_the_new_instance_is_like_the_one_that_was_backed_up(cloud, schedules, schedule, add):
    add(1)
    newest = add(2)
    said = []
    restore = schedules.schedule_restore(schedule, "again", report=said.append)
    assert cloud.created == [
        {
            "name": "again",
            "flavorRef": "7",
            "volume": {"size": 5},
            "datastore": {"type": "postgresql", "version": "18.6"},
            "nics": [{"network_id": NETWORK}],
            "configuration": GROUP,
            "restorePoint": {"backupRef": newest},
        }
    ]
    assert restore.backup.id == newest
    assert restore.instance_id == cloud.instances[-1]["id"]
    assert (restore.source, restore.source_exists, restore.missing) == (
        schedule.instance,
        True,
        "",
    )
    [sentence] = said
    assert sentence.startswith(f"restoring backup {newest} of 2026-01-02 02:00:00 UTC; what was ")
    assert "written in the 3 d 22 h from then until 2026-01-06 00:00:0" in sentence


def test_each_property_can_be_given(cloud, schedules, schedule, add):
    add(1)
    other = NETWORK.replace("3", "5")
    schedules.schedule_restore(
        schedule.name,
        "again",
        flavor="8",
        volume_size=9,
        datastore_version="18.7",
        network=other,
        configuration=other,
    )
    [wanted] = cloud.created
    assert (wanted["flavorRef"], wanted["volume"]) == ("8", {"size": 9})
    assert wanted["datastore"] == {"type": "postgresql", "version": "18.7"}
    assert (wanted["nics"], wanted["configuration"]) == ([{"network_id": other}], other)


def test_a_plain_cloud_gets_no_volume_network_and_configuration(cloud, schedules, schedule, add):
    add(1)
    for each in ("volume", "addresses", "configuration"):
        del cloud.instances[0][each]
    schedules.schedule_restore(schedule, "again")
    assert cloud.created[0].keys() == {"name", "flavorRef", "datastore", "restorePoint"}


def test_a_volume_of_zero_is_none(cloud, schedules, schedule, add):
    add(1)
    schedules.schedule_restore(schedule, "again", volume_size=0)
    assert "volume" not in cloud.created[0]


def test_the_version_is_that_of_the_backup_though_the_source_was_upgraded(
    cloud, schedules, schedule, add
):
    add(1, datastore={"type": "postgresql", "version": "17.2", "version_id": "x"})
    schedules.schedule_restore(schedule, "again")
    assert cloud.created[0]["datastore"] == {"type": "postgresql", "version": "17.2"}


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-01-02T02:01:00", 2),
        # It may hold what was written in its last second.
        ("2026-01-02T02:00:59", 1),
        ("2026-01-03 01:00", 2),
        ("2026-01-03T03:01+01:00", 3),
        ("2026-01-03T03:00:59+01:00", 2),
        ("2026-01-03T02:01Z", 3),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), 2),
        (datetime(2026, 1, 2, 3), 2),  # noqa: DTZ001 - one without a zone is UTC
    ],
)
def test_the_newest_backup_that_holds_nothing_of_later_is_chosen(schedules, schedule, add, at, day):
    made = [add(1), add(2), add(3)]
    restore = schedules.schedule_restore(schedule, "again", at=at, dry_run=True)
    assert restore.backup.id == made[day - 1]
    assert restore.lost == restore.until - restore.backup.created


def test_of_two_that_were_begun_in_one_second_the_one_that_ended_last_is_chosen(
    cloud, schedules, schedule, add
):
    first, second = add(1), add(1, updated="2026-01-01T02:01:01")
    cloud.backups.reverse()
    ends = [(None, second), ("2026-01-01T02:01:01", second), ("2026-01-01T02:01", first)]
    for at, chosen in ends:
        restore = schedules.schedule_restore(schedule, "again", at=at, dry_run=True)
        assert restore.backup.id == chosen


def test_a_time_without_an_offset_is_on_the_clocks_of_the_schedule(schedules, schedule, add):
    zone = schedules.schedule_set(schedule, timezone="Asia/Tokyo")
    made = [add(1), add(2), add(3)]
    # 17:01 UTC of the 2nd, nine hours before.
    restore = schedules.schedule_restore(zone, "again", at="2026-01-03T02:01", dry_run=True)
    assert restore.backup.id == made[1]
    assert restore.until == datetime(2026, 1, 2, 17, 1, tzinfo=UTC)
    assert restore.said.endswith("until 2026-01-02 17:01:00 UTC (02:01 JST) is lost")
    assert "2026-01-02 02:00:00 UTC (11:00 JST)" in restore.said
    aware = schedules.schedule_restore(zone, "again", at="2026-01-03T02:01+00:00", dry_run=True)
    assert aware.backup.id == made[2]
    # It is midnight in UTC, and 09:00 there.
    schedules.schedule_restore(zone, "again", at="2026-01-06T08:59", dry_run=True)
    with pytest.raises(InvalidScheduleError, match="2026-01-06 09:01:00 lies in the future"):
        schedules.schedule_restore(zone, "again", at="2026-01-06T09:01", dry_run=True)


def test_what_is_lost_is_told_from_the_begin_of_the_backup_on(schedules, schedule, add):
    add(1)
    restore = schedules.schedule_restore(schedule, "a", at="2026-01-01T05:12", dry_run=True)
    assert restore.lost == timedelta(hours=3, minutes=12)
    assert "in the 3 h 12 min from then until 2026-01-01 05:12:00 UTC" in restore.said


def test_others_backups_and_those_that_are_not_completed_are_none(cloud, schedules, schedule, add):
    mine = add(1)
    add(2, description=None)
    add(2, description=marker("00000000-0000-4000-8000-000000000000"))
    add(2, status="FAILED")
    add(2, status="BUILDING")
    restore = schedules.schedule_restore(schedule, "again", dry_run=True)
    assert restore.backup.id == mine


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("soon", "'soon' is not a time; write it like"),
        ("2026-01-02", "is a day; give a time too, like 2026-01-02T02:00"),
        ("2026-01-06T14:01", "2026-01-06 14:01:00 lies in the future; times are in the schedule's"),
        ("2026-01-06T01:00+00:00", r"2026-01-06 01:00:00\+00:00 lies in the future"),
        ("", "is not a time"),
    ],
)
def test_a_time_that_is_none_is_refused_before_any_request(cloud, schedules, instance, at, told):
    cloud.mock.reset_mock()
    with pytest.raises(InvalidScheduleError, match=told):
        schedules.schedule_restore("nightly", "again", at=at)
    assert cloud.mock.request_history == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": ""}, "the name '' is not one that Trove takes"),
        ({"name": "a\nb"}, "control characters"),
        ({"at": "2026-01-01T03:00", "backup": "b"}, "either a time or a backup"),
        ({"network": "private"}, "the network 'private' is not an ID"),
        ({"configuration": "mine"}, "the configuration 'mine' is not an ID"),
        ({"flavor": ""}, "the flavor is empty"),
        ({"datastore_version": ""}, "the datastore version is empty"),
        ({"volume_size": -1}, "the volume size -1 is not a number of gigabytes"),
    ],
)
def test_bad_input_is_refused_before_any_request(cloud, schedules, instance, given, told):
    cloud.mock.reset_mock()
    with pytest.raises(InvalidScheduleError, match=told):
        schedules.schedule_restore("nightly", **({"name": "again"} | given))
    assert cloud.mock.request_history == []


def test_a_time_before_the_first_backup_names_that(cloud, schedules, schedule, add):
    first = add(1)
    with pytest.raises(BackupNotFoundError, match=rf"the oldest one, {first}, .* 02:01:00 UTC"):
        schedules.schedule_restore(schedule, "again", at="2026-01-01T02:00")
    assert cloud.created == []


def test_a_schedule_without_a_completed_backup_says_so(schedules, schedule, add):
    add(1, status="FAILED")
    with pytest.raises(BackupNotFoundError, match="has no completed backup"):
        schedules.schedule_restore(schedule, "again")


def test_a_backup_can_be_named_if_it_is_of_the_schedule_or_its_instance(
    cloud, schedules, schedule, add
):
    first, _second = add(1), add(2)
    by_hand = cloud.add_backup(schedule.instance)
    for chosen in (first, by_hand):
        restore = schedules.schedule_restore(schedule, "again", backup=chosen, dry_run=True)
        assert restore.backup.id == chosen
    strange = cloud.add_backup(cloud.add_instance("other"))
    with pytest.raises(InvalidScheduleError, match=r"neither of schedule .* nor of its instance"):
        schedules.schedule_restore(schedule, "again", backup=strange)
    with pytest.raises(InvalidScheduleError, match="is FAILED; only one that is COMPLETED"):
        schedules.schedule_restore(schedule, "again", backup=add(3, status="FAILED"))
    with pytest.raises(BackupNotFoundError):
        schedules.schedule_restore(schedule, "again", backup="b")
    assert cloud.created == []


def test_a_name_that_an_instance_has_is_refused_before_anything_changes(
    cloud, schedules, schedule, add
):
    add(1)
    before = posts(cloud)
    with pytest.raises(InvalidScheduleError, match="there is an instance 'm' already"):
        schedules.schedule_restore(schedule, "m")
    assert posts(cloud) == before


def test_a_dry_run_changes_nothing(cloud, schedules, schedule, add):
    add(1)
    before = posts(cloud)
    restore = schedules.schedule_restore(schedule, "again", dry_run=True)
    assert restore.instance_id is None
    assert posts(cloud) == before


def test_an_unknown_name_is_not_found_and_one_of_two_is_ambiguous(schedules, schedule, instance):
    with pytest.raises(ScheduleNotFoundError, match="no backup schedule"):
        schedules.schedule_restore("weekly", "again")
    schedules.schedule_create(instance, "0 3 * * *", schedule.name)
    with pytest.raises(AmbiguousNameError):
        schedules.schedule_restore(schedule.name, "again")


# What is gone


@pytest.fixture
def without_source(cloud, schedule, add):
    """An instance that is gone; its chain of two backups."""
    known = {"datastore": {"type": "postgresql", "version": "18.6", "version_id": "x"}}
    full = add(1, size=1.2, **known)
    increment = add(2, size=0.5, parent_id=full, **known)
    cloud.instances.clear()
    return increment


def test_without_the_source_what_is_missing_is_asked_for_by_name(
    cloud, schedules, schedule, without_source
):
    before = posts(cloud)
    with pytest.raises(InvalidScheduleError, match=r"is gone.*; give its flavor, and the network"):
        schedules.schedule_restore(schedule, "again")
    with pytest.raises(InvalidScheduleError, match=r"; give its flavor$"):
        schedules.schedule_restore(schedule, "again", network=NETWORK)
    assert posts(cloud) == before
    planned = schedules.schedule_restore(schedule, "again", dry_run=True)
    assert planned.missing.startswith("flavor")


def test_without_the_source_the_backup_tells_the_datastore_and_how_much_its_chain_needs(
    cloud, schedules, schedule, without_source
):
    schedules.schedule_restore(schedule, "again", flavor="7")
    assert cloud.created == [
        {
            "name": "again",
            "flavorRef": "7",
            "volume": {"size": 2},
            "datastore": {"type": "postgresql", "version": "18.6"},
            "restorePoint": {"backupRef": without_source},
        }
    ]


def test_a_schedule_that_is_gone_is_restored_by_its_id(cloud, schedules, schedule, add):
    newest = add(1)
    cloud.add_backup(cloud.add_instance("other"))
    schedules.schedule_delete(schedule)
    restore = schedules.schedule_restore(schedule.id, "again")
    assert restore.backup.id == newest
    assert (restore.remark, restore.hold_id) == ("", None), "nothing deletes it"
    with pytest.raises(ScheduleNotFoundError, match="no backup schedule"):
        schedules.schedule_restore(schedule.name, "again")


def test_an_id_of_nothing_is_not_found(schedules, schedule, add):
    add(1)
    with pytest.raises(ScheduleNotFoundError, match=r"neither a backup schedule .* nor a backup"):
        schedules.schedule_restore("00000000-0000-4000-8000-000000000000", "again")


def test_it_is_restored_while_mistral_is_down_and_the_remark_tells(cloud, schedules, schedule, add):
    newest = add(1)

    def refuse(method, path):
        raise RefusedError(503, "down for repairs")

    cloud.mistral.before = refuse
    restore = schedules.schedule_restore(schedule.id, "again")
    assert (restore.backup.id, restore.hold_id) == (newest, None)
    assert restore.remark.startswith("The schedule's retention may delete the backup")
    assert "down for repairs" in restore.remark
    with pytest.raises(ServiceUnavailableError):
        schedules.schedule_restore(schedule.name, "once more")


# Of a policy


@pytest.fixture
def policy(cloud, schedules):
    cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY)
    return schedules.policy_create("fleet", "0 2 * * *", keep_last=1)


@pytest.fixture
def fleet(cloud, policy, instance, add):
    """Two instances and the policy's backups of them, by their names; each has another one too."""
    ids = {"m": instance, "n": cloud.add_instance("n", **SOURCE)}
    made = {name: add(1, of=ids[name], description=marker(policy.id)) for name in ids}
    for each in ids.values():
        add(2, of=each, description=None)
    return ids, made


def gone(cloud, instance):
    cloud.instances[:] = [each for each in cloud.instances if each["id"] != instance]


@pytest.mark.parametrize("given", ["n", "id"])
def test_of_a_policy_the_instance_is_given_by_name_or_id(
    cloud, schedules, schedule, policy, fleet, given
):
    ids, made = fleet
    # A schedule may have the policy's name.
    schedules.schedule_create(ids["m"], "0 3 * * *", policy.name)
    chosen = ids["n"] if given == "id" else given
    restore = schedules.policy_restore(policy.name, "again", instance=chosen)
    assert (restore.schedule_id, restore.source) == (policy.id, ids["n"])
    assert cloud.created[0]["restorePoint"] == {"backupRef": made["n"]}
    [hold] = holds(cloud)
    assert json.loads(hold["input"]) == {"schedule": {"id": policy.id}}
    cloud.instances[-1]["status"] = "ACTIVE"
    assert schedules.schedule_restore_progress(restore).ready
    assert holds(cloud) == []


def test_of_a_policy_a_time_chooses_among_the_backups_of_the_instance(
    schedules, policy, fleet, add
):
    ids, made = fleet
    add(3, of=ids["n"], description=marker(policy.id))
    add(3, of=ids["m"], description=marker(policy.id))
    early = schedules.policy_restore(
        policy.id, "again", instance="n", at="2026-01-02T05:00", dry_run=True
    )
    assert early.backup.id == made["n"]
    told = rf"instance {ids['n']} by policy {policy.id} has no backup .* by 2026-01-01 01:00"
    with pytest.raises(BackupNotFoundError, match=told):
        schedules.policy_restore(policy.id, "again", instance="n", at="2026-01-01T01:00")


def test_of_a_policy_a_backup_tells_the_instance(cloud, schedules, policy, fleet, add):
    ids, made = fleet
    for restore in (schedules.policy_restore, schedules.schedule_restore):
        planned = restore(policy.id, "again", backup=made["n"], dry_run=True)
        assert planned.source == ids["n"]
    by_hand = add(4, of=ids["n"], description=None)
    told = f"backup {by_hand} is not of policy {policy.id}"
    with pytest.raises(InvalidScheduleError, match=told):
        schedules.policy_restore(policy.id, "again", backup=by_hand)
    planned = schedules.policy_restore(
        policy.id, "again", backup=by_hand, instance="n", dry_run=True
    )
    assert planned.backup.id == by_hand
    told = f"backup {made['n']} is of instance {ids['n']}, not of {ids['m']}"
    with pytest.raises(InvalidScheduleError, match=told):
        schedules.policy_restore(policy.id, "again", backup=made["n"], instance="m")
    told = rf"neither of policy {policy.id} nor of its instance {ids['m']}"
    with pytest.raises(InvalidScheduleError, match=told):
        schedules.policy_restore(policy.id, "again", backup=by_hand, instance="m")


def test_of_a_policy_an_instance_or_a_backup_is_needed(cloud, schedules, policy, fleet):
    cloud.mock.reset_mock()
    with pytest.raises(InvalidScheduleError, match="give the one to restore, or its backup"):
        schedules.policy_restore(policy.id, "again", at="2026-01-02T05:00")
    assert cloud.mock.request_history == []
    with pytest.raises(InvalidScheduleError, match="policy restore' takes the one to restore"):
        schedules.schedule_restore(policy.id, "again")


def test_of_a_policy_an_instance_that_is_gone_is_given_by_its_id(cloud, schedules, policy, fleet):
    ids, made = fleet
    gone(cloud, ids["n"])
    restore = schedules.policy_restore(policy, "again", instance=ids["n"], flavor="7")
    assert (restore.backup.id, restore.source_exists) == (made["n"], False)
    with pytest.raises(InstanceNotFoundError) as error:
        schedules.policy_restore(policy, "once more", instance="n")
    told = f"backups: {ids['n']} (newest backup 2026-01-01 02:00:00 UTC)"
    assert str(error.value).endswith(told)


def test_of_a_policy_its_runs_may_know_the_name_of_one_that_is_gone(
    cloud, schedules, policy, fleet
):
    ids, made = fleet
    gone(cloud, ids["n"])
    for output in (
        {"failed": [{"instance": ids["n"], "name": "n", "reason": "No quota."}]},
        {"failed": [{"instance": 1, "name": "n"}, None], "unable": "n"},
    ):
        cloud.mistral.add_execution(
            cloud.project,
            policy.trigger_id,
            workflow_name=workbook.POLICY,
            output=json.dumps(output),
        )
    planned = schedules.policy_restore(policy, "again", instance="n", dry_run=True)
    assert planned.backup.id == made["n"]


def test_of_a_policy_a_name_of_two_is_ambiguous_and_one_of_none_is_not_found(
    cloud, schedules, policy, fleet
):
    cloud.add_instance("n")
    with pytest.raises(AmbiguousNameError, match="2 database instances are or were named 'n'"):
        schedules.policy_restore(policy, "again", instance="n")
    with pytest.raises(InstanceNotFoundError, match="has no backup of one that is gone"):
        schedules.policy_restore(policy, "again", instance="orders")


def test_a_policy_that_is_gone_is_restored_by_its_id(cloud, schedules, policy, fleet):
    _, made = fleet
    schedules.policy_delete(policy)
    restore = schedules.policy_restore(policy.id, "again", instance="n")
    assert (restore.backup.id, restore.hold_id) == (made["n"], None)
    told = "are those of a policy, of several instances; 'openstack database backup policy restore'"
    with pytest.raises(InvalidScheduleError, match=told):
        schedules.schedule_restore(policy.id, "again")
    with pytest.raises(ScheduleNotFoundError, match="no backup policy"):
        schedules.policy_restore(policy.name, "again", instance="n")
    with pytest.raises(ScheduleNotFoundError, match=r"neither a backup policy .* nor a backup"):
        schedules.policy_restore("00000000-0000-4000-8000-000000000000", "again", instance="n")


# What is kept


@pytest.fixture
def keeping(schedules, schedule):
    return schedules.schedule_set(schedule, keep_last=1)


def test_while_it_is_restored_nothing_of_the_schedule_is_deleted(cloud, schedules, keeping, add):
    made = [add(1), add(2), add(3)]
    restore = schedules.schedule_restore(keeping, "again", at="2026-01-02T05:00")
    [hold] = holds(cloud)
    assert (hold["id"], hold["state"]) == (restore.hold_id, "PAUSED")
    assert json.loads(hold["input"]) == {"schedule": {"id": keeping.id}}
    assert keeping.id in hold["description"], "where the workbook looks for it"
    assert posts(cloud)[-2:] == [("POST", "executions"), ("POST", "instances")]

    verdicts = schedules.schedule_prune(keeping, dry_run=True)
    assert [each.expired for each in verdicts] == [False, False, False]
    assert verdicts[1].reason == "a restore may be reading it"

    building = schedules.schedule_restore_progress(restore)
    assert (building.status, building.ended) == ("BUILD", False)
    assert holds(cloud) == [hold]
    cloud.instances[-1]["status"] = "ACTIVE"
    assert schedules.schedule_restore_progress(restore).ready
    assert holds(cloud) == []
    expired = [each.backup.id for each in schedules.schedule_prune(keeping) if each.expired]
    assert expired == [made[1], made[0]]


def test_the_hold_of_another_schedule_keeps_nothing(cloud, schedules, keeping, add, instance):
    add(1), add(2)
    other = schedules.schedule_create(instance, "0 3 * * *", "other", keep_last=1)
    add(3, description=marker(other.id))
    schedules.schedule_restore(other, "again")
    assert len(holds(cloud)) == 1
    assert [each.expired for each in schedules.schedule_prune(keeping)] == [False, True]


def test_a_hold_that_nobody_has_ended_is_over_after_six_hours(cloud, schedules, keeping, add):
    add(1), add(2)
    schedules.schedule_restore(keeping, "again")
    cloud.mistral.wait(seconds=HELD_FOR.total_seconds() + 1)
    assert [each.expired for each in schedules.schedule_prune(keeping, dry_run=True)] == [
        False,
        True,
    ]
    left = holds(cloud)
    schedules.schedule_restore(keeping, "once more")
    assert len(holds(cloud)) == 1
    assert holds(cloud) != left


def test_whatever_rule_may_delete_the_backup_it_is_kept(cloud, schedules, schedule, add):
    add(1)
    schedules.schedule_set(schedule, keep_weekly=1)
    assert schedules.schedule_restore(schedule.id, "again").hold_id is not None
    assert len(holds(cloud)) == 1


def test_a_schedule_that_keeps_everything_needs_no_hold(cloud, schedules, schedule, add):
    add(1)
    assert schedules.schedule_restore(schedule, "again").hold_id is None
    assert holds(cloud) == []


def test_where_an_older_workbook_can_not_keep_it_the_restore_goes_on_and_says_so(
    cloud, schedules, keeping, add
):
    add(1)
    cloud.mistral.remove("workflows", cloud.mistral.rows("workflows")[-1])
    restore = schedules.schedule_restore(keeping, "again")
    assert restore.instance_id is not None
    assert "can't be told to keep it: Mistral has no workflow 'trove.backup_hold'" in restore.remark


def test_what_trove_refuses_leaves_no_hold(cloud, schedules, keeping, add):
    add(1)
    cloud.refusal = (400, "Flavor 7 could not be found.")
    with pytest.raises(ServiceError, match=r"create instance again failed: Flavor 7 could not"):
        schedules.schedule_restore(keeping, "again")
    assert holds(cloud) == []


def test_a_failed_instance_tells_why_and_its_backup_is_kept_no_more(cloud, schedules, keeping, add):
    add(1)
    restore = schedules.schedule_restore(keeping, "again")
    cloud.instances[-1] |= {"status": "ERROR", "fault": {"message": "disk is\nfull"}}
    found = schedules.schedule_restore_progress(restore)
    assert (found.failed, found.fault) == (True, "disk is full")
    assert holds(cloud) == []


def test_one_that_somebody_deletes_is_not_found(cloud, schedules, keeping, add):
    add(1)
    restore = schedules.schedule_restore(keeping, "again")
    cloud.instances.pop()
    with pytest.raises(InstanceNotFoundError, match="somebody has deleted"):
        schedules.schedule_restore_progress(restore)
    assert holds(cloud) == []


def test_a_hold_that_can_not_be_ended_now_is_no_error(cloud, schedules, keeping, add):
    add(1)
    restore = schedules.schedule_restore(keeping, "again")
    cloud.instances[-1] |= SOURCE

    def refuse(method, path):
        raise RefusedError(503, "down")

    cloud.mistral.before = refuse
    made = schedules.schedule_restore_progress(restore)
    assert (made.addresses, made.usual_port) == (("203.0.113.7", "10.0.0.7"), 5432)
