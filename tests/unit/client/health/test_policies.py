# SPDX-License-Identifier: Apache-2.0
"""The health of policies: a new instance, a deleted one, and in how few requests."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import requests_mock

from tests.unit.client.rows import UNKNOWN
from trove_schedules import clock, workbook
from trove_schedules.drills import proofs
from trove_schedules.errors import ScheduleNotFoundError, ServiceError
from trove_schedules.health import Limits, State
from trove_schedules.schedules.names import marker

NOW = datetime.now(UTC).replace(microsecond=0)
#: Every policy here is due each hour.
DUE = (NOW - timedelta(minutes=3)).replace(minute=0, second=0)
LONG_AGO = NOW - timedelta(days=9)


@pytest.fixture(autouse=True)
def _moment(monkeypatch):
    """It is still now when an hour begins between the tests' collection and this one."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def written(time, form="%Y-%m-%dT%H:%M:%S"):
    return f"{time:{form}}"


class Fleet:
    """A policy in the fake cloud, with instances, backups and runs."""

    def __init__(self, cloud, *, selection=None, past=None, **values):
        self.cloud, self.id = cloud, str(uuid.uuid4())
        kept = {"id": self.id} | (past or {})
        given = {"name": "nightly", "schedule": kept, "selection": selection or {}}
        self.trigger = cloud.mistral.add_trigger(
            cloud.project,
            f"trove-policy:*:{self.id}:1",
            **(
                {
                    "workflow_name": workbook.POLICY,
                    "workflow_input": json.dumps(given),
                    "pattern": "0 * * * *",
                    "created_at": written(LONG_AGO),
                    "next_execution_time": written(NOW + timedelta(hours=1)),
                }
                | values
            ),
        )

    def add(self, name, *, backup=DUE, created=LONG_AGO, **values):
        """An instance, and its newest backup, begun soon after this time."""
        instance = self.cloud.add_instance(
            name, **({"status": "ACTIVE", "created": written(created)} | values)
        )
        if backup is not None:
            self.add_backup(instance, backup)
        return instance

    def add_backup(self, instance, due, **values):
        begun = written(due + timedelta(seconds=30))
        return self.cloud.add_backup(
            instance, description=marker(self.id), created=begun, updated=begun, **values
        )

    def ran(self, at=DUE, **values):
        """A run of the policy."""
        return self.cloud.mistral.add_execution(
            self.cloud.project,
            self.trigger["id"],
            workflow_name=workbook.POLICY,
            created_at=written(at),
            updated_at=written(at),
            **values,
        )

    def part(self, run, instance, at=DUE, **values):
        """The run of one instance in it."""
        given = {"instance": instance, "schedule": {"id": self.id}}
        return self.cloud.mistral.add_execution(
            self.cloud.project,
            description="",
            input=given,
            root_execution_id=run["id"],
            created_at=written(at),
            updated_at=written(at),
            **values,
        )

    def drill(self, instance, at, *, passed=True):
        """A drill of one instance by the policy, that ended then."""
        output = {"status": "Drill passed: backup b restored in 9 s", "backup_id": "b"}
        return self.cloud.mistral.add_execution(
            self.cloud.project,
            description="",
            workflow_name=workbook.DRILL,
            input={"instance": instance, "schedule": {"id": self.id}},
            state="SUCCESS" if passed else "ERROR",
            output=output if passed else {},
            created_at=written(at),
            updated_at=written(at),
        )

    def health(self, **values):
        [found] = self.cloud.schedules().policy_health(**values)
        return found

    def states(self, **values):
        return {each.instance_name: each.state for each in self.health(**values).instances}


@pytest.fixture
def fleet(cloud):
    return Fleet(cloud)


class TestInstances:
    def test_each_is_judged_by_its_own_backups(self, fleet):
        fleet.add("good")
        fleet.add("bad", backup=DUE - timedelta(hours=2))
        found = fleet.health()
        assert [(each.instance_name, each.state, each.missed) for each in found.instances] == [
            ("bad", State.LOST, 2),
            ("good", State.OK, 0),
        ]
        assert {each.schedule_id for each in found.instances} == {fleet.id}
        assert found.state == State.LOST
        assert found.reason.startswith("2 instances: 1 LOST, 1 OK (bad)")

    def test_a_new_one_owes_nothing_before_its_birth(self, fleet):
        fleet.add("old")
        fleet.add("new", backup=None, created=DUE + timedelta(minutes=1))
        assert fleet.states() == {"old": State.OK, "new": State.PENDING}
        assert fleet.health().state == State.OK or fleet.health().state == State.PENDING

    def test_one_that_has_lived_through_a_due_time_owes_its_backup(self, fleet):
        fleet.add("new", backup=None, created=DUE - timedelta(minutes=1))
        assert fleet.states() == {"new": State.LOST}

    def test_what_it_leaves_on_purpose_is_not_judged(self, cloud):
        fleet = Fleet(cloud, selection={"match": ["db-*"]})
        fleet.add("db-1")
        fleet.add("test", backup=None)
        fleet.add("db-2", backup=None, replica_of={"id": UNKNOWN})
        assert fleet.states() == {"db-1": State.OK}

    def test_one_that_can_t_be_backed_up_is_owed_all_the_same(self, fleet):
        fleet.add("down", backup=None, status="SHUTDOWN")
        [found] = fleet.health().instances
        assert found.state == State.LOST
        assert found.reason.endswith("it can't be backed up now: status SHUTDOWN")

    def test_an_age_of_the_caller_s_is_told(self, fleet):
        fleet.add("db-1")
        limits = Limits(max_age=timedelta(minutes=1))
        assert fleet.states(limits=limits) == {"db-1": State.STALE}


class TestGone:
    @pytest.mark.parametrize(("hours", "told"), [(0, True), (1, True), (2, False), (300, False)])
    def test_a_deleted_one_is_named_once_and_forgotten(self, fleet, hours, told):
        fleet.add("good")
        gone = str(uuid.uuid4())
        fleet.add_backup(gone, DUE - timedelta(hours=hours))
        found = fleet.health()
        assert found.gone == ((gone,) if told else ())
        assert (f"instance {gone} is gone; its backups stay" in found.reason) is told
        assert found.state == State.OK
        assert len(found.instances) == 1

    def test_one_of_another_schedule_is_none_of_it(self, cloud, fleet):
        fleet.add("good")
        cloud.add_backup(str(uuid.uuid4()), created=written(DUE))
        assert fleet.health().gone == ()


class TestWhy:
    """What the executions explain: the policy's, and their parts."""

    def test_an_instance_s_own_run_tells(self, fleet):
        first, second = (fleet.add(name, backup=None) for name in ("db-1", "db-2"))
        run = fleet.ran(state="ERROR", state_info="2 of 2 failed")
        fleet.part(run, first, state="ERROR", state_info="disk full")
        fleet.part(run, second, state="ERROR", state_info="no such thing")
        told = {each.instance_name: each.reason for each in fleet.health().instances}
        assert told["db-1"].startswith("disk full; no backup for ")
        assert told["db-2"].startswith("no such thing; no backup for ")

    def test_the_policy_s_run_tells_where_it_never_came_to_an_instance(self, fleet):
        fleet.add("db-1", backup=None)
        # Its output as it is then: no status, and counts of nothing.
        counts = {"taken": 0, "failed": 0, "not_reached": 0}
        output = {"status": None, "counts": counts}
        fleet.ran(state="ERROR", state_info="Trove is down", output=output)
        [found] = fleet.health().instances
        assert (found.state, found.reason[:14]) == (State.FAILED, "Trove is down;")

    def test_what_it_could_not_back_up_it_has_said(self, fleet):
        instance = fleet.add("db-1", backup=None)
        unable = [{"instance": instance, "name": "db-1", "reason": "status BUILD"}]
        status = "Backed up 0 of 1, 1 can't be backed up now"
        output = {"status": status, "counts": {"unable": 1}, "unable": unable}
        fleet.ran(state="ERROR", output=output)
        [found] = fleet.health().instances
        assert found.reason.startswith("status BUILD; no backup for ")

    def test_what_it_did_not_take_then_is_said(self, fleet):
        fleet.add("renamed", backup=None)
        fleet.ran(output={"status": "Backed up 1 of 1", "counts": {"taken": 1}})
        [found] = fleet.health().instances
        assert found.state == State.STALE
        assert found.reason.startswith("the policy did not take it then")

    @pytest.mark.parametrize(
        ("changed", "state"),
        [(timedelta(minutes=2), State.PENDING), (-timedelta(minutes=2), State.STALE)],
    )
    def test_one_that_is_renamed_into_the_match_owes_nothing_before(self, fleet, changed, state):
        fleet.add("good")
        fleet.add("renamed", backup=None, updated=written(DUE + changed))
        fleet.ran(output={"status": "Backed up 1 of 1", "counts": {"taken": 1}})
        assert fleet.states() == {"renamed": state, "good": State.OK}

    def test_nor_one_that_a_change_of_the_policy_takes(self, cloud):
        earlier = str(uuid.uuid4())
        owed_since = written(LONG_AGO, "%Y-%m-%dT%H:%M:%S+00:00")
        past = {"owed_since": owed_since, "earlier": [earlier]}
        fleet = Fleet(cloud, past=past, created_at=written(DUE + timedelta(minutes=1)))
        fleet.add("newly-matched", backup=None, updated=written(LONG_AGO))
        cloud.mistral.add_execution(
            cloud.project,
            earlier,
            workflow_name=workbook.POLICY,
            created_at=written(DUE),
            updated_at=written(DUE),
            output={"status": "Backed up 1 of 1", "counts": {"taken": 1}},
        )
        assert fleet.states() == {"newly-matched": State.PENDING}

    def test_one_that_had_backups_by_the_policy_is_owed_more(self, fleet):
        renamed = DUE + timedelta(minutes=2)
        fleet.add("back", backup=DUE - timedelta(hours=5), updated=written(renamed))
        fleet.ran(output={"status": "Backed up 1 of 1", "counts": {"taken": 1}})
        assert fleet.states() == {"back": State.STALE}

    def test_one_of_more_than_a_run_could_name_is_owed_its_backup(self, fleet):
        fleet.add("down", backup=None, status="ERROR", updated=written(NOW))
        unable = [{"instance": str(uuid.uuid4()), "name": "x", "reason": "status ERROR"}]
        output = {"status": "Backed up 0 of 2", "counts": {"unable": 2}, "unable": unable}
        fleet.ran(state="ERROR", output=output)
        [found] = fleet.health().instances
        assert found.state == State.STALE
        assert found.reason.startswith("the policy's run names only some")

    def test_a_run_may_come_to_an_instance_for_an_hour(self, cloud, monkeypatch, fleet):
        fleet.add("db-1", backup=None, created=DUE - timedelta(minutes=1))
        fleet.ran(NOW - timedelta(minutes=50) if NOW - timedelta(minutes=50) > DUE else DUE,
                  state="RUNNING", output={})  # fmt: skip
        assert fleet.states() == {"db-1": State.RUNNING}

    def test_what_was_not_reached_is_counted_with_what_to_change(self, fleet):
        run = fleet.ran(output={"status": "Backed up 1 of 3", "counts": {"not_reached": 2}})
        fleet.add("db-1", backup=None)
        begun = fleet.add("db-2", backup=None)
        fleet.part(run, begun, output={"status": "Skipped: not reached"})
        fleet.add("db-3")
        found = fleet.health()
        assert found.not_reached == 2
        assert "the run had no time for 2 of 3 instances" in found.reason
        assert "give it more attempts, or divide it into policies" in found.reason

    def test_further_attempts_that_had_nothing_to_do_hide_nothing(self, fleet):
        instance = fleet.add("db-1", backup=None)
        run = fleet.ran(state="ERROR", state_info="1 of 1 failed")
        fleet.part(run, instance, state="ERROR", state_info="disk full")
        fleet.ran(
            DUE + timedelta(seconds=90),
            output={"status": "Skipped: nothing was due", "counts": {"taken": 1}},
        )
        [found] = fleet.health().instances
        assert found.reason.startswith("disk full;")

    def test_no_run_at_all_is_lost(self, fleet):
        fleet.add("db-1", backup=None)
        assert fleet.states() == {"db-1": State.LOST}


class TestWhole:
    def test_one_that_takes_nothing_says_so(self, fleet):
        found = fleet.health()
        assert (found.state, found.instances) == (State.PENDING, ())
        assert found.reason == "it takes none of the project's 0 instances"

    def test_a_paused_one_owes_nothing(self, cloud):
        fleet = Fleet(cloud, next_execution_time="9999-12-31 23:59:00")
        fleet.add("db-1", backup=None)
        fleet.add_backup(str(uuid.uuid4()), DUE)
        found = fleet.health()
        assert (found.state, found.gone) == (State.PAUSED, ())
        assert [each.state for each in found.instances] == [State.PAUSED]

    def test_one_that_mistral_does_not_fire_is_overdue(self, cloud):
        fleet = Fleet(cloud, next_execution_time=written(NOW - timedelta(minutes=30)))
        fleet.add("db-1")
        assert fleet.health().state == State.OVERDUE

    def test_a_quota_that_a_run_would_use_up_is_told(self, cloud, fleet):
        cloud.quotas = [{"resource": "backups", "limit": 4, "in_use": 3, "reserved": 0}]
        for number in range(3):
            fleet.add(f"db-{number}")
        found = fleet.health()
        assert found.state == State.QUOTA
        assert "room for 1 backup, and a run makes up to 3" in found.reason

    def test_the_worst_policy_comes_first(self, cloud):
        good, bad = Fleet(cloud, selection={"match": ["a"]}), Fleet(cloud)
        good.add("a")
        found = cloud.schedules().policy_health()
        assert [each.policy_id for each in found] == [bad.id, good.id]
        assert [each.state for each in found] == [State.LOST, State.OK]

    def test_one_that_is_given_is_not_asked_for_again(self, cloud, schedules, fleet):
        fleet.add("db-1")
        policy = schedules.policy_show(fleet.id)
        cloud.mistral.requests.clear()
        assert [each.state for each in schedules.policy_health([policy])] == [State.OK]
        assert cloud.mistral.count("GET", "/cron_triggers") == 0
        with pytest.raises(ScheduleNotFoundError, match="no backup policy"):
            schedules.policy_health(["another"])

    def test_without_trove_nothing_is_known(self, cloud, schedules, fleet):
        cloud.mock.get(requests_mock.ANY, status_code=503)
        policy_trigger = fleet.trigger
        cloud.mistral.mount(cloud.mock)
        [found] = schedules.policy_health()
        assert (found.state, found.instances) == (State.UNKNOWN, ())
        assert found.reason.startswith("Trove can't say: ")
        assert policy_trigger


class TestLongestUnproven:
    def test_those_that_never_were_are_named_first(self, fleet):
        for name in "abcdefgh":
            fleet.add(name)
        fleet.add("no backup yet", backup=None, created=NOW)
        [proven] = [each.instance for each in fleet.health().instances if each.instance_name == "b"]
        fleet.drill(proven, LONG_AGO)
        found = fleet.health()
        assert found.reason.endswith("; never proven to restore: a, c, d, e, f, and 2 more")
        assert found.longest_unproven.instance_name == "a"
        assert found.longest_unproven in found.instances

    def test_else_the_one_whose_last_proof_is_the_oldest(self, fleet):
        for name, days in (("a", 1), ("b", 5), ("c", 2)):
            instance = fleet.add(name)
            fleet.drill(instance, NOW - timedelta(days=days))
        # A drill that failed has proven nothing.
        fleet.drill(fleet.health().longest_unproven.instance, NOW, passed=False)
        found = fleet.health()
        assert found.reason.endswith(
            f"; longest unproven: b, since {NOW - timedelta(days=5):%Y-%m-%d %H:%M} UTC"
        )
        assert found.longest_unproven.last_proven == NOW - timedelta(days=5)

    def test_where_nothing_is_backed_up_there_is_nothing_to_prove(self, fleet):
        fleet.add("new", backup=None, created=NOW)
        found = fleet.health()
        assert found.longest_unproven is None
        assert "prove" not in found.reason

    def test_without_the_drills_nobody_can_tell(self, monkeypatch, fleet):
        fleet.add("a")

        def down(_):
            raise ServiceError("Mistral is tired", service="Mistral", operation="list")

        monkeypatch.setattr(proofs, "newest", down)
        found = fleet.health()
        assert found.longest_unproven is None
        assert "prove" not in found.reason
        assert "drills can't be read: " in found.instances[0].reason


def test_executions_are_read_once_for_all_policies(cloud):
    fleets = [Fleet(cloud, selection={"match": [f"{name}-*"]}) for name in "abcde"]
    for fleet, name in zip(fleets, "abcde", strict=True):
        instance = fleet.add(f"{name}-1", backup=None)
        run = fleet.ran(state="ERROR", state_info="all failed")
        fleet.part(run, instance, state="ERROR", state_info=f"disk of {name} full")
    cloud.mistral.requests.clear()
    found = cloud.schedules().policy_health()
    assert {each.instances[0].reason.split(";")[0] for each in found} == {
        f"disk of {name} full" for name in "abcde"
    }
    # Those of policies, and of their instances; a third one is for drills.
    assert cloud.mistral.count("GET", "/executions") == 3


@pytest.mark.parametrize("number", [1, 60])
def test_requests_grow_with_pages_not_with_instances(cloud, fleet, number):
    run = fleet.ran(state="ERROR", state_info="all failed")
    for each in range(number):
        instance = fleet.add(f"db-{each}", backup=None)
        fleet.part(run, instance, state="ERROR", state_info="disk full")
    cloud.mock.reset_mock()
    assert {each.state for each in fleet.health().instances} == {State.FAILED}
    asked = [each.path for each in cloud.mock.request_history if each.netloc != "keystone.test"]
    assert len([each for each in asked if "/instances" in each]) == -(-number // 20)
    assert len([each for each in asked if "/instances" not in each]) == 6
