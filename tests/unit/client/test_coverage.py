# SPDX-License-Identifier: Apache-2.0
"""Coverage: each instance, what protects it, and in how few requests that is known."""

import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.unit.client.fake_cloud import use_clock
from tests.unit.client.rows import add_schedule, id_of
from trove_schedules import workbook
from trove_schedules.coverage import Cover
from trove_schedules.errors import InvalidScheduleError, ServiceUnavailableError
from trove_schedules.schedules.names import marker

NOW = datetime.now(UTC).replace(microsecond=0)
GONE = "00000000-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    use_clock(monkeypatch, lambda: NOW, ["lists"])


def ago(**time):
    return f"{NOW - timedelta(**time):%Y-%m-%dT%H:%M:%S}"


def one(found, instance):
    [row] = [each for each in found if each.instance == instance]
    return row


def add_drill(cloud, instance, schedule, **values):
    given = {"instance": instance, "schedule": {"id": schedule}}
    return cloud.mistral.add_execution(
        cloud.project, "t", workflow_name=workbook.DRILL, input=json.dumps(given),
        **({"output": '{"status": "Drill passed: restored", "backup_id": "b"}'} | values),
    )  # fmt: skip


def test_an_instance_without_a_schedule_is_unprotected_and_comes_first(cloud, schedules):
    covered, forgotten = cloud.add_instance("a"), cloud.add_instance("b")
    row = add_schedule(cloud, covered)
    found = schedules.coverage()
    assert [(each.instance, each.state) for each in found] == [
        (forgotten, Cover.UNPROTECTED),
        (covered, Cover.PROTECTED),
    ]
    assert [each.id for each in found[1].schedules] == [id_of(row)]
    assert found[0].reason == "no schedule or policy backs it up; no backup"
    assert found[1].reason == "no backup yet"
    assert {each.project_id for each in found} == {cloud.project}


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("its schedule", ""),
        ("by hand", ", by hand"),
        ("an increment", ", by hand"),
        ("another schedule", f", by {GONE}, which doesn't back it up now"),
    ],
)
def test_the_newest_completed_backup_counts_whoever_made_it(cloud, schedules, origin, told):
    instance = cloud.add_instance("m")
    row = add_schedule(cloud, instance)
    old = cloud.add_backup(instance, created=ago(days=4))
    description = {"its schedule": marker(id_of(row)), "another schedule": f"x {marker(GONE)}"}
    newest = cloud.add_backup(
        instance,
        created=ago(days=3, hours=2),
        description=description.get(origin),
        parent_id=old if origin == "an increment" else None,
    )
    cloud.add_backup(instance, "FAILED", created=ago(hours=1))
    cloud.add_backup(instance, "BUILDING", created=ago(minutes=1))
    cloud.add_backup(cloud.add_instance("other"), created=ago(minutes=1))
    found = one(schedules.coverage(), instance)
    assert found.backup.id == newest
    assert found.reason == f"last backup 3 d 2 h ago{told}"
    assert found.age == pytest.approx(timedelta(days=3, hours=2).total_seconds(), abs=60)


@pytest.mark.parametrize(
    ("age", "state"), [({"hours": 25}, Cover.PROTECTED), ({"hours": 27}, Cover.STALE)]
)
def test_a_backup_that_is_too_old_is_stale(cloud, schedules, age, state):
    instance = cloud.add_instance("m")
    add_schedule(cloud, instance)
    cloud.add_backup(instance, created=ago(**age))
    found = one(schedules.coverage(max_age=timedelta(hours=26)), instance)
    assert found.state == state
    assert found.reason.endswith(", more than 26 h") == (state == Cover.STALE)
    assert one(schedules.coverage(), instance).state == Cover.PROTECTED


@pytest.mark.parametrize(
    ("age", "state"), [({"hours": 25}, Cover.PROTECTED), ({"hours": 27}, Cover.STALE)]
)
def test_without_a_backup_the_schedule_s_age_counts(cloud, schedules, age, state):
    instance = cloud.add_instance("m")
    add_schedule(cloud, instance, created_at=ago(**age).replace("T", " "))
    found = one(schedules.coverage(max_age=timedelta(hours=26)), instance)
    assert found.state == state
    if state == Cover.STALE:
        assert found.reason == "no backup, and it has been due for 27 h"


def test_a_backup_by_hand_protects_nothing_for_tomorrow(cloud, schedules):
    instance = cloud.add_instance("m")
    cloud.add_backup(instance, created=ago(hours=3, minutes=5))
    found = one(schedules.coverage(max_age=timedelta(hours=26)), instance)
    assert found.state == Cover.UNPROTECTED
    assert found.reason == "no schedule or policy backs it up; last backup 3 h 5 min ago, by hand"


def test_paused_schedules_protect_only_beside_one_that_runs(cloud, schedules):
    instance = cloud.add_instance("m")
    add_schedule(cloud, instance, next_execution_time="9999-12-31 23:59:00")
    found = one(schedules.coverage(max_age=timedelta(hours=1)), instance)
    assert found.state == Cover.PAUSED
    assert found.reason == "all its schedules and policies are paused; no backup yet"
    add_schedule(cloud, instance)
    found = one(schedules.coverage(), instance)
    assert found.state == Cover.PROTECTED
    assert [each.paused for each in found.schedules] == [False, True]


def test_a_replica_is_said_to_be_one_unless_it_has_a_schedule(cloud, schedules):
    first = cloud.add_instance("m")
    replica = cloud.add_instance("r", replica_of={"id": first, "links": []})
    found = one(schedules.coverage(), replica)
    assert (found.state, found.reason) == (Cover.REPLICA, f"replica of {first}")
    assert found.replica_of == first
    add_schedule(cloud, replica)
    assert one(schedules.coverage(), replica).state == Cover.PROTECTED


def test_what_is_excluded_is_said_to_be(cloud, schedules):
    by_name, by_id = cloud.add_instance("test-1"), cloud.add_instance("m")
    drill = cloud.add_instance(f"trove-drill-{uuid.uuid4()}-{uuid.uuid4()}")
    other = cloud.add_instance("trove-drill-of-mine")
    found = schedules.coverage(exclude=["test-*", by_id])
    assert found[0].instance == other
    told = {each.instance: (each.state, each.reason) for each in found}
    assert told == {
        other: (Cover.UNPROTECTED, "no schedule or policy backs it up; no backup"),
        by_name: (Cover.EXCLUDED, "excluded by test-*"),
        by_id: (Cover.EXCLUDED, f"excluded by {by_id}"),
        drill: (Cover.EXCLUDED, "temporary instance of a drill"),
    }


def test_the_newest_drill_that_passed_proves_whichever_schedule_it_was_of(cloud, schedules):
    instance, other = cloud.add_instance("m"), cloud.add_instance("n")
    add_drill(cloud, instance, GONE, created_at=ago(days=9).replace("T", " "))
    add_drill(cloud, instance, str(uuid.uuid4()), created_at=ago(days=2).replace("T", " "))
    add_drill(
        cloud, instance, GONE, state="ERROR", output="{}", created_at=ago(days=1).replace("T", " ")
    )
    found = one(schedules.coverage(), instance)
    assert (found.last_proven, found.proven_backup) == (NOW - timedelta(days=2), "b")
    assert one(schedules.coverage(), other).last_proven is None


def add_policy(cloud, project=None, *, schedule=None, name="nightly", **selection):
    schedule = {"id": str(uuid.uuid4())} | (schedule or {})
    given = {"name": name, "schedule": schedule, "selection": selection}
    return cloud.mistral.add_trigger(
        project or cloud.project,
        f"trove-policy:*:{schedule['id']}:1",
        workflow_name=workbook.POLICY,
        workflow_input=json.dumps(given),
    )


class TestPolicies:
    def test_an_instance_that_a_policy_takes_is_protected_by_it(self, cloud, schedules):
        taken, other = cloud.add_instance("db-1", status="ACTIVE"), cloud.add_instance("other")
        row = add_policy(cloud, match=["db-*"])
        cloud.add_backup(taken, created=ago(hours=1), description=marker(id_of(row)))
        found = one(schedules.coverage(), taken)
        assert (found.state, found.reason) == (Cover.PROTECTED, "last backup 60 min ago")
        assert [each.id for each in found.policies] == [id_of(row)]
        assert found.schedules == ()
        left = one(schedules.coverage(), other)
        assert (left.state, left.policies) == (Cover.UNPROTECTED, ())

    def test_one_that_can_t_be_backed_up_now_is_its_all_the_same(self, cloud, schedules):
        instance = cloud.add_instance("db-1", status="SHUTDOWN")
        add_policy(cloud)
        assert one(schedules.coverage(), instance).state == Cover.PROTECTED

    def test_what_a_policy_excludes_on_purpose_is_said_to_be(self, cloud, schedules):
        excluded = cloud.add_instance("test-1")
        add_policy(cloud, exclude=["test-*"])
        found = one(schedules.coverage(), excluded)
        assert (found.state, found.reason) == (Cover.EXCLUDED, "excluded by policy nightly")
        add_schedule(cloud, excluded)
        assert one(schedules.coverage(), excluded).state == Cover.PROTECTED

    def test_a_paused_policy_protects_nothing(self, cloud, schedules):
        instance = cloud.add_instance("db-1")
        row = add_policy(cloud)
        cloud.mistral.change("cron_triggers", row, next_execution_time="9999-12-31 23:59:00")
        assert one(schedules.coverage(), instance).state == Cover.PAUSED

    def test_a_replica_is_taken_only_where_the_policy_says_so(self, cloud, schedules):
        replica = cloud.add_instance("r", replica_of={"id": GONE})
        add_policy(cloud)
        assert one(schedules.coverage(), replica).state == Cover.REPLICA
        add_policy(cloud, replicas=True)
        assert one(schedules.coverage(), replica).state == Cover.PROTECTED

    def test_without_a_backup_the_policy_s_age_counts_or_the_instance_s(self, cloud, schedules):
        owed = {"owed_since": f"{ago(days=9)}+00:00"}
        add_policy(cloud, schedule=owed)
        instance = cloud.add_instance("db-1")
        found = one(schedules.coverage(max_age=timedelta(hours=26)), instance)
        assert (found.state, found.reason) == (
            Cover.STALE, "no backup, and it has been due for 9 d",
        )  # fmt: skip

    def test_a_policy_of_another_project_protects_nothing(self, cloud):
        instance = cloud.add_instance("m", tenant_id="theirs")
        add_policy(cloud, "mine")
        overview = cloud.schedules(admin=True).overview()
        assert one(overview.coverage(), instance).state == Cover.UNPROTECTED
        add_policy(cloud, "theirs")
        assert one(overview.coverage(), instance).state == Cover.PROTECTED


def test_a_schedule_of_another_project_protects_nothing(cloud):
    instance = cloud.add_instance("m", tenant_id="theirs")
    add_schedule(cloud, instance, project="mine")
    overview = cloud.schedules(admin=True).overview()
    assert one(overview.coverage(), instance).state == Cover.UNPROTECTED
    add_schedule(cloud, instance, project="theirs")
    assert one(overview.coverage(), instance).state == Cover.PROTECTED


def test_three_hundred_instances_of_five_projects_cost_a_request_a_page(cloud):
    for n in range(300):
        instance = cloud.add_instance(f"m{n}", tenant_id=f"p{n % 5}", updated=ago(minutes=n))
        if n % 3:
            add_schedule(cloud, instance, project=f"p{n % 5}")
            cloud.add_backup(instance, created=ago(hours=n % 24))
    schedules = cloud.schedules(admin=True)
    found = schedules.overview().coverage(max_age=timedelta(hours=26))
    assert [each.state for each in found] == [Cover.UNPROTECTED] * 100 + [Cover.PROTECTED] * 200
    assert [each.project_id for each in found[:100]] == [f"p{n // 20}" for n in range(100)]
    assert cloud.trove_paths() == ["mgmt/instances"] * 5 + ["backups"]
    assert len(cloud.mistral.requests) == 3


def test_while_mistral_is_down_nothing_is_called_unprotected(cloud, schedules, instance):
    del instance

    def down(method, path):
        raise requests.exceptions.ConnectionError

    cloud.mistral.before = down
    with pytest.raises(ServiceUnavailableError) as caught:
        schedules.coverage()
    assert caught.value.service == "Mistral"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_age": timedelta(0)}, "max_age can't be .*; give a datetime.timedelta above 0"),
        ({"exclude": "test-*"}, "exclude can't be 'test-\\*'; give a list of patterns"),
    ],
)
def test_wrong_arguments_are_refused_before_any_request(cloud, schedules, given, told):
    with pytest.raises(InvalidScheduleError, match=told):
        schedules.coverage(**given)
    assert cloud.mock.request_history == []


def test_health_and_coverage_at_one_moment_read_each_list_once(cloud, schedules):
    for number in range(5):
        add_schedule(cloud, cloud.add_instance(f"m{number}"))

    def asked(*questions):
        before = len(cloud.mock.request_history)
        answers = [question() for question in questions]
        made = Counter(each.url for each in cloud.mock.request_history[before:])
        return answers, made

    one_by_one, requests = asked(
        schedules.coverage, schedules.schedule_health, schedules.instance_names
    )
    now = schedules.snapshot()
    at_once, fewer = asked(now.coverage, now.schedule_health, now.instance_names)
    assert at_once == one_by_one
    assert (requests.total(), fewer.total()) == (12, 6)
    assert set(fewer.values()) == {1}
