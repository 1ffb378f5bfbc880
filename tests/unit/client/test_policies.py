# SPDX-License-Identifier: Apache-2.0
"""Policies by the public API, on a real session, a real Mistral client and Mistral's own API."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from tests.unit.client.fake_cloud import use_clock
from tests.unit.client.rows import change_triggers, triggers
from trove_schedules import Policy, Schedule, workbook
from trove_schedules.errors import (
    AmbiguousNameError,
    BackupNotFoundError,
    ExecutionNotFoundError,
    InvalidPatternError,
    InvalidScheduleError,
    NotDelegableError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    WorkbookMissingError,
)
from trove_schedules.manager import ScheduledBackups
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.selection import Choice, Selection


@pytest.fixture(autouse=True)
def _workflow(cloud):
    cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY)


@pytest.fixture
def policy(schedules):
    return schedules.policy_create("nightly", "0 2 * * *")


def run_part(cloud, policy, run, instance, **values):
    """The run of one instance, as the engine makes it for a policy's run."""
    given = {"instance": instance, "name": policy.name, "schedule": {"id": policy.id}}
    return cloud.mistral.add_execution(
        cloud.project,
        **({"description": "", "input": given, "root_execution_id": run["id"]} | values),
    )


class TestCreate:
    def test_a_policy_comes_back_as_mistral_keeps_it(self, cloud, schedules):
        made = schedules.policy_create(
            "nightly", "0 2 * * *", "before the batch", match=["db-*"], keep_last=3
        )
        [row] = triggers(cloud)
        assert row["name"] == f"trove-policy:*:{made.id}:1"
        assert row["workflow_name"] == workbook.POLICY
        assert row["pattern"] == "0,20,40 2 * * *"
        assert json.loads(row["workflow_input"]) == made.input == {
            "name": "nightly",
            "description": "before the batch",
            "incremental": False,
            "schedule": {
                "id": made.id,
                "pattern": "0 2 * * *",
                "owed_since": "2026-01-01T00:00:02+00:00",
                "keep_last": 3,
                "attempts": 3,
                "retry_every": 20,
                "due": [120],
            },
            "selection": {"match": ["db-*"], "takes": r"^(?s:db\-.*)\Z"},
        }  # fmt: skip
        assert isinstance(made, Policy)
        assert (made.instance, made.selection) == ("*", Selection(match=("db-*",)))
        assert schedules.policy_show(made.id) == schedules.policy_show("nightly") == made
        assert schedules.policy_list() == [made]

    def test_requests_are_few_and_none_is_to_trove(self, cloud, schedules):
        schedules.policy_create("nightly", "0 2 * * *")
        assert [(each.method, each.hostname) for each in cloud.mock.request_history] == [
            ("POST", "keystone.test"),
            ("GET", "mistral.test"),
            ("POST", "mistral.test"),
        ]

    @pytest.mark.parametrize(
        ("wrong", "error", "told"),
        [
            ({"pattern": "0 0 31 2 *"}, InvalidPatternError, "0 0 31 2"),
            ({"name": ""}, InvalidScheduleError, "name ''"),
            ({"match": [""]}, InvalidScheduleError, "match ''"),
            ({"match": "db-*"}, InvalidScheduleError, "match can't be 'db-*'; give a list"),
            ({"exclude": ["a\nb"]}, InvalidScheduleError, "exclude 'a\\nb'"),
            ({"exclude": ["[a"]}, InvalidScheduleError, "without its ]"),
            ({"max_parallel": 0}, InvalidScheduleError, "max-parallel 0 is not"),
            ({"max_parallel": 51}, InvalidScheduleError, "from 1 to 50"),
            ({"max_parallel": True}, InvalidScheduleError, "give a whole number"),
            ({"match": ["x" * 50_000]}, InvalidScheduleError, "fit"),
        ],
    )
    def test_what_is_wrong_is_refused_before_any_request(
        self, cloud, schedules, wrong, error, told
    ):
        with pytest.raises(error) as caught:
            schedules.policy_create(**({"name": "n", "pattern": "0 2 * * *"} | wrong))
        assert told in str(caught.value)
        assert cloud.mock.request_history == []

    def test_there_is_no_parent(self, cloud, schedules):
        with pytest.raises(TypeError, match="parent_id"):
            schedules.policy_create("n", "0 2 * * *", parent_id="b")
        assert cloud.mock.request_history == []

    def test_a_workbook_without_policies_is_said(self, cloud, schedules):
        cloud.mistral.clear("workflows")
        cloud.mistral.add_workflow(cloud.project)
        with pytest.raises(WorkbookMissingError, match=r"trove\.backup_policy.*workbook load"):
            schedules.policy_create("n", "0 2 * * *")

    def test_a_login_that_can_t_delegate_is_told_at_once(self, cloud):
        schedules = ScheduledBackups(cloud.session(method="application_credential"))
        with pytest.raises(NotDelegableError):
            schedules.policy_create("n", "0 2 * * *")
        assert cloud.mock.request_history == []


class TestApart:
    """Policies are no schedules, and schedules no policies."""

    def test_lists_have_their_own_kind_only(self, schedules, instance, policy):
        schedule = schedules.schedule_create(instance, "0 3 * * *", "nightly")
        assert schedules.schedule_list() == [schedule]
        assert schedules.schedule_list(instance) == [schedule]
        assert schedules.policy_list() == [policy]
        assert type(schedule) is Schedule

    def test_each_is_found_by_its_own_methods_only(self, schedules, instance, policy):
        schedule = schedules.schedule_create(instance, "0 3 * * *", "weekly")
        for given in (policy, policy.id, policy.name):
            with pytest.raises(ScheduleNotFoundError, match="no backup schedule of this project"):
                schedules.schedule_show(given)
        for given in (schedule, schedule.id, schedule.name):
            with pytest.raises(ScheduleNotFoundError, match="'openstack database backup policy li"):
                schedules.policy_show(given)
        with pytest.raises(ScheduleNotFoundError):
            schedules.schedule_health([policy])
        with pytest.raises(ScheduleNotFoundError):
            schedules.schedule_delete(policy)
        assert schedules.policy_list() == [policy]

    def test_odd_triggers_of_users_break_no_list(self, cloud, schedules, policy):
        names = [
            f"trove-policy:*:{uuid.uuid4()}:1",
            f"trove-policy:{uuid.uuid4()}:{uuid.uuid4()}:1",
            "trove-policy:*:nobody:1",
            "nightly",
        ]
        odd = [{}, {"selection": 5, "schedule": [], "name": 7}, {"selection": {"match": "["}}]
        for name in names:
            cloud.mistral.add_trigger(cloud.project, name, workflow_name=workbook.POLICY)
        for given in odd:
            cloud.mistral.add_trigger(
                cloud.project,
                f"trove-policy:*:{uuid.uuid4()}:1",
                workflow_name=workbook.POLICY,
                workflow_input=given,
            )
        # Of the right name, but it starts something else.
        cloud.mistral.add_trigger(cloud.project, f"trove-policy:*:{uuid.uuid4()}:1")
        found = schedules.policy_list()
        assert len(found) == 1 + 1 + len(odd)
        assert {each.selection for each in found} == {Selection()}
        assert schedules.schedule_list() == []

    def test_two_of_one_name_are_told_by_their_ids(self, schedules, policy):
        other = schedules.policy_create("nightly", "0 4 * * *")
        with pytest.raises(AmbiguousNameError) as caught:
            schedules.policy_show("nightly")
        assert "2 backup policies are named 'nightly'" in str(caught.value)
        assert policy.id in str(caught.value) and other.id in str(caught.value)


class TestChange:
    def test_a_change_is_the_next_generation(self, cloud, schedules, policy):
        changed = schedules.policy_set(policy, exclude=["test-*"], keep_last=7)
        [row] = triggers(cloud)
        assert row["name"] == f"trove-policy:*:{policy.id}:2"
        assert changed.selection == Selection(exclude=("test-*",))
        assert changed.earlier_trigger_ids == (policy.trigger_id,)
        assert changed.owed_since == policy.owed_since
        assert schedules.policy_show(policy) == changed
        unset = schedules.policy_set(policy, unset=["exclude"])
        assert (unset.selection, unset.keep_last) == (Selection(), 7)

    @pytest.mark.parametrize("wrong", [{"match": ["[a"]}, {"max_parallel": 51}])
    def test_a_wrong_selection_is_refused_before_any_request(self, cloud, schedules, wrong):
        with pytest.raises(InvalidScheduleError):
            schedules.policy_set("nightly", **wrong)
        assert cloud.mock.request_history == []

    def test_what_is_so_already_is_no_change(self, cloud, schedules, policy):
        assert schedules.policy_set(policy, max_parallel=5) == policy
        assert [row["id"] for row in triggers(cloud)] == [policy.trigger_id]

    def test_it_pauses_and_goes_on(self, schedules, policy):
        paused = schedules.policy_pause("nightly")
        assert (paused.paused, paused.next_execution_time) == (True, None)
        assert schedules.policy_pause(policy) == paused
        resumed = schedules.policy_resume(policy)
        assert not resumed.paused
        assert resumed.next_execution_time == datetime(2026, 1, 1, 2, tzinfo=UTC)
        assert schedules.policy_resume(policy) == resumed

    def test_a_run_in_progress_keeps_its_rights(self, cloud, schedules, policy):
        run = cloud.mistral.fire(triggers(cloud)[0], state="RUNNING", output={})
        for change in (
            lambda: schedules.policy_set(policy, keep_last=2),
            lambda: schedules.policy_pause(policy),
            lambda: schedules.policy_delete(policy),
        ):
            with pytest.raises(ScheduleConflictError, match=rf"^policy .*execution {run['id']}"):
                change()
        # It may go from instance to instance for an hour.
        cloud.mistral.wait(minutes=50)
        with pytest.raises(ScheduleConflictError):
            schedules.policy_pause(policy)
        cloud.mistral.wait(minutes=15)
        assert schedules.policy_pause(policy).paused

    def test_force_takes_them_away(self, cloud, schedules, policy):
        cloud.mistral.fire(triggers(cloud)[0], state="RUNNING", output={})
        assert schedules.policy_pause(policy, force=True).paused
        schedules.policy_delete(policy, force=True)
        assert triggers(cloud) == []

    def test_a_deleted_one_is_gone(self, cloud, schedules, policy):
        schedules.policy_delete("nightly")
        assert triggers(cloud) == []
        with pytest.raises(ScheduleNotFoundError, match="no backup policy"):
            schedules.policy_delete(policy)

    def test_what_goes_wrong_with_one_is_said_of_a_policy(self, cloud, schedules, policy):
        def again(method, path):
            if method == "DELETE":
                cloud.mistral.add_trigger(
                    cloud.project,
                    f"trove-policy:*:{policy.id}:2",
                    workflow_name=workbook.POLICY,
                )

        cloud.mistral.after = again
        with pytest.raises(ScheduleConflictError, match=f"^policy {policy.id} was changed by"):
            schedules.policy_delete(policy)


class TestExecutions:
    def test_a_run_by_hand_is_of_all_that_it_selects(self, cloud, schedules, policy):
        run = schedules.policy_run(policy)
        [row] = cloud.mistral.rows("executions")
        assert row["workflow_name"] == workbook.POLICY
        given = json.loads(row["input"])
        assert given["schedule"]["manual"] is True
        assert given["selection"] == {}
        assert (run.schedule_id, run.manual, run.instance) == (policy.id, True, "*")
        assert schedules.execution_list(policy) == [run]
        assert schedules.execution_show(run) == run

    @pytest.mark.parametrize(
        "given", [lambda each: each, lambda each: each.id, lambda _: "nightly"]
    )
    def test_a_policy_s_own_runs_are_listed_the_newest_first(
        self, cloud, schedules, policy, instance, given
    ):
        [trigger] = triggers(cloud)
        runs = []
        for status in ("Backed up 1 of 1", "Skipped: all 1 already backed up", "Backed up 1 of 1"):
            run = cloud.mistral.fire(trigger, output={"status": status})
            run_part(cloud, policy, run, instance)
            runs.append(run["id"])
        assert [each.id for each in schedules.execution_list(given(policy))] == [runs[2], runs[0]]
        every = schedules.execution_list(given(policy), include_all=True)
        assert [each.id for each in every] == runs[::-1]

    def test_earlier_triggers_runs_count_too(self, cloud, schedules, policy):
        old = cloud.mistral.fire(triggers(cloud)[0])
        changed = schedules.policy_set(policy, keep_last=7)
        new = cloud.mistral.fire(triggers(cloud)[0])
        assert [each.id for each in schedules.execution_list(changed)] == [new["id"], old["id"]]

    def test_an_instance_s_runs_are_listed_and_shown(self, cloud, schedules, policy, instance):
        other = cloud.add_instance("other")
        elsewhere = schedules.policy_create("elsewhere", "0 3 * * *")
        [trigger, _] = triggers(cloud)
        parts = []
        for number in range(3):
            run = cloud.mistral.fire(trigger)
            part = run_part(cloud, policy, run, instance, output={"status": f"run {number}"})
            run_part(cloud, policy, run, other)
            run_part(cloud, elsewhere, run, instance)
            parts.append(part["id"])
        found = schedules.execution_list(policy, instance="m")
        assert [each.id for each in found] == parts[::-1]
        assert {(each.schedule_id, each.instance) for each in found} == {(policy.id, instance)}
        assert schedules.execution_list(policy, instance=instance, limit=1) == found[:1]
        assert schedules.execution_list(policy, instance=instance, marker=found[0]) == found[1:]
        assert schedules.execution_show(parts[0]) == found[2]

    def test_the_marker_must_be_one_of_them(self, cloud, schedules, policy, instance):
        run = cloud.mistral.fire(triggers(cloud)[0])
        with pytest.raises(ExecutionNotFoundError, match=f"of instance {instance} by policy"):
            schedules.execution_list(policy, instance=instance, marker=run["id"])
        with pytest.raises(ExecutionNotFoundError, match="is not an execution of policy"):
            part = run_part(cloud, policy, run, instance)
            schedules.execution_list(policy, marker=part["id"])

    def test_a_schedule_has_no_instances_to_choose_from(self, schedules, schedule, instance):
        with pytest.raises(InvalidScheduleError, match="is of one instance; only a policy"):
            schedules.execution_list(schedule, instance=instance)

    def test_a_policy_given_as_it_is_costs_no_request(self, cloud, schedules, policy):
        cloud.mistral.requests.clear()
        schedules.execution_list(policy)
        assert cloud.mistral.count("GET", "/cron_triggers") == 0

    def test_what_is_neither_is_a_schedule_that_is_not_there(self, schedules, policy):
        with pytest.raises(ScheduleNotFoundError, match="no backup schedule"):
            schedules.execution_list("neither")


class TestPreview:
    def test_what_it_takes_comes_first_and_why_not_the_others(self, cloud, schedules):
        for name, status in (("db-2", "ACTIVE"), ("db-1", "HEALTHY"), ("db-3", "ERROR")):
            cloud.add_instance(name, status=status, datastore={"type": "mysql", "version": "8"})
        cloud.add_instance("test", status="ACTIVE", datastore={"type": "mysql", "version": "8"})
        source = cloud.instances[0]["id"]
        cloud.add_instance("db-4", status="ACTIVE", replica_of={"id": source})
        made = schedules.policy_create("n", "0 2 * * *", match=["db-*"])
        found = schedules.policy_preview(made)
        assert [(each.name, each.choice, each.reason) for each in found] == [
            ("db-1", Choice.TAKEN, None),
            ("db-2", Choice.TAKEN, None),
            ("db-3", Choice.UNABLE, "status ERROR"),
            ("db-4", Choice.LEFT, f"replica of {source}"),
            ("test", Choice.LEFT, "no match"),
        ]

    def test_requests_grow_with_pages(self, cloud, schedules, policy):
        for number in range(45):
            cloud.add_instance(f"db-{number}", status="ACTIVE")
        assert len(schedules.policy_preview(policy)) == 45
        assert cloud.trove_paths() == ["instances"] * 3


class TestRemarks:
    @pytest.fixture(autouse=True)
    def _quota(self, cloud):
        cloud.quotas = [{"resource": "backups", "limit": 50, "in_use": 0, "reserved": 0}]

    def said(self, schedules, **options):
        policy = schedules.policy_create("n", "0 2 * * *", **options)
        return [(each.said, each.warning) for each in schedules.policy_remarks(policy)]

    def test_the_backups_of_all_instances_are_held_against_the_quota(self, cloud, schedules):
        for number in range(4):
            cloud.add_instance(f"db-{number}", status="ACTIVE" if number else "SHUTDOWN")
        [(said, warning)] = self.said(schedules, keep_last=14)
        assert said.startswith(
            "the policy has at most 15 backups at once of each instance, the one in progress "
            "included, and takes 4 instances now: 60 in all; "
        )
        assert said.endswith("the project's quota is 50 backups")
        assert warning
        (said, warning), *_ = self.said(schedules, keep_last=2, exclude=["db-3"])
        assert "takes 3 instances now: 9 in all" in said
        assert not warning

    def test_one_that_takes_nothing_is_told(self, cloud, schedules):
        cloud.add_instance("m", status="ACTIVE")
        told = self.said(schedules, match=["db-*"], keep_last=3)
        assert told == [("the policy takes none of the project's 1 instance now", True)]

    def test_one_that_keeps_everything_is_told(self, cloud, schedules):
        cloud.add_instance("m", status="ACTIVE")
        [(said, warning)] = self.said(schedules)
        assert said.startswith("no backup is ever deleted, because no rule of retention is set; ")
        assert warning

    def test_a_deadline_that_cuts_attempts_off_is_told(self, cloud, schedules):
        cloud.add_instance("m", status="ACTIVE")
        told = self.said(schedules, keep_last=3, attempts=3, retry_every=20, deadline=30)
        assert told[1][0].startswith("the last of 3 attempts is 40 minutes after the due time")

    def test_what_else_backs_up_the_same_instances_is_told(self, cloud, schedules):
        ids = [cloud.add_instance(f"db-{number}", status="ACTIVE") for number in range(5)]
        beside = schedules.schedule_create(ids[1], "0 3 * * *", "own", keep_last=1)
        also = schedules.policy_create("also", "0 2 * * *", keep_last=1)
        paused = schedules.schedule_create(ids[1], "0 2 * * *", "paused", keep_last=1)
        schedules.schedule_pause(paused)
        _, *told = self.said(schedules, keep_last=1)
        assert told == [
            (
                f"policy {also.id} (also) backs up db-0, db-1, db-2, and 2 more at the same times, "
                "and Trove makes one backup of an instance at a time: each time one of the two has "
                "to wait or is skipped",
                True,
            ),
            (
                f"schedule {beside.id} (own) backs up db-1 too, at other times: each makes and "
                "keeps backups of its own",
                False,
            ),
        ]

    def test_the_check_names_what_is_due_together(self, cloud, schedules):
        def check():
            [found] = [each for each in schedules.check() if each.name == "shared instances"]
            return found.ok, found.said

        instance = cloud.add_instance("db-0", status="ACTIVE")
        policy = schedules.policy_create("all", "0 2 * * *", keep_last=1)
        schedules.schedule_create(instance, "0 3 * * *", "later", keep_last=1)
        assert check() == (True, "nothing else is due when a policy backs them up")
        alike = schedules.schedule_create(instance, "0 2 * * *", "own", keep_last=1)
        ok, said = check()
        assert ok is False
        assert said.startswith(
            f"of policy {policy.id} (all): schedule {alike.id} (own) backs up db-0 at the same "
        )
        schedules.policy_pause(policy)
        assert check()[0] is True

    def test_of_many_others_few_are_named(self, cloud, schedules):
        for number in range(5):
            instance = cloud.add_instance(f"db-{number}", status="ACTIVE")
            schedules.schedule_create(instance, "0 2 * * *", "own", keep_last=1)
        _, *told = self.said(schedules, keep_last=1)
        assert len(told) == 4
        more = "2 more of the project's schedules and policies back up what the policy takes"
        assert told[-1] == (more, True)

    def test_the_check_of_a_project_with_policies_only_speaks_of_no_schedule(
        self, cloud, schedules
    ):
        cloud.add_instance("a", status="ACTIVE")
        schedules.policy_create("n", "0 2 * * *", keep_last=2)
        change_triggers(cloud, next_execution_time="2099-01-01 02:00:00")
        said = {each.name: each.said for each in schedules.check()}
        assert said["periodic server"].startswith("nothing of this project has been due yet")
        assert said["instances"] == "no schedule is of an instance that is gone"
        assert said["retention"].startswith("1 policy may have 3 backups at once")
        assert said["shared instances"] == "nothing else is due when a policy backs them up"
        change_triggers(cloud, next_execution_time="2026-01-01 02:00:00")
        [late] = [each for each in schedules.check() if each.name == "periodic server"]
        assert late.said.startswith("policy ")
        assert late.said.endswith("the roles that the policy's trust needs")

    def test_one_that_is_given_is_not_asked_for_again(self, cloud, schedules, policy):
        cloud.mistral.requests.clear()
        schedules.policy_remarks(policy)
        # The other schedules, and the other policies.
        assert len(cloud.mistral.requests) == 2
        assert schedules.policy_remarks("nightly") == schedules.policy_remarks(policy)


class TestDrill:
    @pytest.fixture(autouse=True)
    def _drills(self, cloud):
        cloud.mistral.add_workflow(cloud.project, name=workbook.DRILL)

    def backed_up(self, cloud, policy, name, **values):
        instance = cloud.add_instance(name, status="ACTIVE", **values)
        cloud.add_backup(instance, description=marker(policy.id))
        return instance

    def test_drills_get_round_to_all_whatever_comes_of_one(self, cloud, schedules, policy):
        ids = [self.backed_up(cloud, policy, name) for name in ("a", "b", "c")]
        turns = []
        for number in range(4):
            started = schedules.policy_drill("nightly")
            turns.append(started.instance)
            row = cloud.mistral.rows("executions")[-1]
            assert row["workflow_name"] == workbook.DRILL
            assert json.loads(row["input"]) == {
                "instance": started.instance,
                "schedule": {"id": policy.id, "manual": True},
            }
            cloud.mistral.change("executions", row, state="ERROR" if number else "SUCCESS")
            cloud.mistral.wait(minutes=1)
        assert turns == [*ids, ids[0]]

    def test_one_without_a_backup_of_the_policy_has_no_turn(self, cloud, schedules, policy):
        cloud.add_backup(cloud.add_instance("a", status="ACTIVE"))
        self.backed_up(cloud, policy, "b", replica_of={"id": str(uuid.uuid4()), "links": []})
        with pytest.raises(BackupNotFoundError, match="no completed backup of an instance"):
            schedules.policy_drill(policy)
        good = self.backed_up(cloud, policy, "c")
        assert schedules.policy_drill(policy).instance == good

    def test_one_can_be_chosen(self, cloud, schedules, policy):
        ids = [self.backed_up(cloud, policy, name) for name in ("a", "b")]
        assert schedules.policy_drill(policy, "b").instance == ids[1]

    def test_a_turn_without_a_drill_is_listed_among_them(self, cloud, schedules, policy):
        """One that came to a drill is told by that."""

        def add(workflow, **values):
            return cloud.mistral.add_execution(
                cloud.project,
                "t",
                workflow_name=workflow,
                input=json.dumps({"schedule": {"id": policy.id}}),
                **values,
            )

        drill = add(workbook.DRILL, state="RUNNING")
        add(workbook.POLICY_DRILL, state="RUNNING", output="{}")
        add(workbook.POLICY_DRILL, state="ERROR", output=json.dumps({"instance": "i"}))
        failed = add(workbook.POLICY_DRILL, state="ERROR", output=json.dumps({"instance": None}))
        found = schedules.execution_list(policy, drills_only=True)
        assert {each.id for each in found} == {drill["id"], failed["id"]}
        [of_none] = [each for each in found if each.id == failed["id"]]
        assert of_none.instance == "*"
        assert schedules.execution_show(failed["id"]) == of_none

    def test_health_tells_what_is_proven(self, cloud, schedules, policy):
        instance = self.backed_up(cloud, policy, "a")
        schedules.policy_drill(policy)
        row = cloud.mistral.rows("executions")[-1]
        output = {"status": "Drill passed: backup b restored in 9 s", "backup_id": "b"}
        cloud.mistral.change("executions", row, state="SUCCESS", output=output)
        [health] = schedules.policy_health()
        [of_one] = health.instances
        assert (of_one.instance, of_one.proven_backup) == (instance, "b")


def daily_backups(cloud, policy, instance, days):
    return [
        cloud.add_backup(
            instance,
            description=marker(policy.id),
            created=f"2026-01-{day:02}T02:00:00",
            updated=f"2026-01-{day:02}T02:01:00",
        )
        for day in range(1, days + 1)
    ]


class TestPins:
    @pytest.fixture
    def made(self, schedules):
        return schedules.policy_create("n", "0 2 * * *", keep_last=1)

    def test_what_is_pinned_stays_and_prune_names_the_pin(self, cloud, schedules, made):
        [old, new] = daily_backups(cloud, made, cloud.add_instance("a"), 2)
        [gone, _] = daily_backups(cloud, made, cloud.add_instance("b"), 2)
        schedules.policy_pin("n", old)
        verdicts = {each.backup.id: each for each in schedules.policy_prune(made, dry_run=True)}
        assert verdicts[old].kept_by == ("pin",)
        assert verdicts[new].kept_by == ("newest", "keep-last 1")
        schedules.policy_prune(made)
        assert gone not in {each["id"] for each in cloud.backups}
        assert old in {each["id"] for each in cloud.backups}

    def test_the_input_of_the_runs_holds_them_until_they_are_unpinned(self, cloud, schedules, made):
        [first, second] = daily_backups(cloud, made, cloud.add_instance("a"), 2)
        schedules.policy_pin(made, first)
        pinned = schedules.policy_pin(made, second)
        assert pinned.pinned == (first, second)
        assert schedules.policy_show(made) == pinned
        assert pinned.input["schedule"]["pinned"] == [first, second]
        assert pinned.input_by_hand()["schedule"]["pinned"] == [first, second]
        assert pinned.plan == made.plan
        assert schedules.policy_set(made, keep_last=2).pinned == (first, second)
        assert schedules.policy_unpin(made, first).pinned == (second,)
        left = schedules.policy_unpin(made, second)
        assert left.pinned == () and "pinned" not in left.input["schedule"]

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"description": None}, r"is not one of policy .*; only a policy's own backups"),
            ({"status": "FAILED"}, "is FAILED; only a COMPLETED one can be pinned"),
        ],
    )
    def test_what_is_not_the_policys_or_not_completed_is_refused(
        self, cloud, schedules, made, values, words
    ):
        given = {"description": marker(made.id)} | values
        backup = cloud.add_backup(cloud.add_instance("a"), **given)
        with pytest.raises(InvalidScheduleError, match=words):
            schedules.policy_pin(made, backup)
        assert schedules.policy_show(made).pinned == ()

    def test_they_count_once_against_the_quota_and_not_for_each_instance(
        self, cloud, schedules, made
    ):
        instances = [cloud.add_instance(name, status="ACTIVE") for name in "abc"]
        for backup in daily_backups(cloud, made, instances[0], 2):
            schedules.policy_pin(made, backup)
        (remark, *_) = schedules.policy_remarks("n")
        assert "takes 3 instances now: 8 in all, with 2 that pins keep; " in remark.said


class TestRepeatedDrills:
    @pytest.fixture(autouse=True)
    def _drills(self, cloud):
        cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY_DRILL)

    def drills(self, cloud):
        return [each for each in triggers(cloud) if each["workflow_name"] == workbook.POLICY_DRILL]

    def test_they_have_a_trigger_that_holds_what_the_workflow_needs(self, cloud, schedules):
        policy = schedules.policy_create("n", "0 2 * * *", match=["db-*"])
        drill = schedules.policy_drill_every("n", "H 4 * * 0")
        [row] = self.drills(cloud)
        assert row["name"] == f"trove-policy-drill:*:{policy.id}:1"
        assert (drill.trigger_id, drill.pattern) == (row["id"], row["pattern"])
        minute = int(row["pattern"].split()[0])
        assert json.loads(row["workflow_input"]) == {
            "schedule": {
                "id": policy.id,
                "due": [240 + minute],
                "due_days": cron.due_days(row["pattern"]),
            },
            "selection": policy.selection.written(),
        }
        assert schedules.policy_drill_show("n") == drill
        assert [each.id for each in schedules.policy_list()] == [policy.id]
        assert schedules.policy_show("n").trigger_id == policy.trigger_id

    def test_another_pattern_takes_the_place_of_the_one_before_until_they_end(
        self, cloud, schedules, policy
    ):
        first = schedules.policy_drill_every(policy, "0 4 * * *")
        assert schedules.policy_drill_every(policy, "0 4 * * *") == first
        second = schedules.policy_drill_every(policy, "0 5 * * *")
        assert [each["name"][-2:] for each in self.drills(cloud)] == [":2"]
        assert schedules.policy_drill_show(policy) == second
        assert schedules.policy_drill_every("nightly", None) is None
        assert self.drills(cloud) == []
        assert schedules.policy_drill_show(policy) is None

    def test_they_follow_the_selection_and_nothing_else(self, cloud, schedules, policy):
        drill = schedules.policy_drill_every(policy, "0 4 * * *")
        schedules.policy_set(policy, keep_last=3)
        assert schedules.policy_drill_show(policy) == drill
        changed = schedules.policy_set(policy, match=["db-*"])
        [row] = self.drills(cloud)
        assert json.loads(row["workflow_input"])["selection"] == changed.selection.written()
        assert (row["pattern"], row["name"][-2:]) == ("0 4 * * *", ":2")

    def test_a_change_that_is_refused_changes_no_drills(self, cloud, schedules, policy):
        drill = schedules.policy_drill_every(policy, "0 4 * * *")
        cloud.mistral.add_execution(
            cloud.project, policy.trigger_id, workflow_name=workbook.POLICY, state="RUNNING"
        )
        with pytest.raises(ScheduleConflictError):
            schedules.policy_set(policy, match=["db-*"])
        assert schedules.policy_drill_show(policy) == drill

    @pytest.mark.parametrize("workflow", [workbook.DRILL, workbook.POLICY_DRILL])
    def test_one_in_progress_keeps_its_rights(self, cloud, schedules, policy, workflow):
        schedules.policy_drill_every(policy, "0 4 * * *")
        cloud.mistral.add_execution(
            cloud.project,
            "t",
            workflow_name=workflow,
            state="RUNNING",
            input=json.dumps({"schedule": {"id": policy.id}}),
        )
        for change in (
            lambda **how: schedules.policy_drill_every(policy, "0 5 * * *", **how),
            lambda **how: schedules.policy_drill_every(policy, None, **how),
            lambda **how: schedules.policy_delete(policy, **how),
        ):
            with pytest.raises(ScheduleConflictError, match=r"policy .* has a drill in progress"):
                change()
        schedules.policy_delete(policy, force=True)
        assert triggers(cloud) == []

    def test_those_of_a_policy_that_is_gone_are_ended_by_its_id(self, cloud, schedules, policy):
        for end in (
            lambda: schedules.policy_delete(policy.id),
            lambda: schedules.policy_drill_every(policy.id, None),
        ):
            cloud.mistral.add_trigger(
                cloud.project,
                f"trove-policy-drill:*:{policy.id}:1",
                workflow_name=workbook.POLICY_DRILL,
                pattern="0 4 * * *",
            )
            for row in triggers(cloud):
                if row["workflow_name"] == workbook.POLICY:
                    cloud.mistral.remove("cron_triggers", row)
            end()
            assert triggers(cloud) == []
            with pytest.raises(ScheduleNotFoundError):
                end()

    def test_a_pattern_of_too_many_due_times_is_refused(self, schedules, policy):
        with pytest.raises(InvalidScheduleError, match="at most 288 due times a day"):
            schedules.policy_drill_every(policy, "* * * * *")


class TestPrune:
    @pytest.fixture(autouse=True)
    def _clock(self, monkeypatch):
        use_clock(monkeypatch, lambda: datetime(2026, 2, 1, tzinfo=UTC), ["backups.pruning"])

    def test_each_instance_keeps_by_the_rules(self, cloud, schedules):
        made = schedules.policy_create("n", "0 2 * * *", keep_last=2)
        instances = [cloud.add_instance(name) for name in "ab"] + [str(uuid.uuid4())]
        backups = {each: daily_backups(cloud, made, each, 3) for each in instances}
        by_hand = cloud.add_backup(instances[0])
        told = schedules.policy_prune(made, dry_run=True)
        assert len(cloud.backups) == 10
        assert schedules.policy_prune(made) == told
        assert [(each.backup.instance_id, each.backup.id) for each in told] == [
            (instance, backup)
            for instance in sorted(instances)
            for backup in reversed(backups[instance])
        ]
        left = {each["id"] for each in cloud.backups}
        assert left == {by_hand} | {each for own in backups.values() for each in own[1:]}

    def test_reading_costs_no_more_for_more_instances(self, cloud, schedules):
        made = schedules.policy_create("n", "0 2 * * *", keep_last=2)
        for number in range(30):
            daily_backups(cloud, made, cloud.add_instance(f"db-{number}"), 2)
        cloud.mock.reset_mock()
        schedules.policy_prune(made, dry_run=True)
        assert cloud.trove_paths() == ["backups"]
        assert len(cloud.mock.request_history) <= 6

    def test_without_a_rule_there_is_nothing_to_do(self, schedules, policy):
        with pytest.raises(InvalidScheduleError, match=r"policy .* keeps all its backups"):
            schedules.policy_prune(policy)
