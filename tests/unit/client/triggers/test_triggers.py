# SPDX-License-Identifier: Apache-2.0
"""Schedules and their triggers: found, created, replaced, tidied up."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import requests

from tests.mistral_api import Caller, RefusedError
from tests.unit.client.rows import OTHER_PROJECT, UNKNOWN, add_schedule, id_of, triggers
from trove_schedules import workbook
from trove_schedules.errors import (
    InstanceNotFoundError,
    InvalidPatternError,
    InvalidScheduleError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    WorkbookOutdatedError,
)
from trove_schedules.triggers import generations


class TestList:
    def test_of_an_instance_exactly_its_own(self, cloud, schedules, instance):
        other = cloud.add_instance("other")
        mine = {id_of(add_schedule(cloud, instance)) for _ in range(3)}
        add_schedule(cloud, other, workflow_input=json.dumps({"instance": other, "name": instance}))
        assert {each.id for each in schedules.schedule_list(instance)} == mine
        assert {each.id for each in schedules.schedule_list("m")} == mine
        assert {each.id for each in schedules.schedule_list(SimpleNamespace(id=instance))} == mine

    def test_of_an_instance_by_id_is_one_request_to_mistral_and_none_to_trove(
        self, cloud, schedules, instance
    ):
        add_schedule(cloud, instance)
        schedules.schedule_list(instance)
        assert len(cloud.mistral.requests) == 1
        assert cloud.trove_paths() == []

    def test_the_server_filters_by_instance_and_project(self, cloud, schedules, instance):
        add_schedule(cloud, instance)
        schedules.schedule_list(instance)
        query = cloud.mistral.requests[-1][2]
        assert query["name"] == f"has:trove-backup:{instance}:"
        assert query["workflow_name"] == "eq:trove.backup_create"
        assert query["project_id"] == cloud.project

    @pytest.mark.parametrize("max_limit", [1, 7, 1000])
    def test_every_one_whatever_the_page_limit(self, cloud, schedules, instance, max_limit):
        cloud.mistral.max_limit = max_limit
        other = cloud.add_instance("other")
        mine = {id_of(add_schedule(cloud, instance)) for _ in range(15)}
        theirs = {id_of(add_schedule(cloud, other)) for _ in range(15)}
        assert {each.id for each in schedules.schedule_list(instance)} == mine
        assert {each.id for each in schedules.schedule_list()} == mine | theirs

    def test_the_next_to_run_comes_first_and_those_that_never_run_last(
        self, cloud, schedules, instance
    ):
        times = ["2026-03-01", "9999-12-31 23:59:00", "2026-01-01", "9999-12-31 23:59:00"]
        for time in times:
            add_schedule(cloud, instance, next_execution_time=time)
        found = [each.next_execution_time for each in schedules.schedule_list()]
        assert found == [
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 3, 1, tzinfo=UTC),
            None,
            None,
        ]

    def test_of_one_pattern_each_is_due_by_its_own_next_firing(self, cloud, schedules, instance):
        for time in ("2026-03-01 02:20:00", "2026-03-01 02:00:00", "2026-03-01 02:20:00"):
            kept = {"id": str(uuid.uuid4()), "pattern": "0 2 * * *", "attempts": 3}
            given = {"instance": instance, "name": "nightly", "schedule": kept}
            add_schedule(
                cloud,
                instance,
                schedule=kept["id"],
                workflow_input=json.dumps(given),
                next_execution_time=time,
            )
        found = [each.next_execution_time for each in schedules.schedule_list()]
        today, tomorrow = (datetime(2026, 3, day, 2, tzinfo=UTC) for day in (1, 2))
        assert found == [today, tomorrow, tomorrow]

    def test_an_instance_without_schedules_has_none(self, cloud, schedules, instance):
        assert schedules.schedule_list(instance) == []
        assert len(cloud.mistral.requests) == 1
        assert schedules.schedule_list("m") == []

    @pytest.mark.parametrize("name", ["nobody", UNKNOWN])
    def test_an_unknown_instance_is_an_error(self, schedules, name):
        with pytest.raises(InstanceNotFoundError):
            schedules.schedule_list(name)

    def test_an_instance_that_is_gone_still_has_its_schedules(self, cloud, schedules):
        row = add_schedule(cloud, UNKNOWN)
        assert [each.id for each in schedules.schedule_list(UNKNOWN)] == [id_of(row)]

    def test_an_instance_named_like_an_id_is_found(self, cloud, schedules):
        instance = cloud.add_instance(UNKNOWN)
        row = add_schedule(cloud, instance)
        assert [each.id for each in schedules.schedule_list(UNKNOWN)] == [id_of(row)]

    def test_of_two_generations_the_higher_counts(self, cloud, schedules, instance):
        old = add_schedule(cloud, instance, generation=9, pattern="0 9 * * *")
        new = add_schedule(
            cloud, instance, generation=10, schedule=id_of(old), pattern="0 10 * * *"
        )
        (found,) = schedules.schedule_list(instance)
        assert (found.trigger_id, found.pattern) == (new["id"], "0 10 * * *")
        assert schedules.schedule_show(id_of(old)) == found

    def test_foreign_triggers_are_left_out(self, cloud, schedules, instance):
        schedule = str(uuid.uuid4())
        name = f"trove-backup:{instance}:{schedule}:"
        mistral = cloud.mistral
        mistral.add_trigger(cloud.project, "nightly")
        mistral.add_trigger(cloud.project, f"my-{name}1")
        mistral.add_trigger(cloud.project, f"{name}0")
        mistral.add_trigger(cloud.project, f"{name}1", workflow_name="another.workflow")
        assert schedules.schedule_list() == []
        assert schedules.schedule_list(instance) == []
        with pytest.raises(ScheduleNotFoundError):
            schedules.schedule_show(schedule)

    @pytest.mark.parametrize("text", ["null", "{}", '{"name": null, "instance": 5}'])
    def test_an_input_that_somebody_spoilt_does_not_spoil_the_list(
        self, cloud, schedules, instance, text
    ):
        add_schedule(cloud, instance, workflow_input=text)
        assert len(schedules.schedule_list()) == 1

    def test_an_administrator_sees_the_own_projects_only(self, cloud, instance):
        add_schedule(cloud, instance, project=OTHER_PROJECT)
        mine = add_schedule(cloud, instance)
        admin = cloud.schedules(admin=True)
        assert [each.id for each in admin.schedule_list()] == [id_of(mine)]


class TestTroveclientsSchedules:
    """Triggers that python-troveclient made are named by a bare UUID."""

    @pytest.fixture
    def row(self, cloud, instance):
        given = {"instance": instance, "name": "old", "description": None, "incremental": None}
        return cloud.mistral.add_trigger(
            cloud.project, str(uuid.uuid4()), workflow_input=json.dumps(given)
        )

    def test_they_are_listed_where_no_instance_is_given(self, schedules, instance, row):
        (found,) = schedules.schedule_list()
        assert (found.id, found.name, found.instance) == (row["name"], "old", instance)
        assert found.trigger_id == row["id"]
        assert schedules.schedule_list(instance) == []

    def test_they_are_shown_and_deleted_by_their_id(self, cloud, schedules, row):
        assert schedules.schedule_show(row["name"]).name == "old"
        schedules.schedule_delete(row["name"])
        assert triggers(cloud) == []

    def test_their_executions_are_listed_without_a_schedule_or_backup_id(
        self, cloud, schedules, row
    ):
        cloud.mistral.add_execution(cloud.project, row["id"], input='{"name": "old"}')
        (found,) = schedules.execution_list(row["name"])
        assert (found.schedule_id, found.backup_id) == (row["name"], None)
        assert schedules.execution_show(found.id).schedule_id is None

    def test_they_are_changed_into_schedules_of_ours_with_their_id(
        self, cloud, schedules, instance, row
    ):
        run = cloud.mistral.add_execution(cloud.project, row["id"])
        made = schedules.schedule_set(row["name"], name="new")
        assert (made.id, made.name, made.generation) == (row["name"], "new", 1)
        assert (made.instance, made.pattern, made.attempts) == (instance, "0 2 * * *", 1)
        assert made.earlier_trigger_ids == (row["id"],)
        # Of what it owed before nothing can be told.
        assert made.owed_since == cloud.mistral.now - timedelta(seconds=1)
        assert schedules.schedule_list(instance) == schedules.schedule_list() == [made]
        assert [each.id for each in schedules.execution_list(made)] == [run["id"]]
        (left,) = triggers(cloud)
        assert left["name"] == f"trove-backup:{instance}:{made.id}:1"

    def test_they_are_paused_and_resumed_even_where_the_pattern_is_not_one_of_ours(
        self, cloud, schedules, row
    ):
        # Mistral takes six fields.
        cloud.mistral.change("cron_triggers", row, pattern="0 2 * * * 0")
        assert schedules.schedule_pause(row["name"]).paused
        assert schedules.schedule_resume(row["name"]).pattern == "0 2 * * * 0"
        with pytest.raises(InvalidPatternError):
            schedules.schedule_set(row["name"], name="new")
        assert len(triggers(cloud)) == 1

    def test_one_that_names_no_instances_id_is_left_as_it_is(self, cloud, schedules, row):
        spoilt = {"instance": "m", "name": "old"}
        cloud.mistral.change("cron_triggers", row, workflow_input=spoilt)
        before = triggers(cloud)
        for change in (
            lambda: schedules.schedule_pause(row["name"]),
            lambda: schedules.schedule_set(row["name"], name="new"),
        ):
            with pytest.raises(InvalidScheduleError, match="names no instance's id, but 'm'"):
                change()
        assert triggers(cloud) == before


def ids(cloud):
    """Of the triggers that are there."""
    return [row["id"] for row in triggers(cloud)]


def sent(cloud):
    """What has changed something in Mistral, in order."""
    return [(each[0], each[1]) for each in cloud.mistral.requests if each[0] != "GET"]


def posted(cloud):
    """The last trigger that was asked for."""
    bodies = zip(cloud.mistral.requests, cloud.mistral.bodies, strict=True)
    return [json.loads(body) for (method, _, _), body in bodies if method == "POST"][-1]


class TestReplace:
    def test_the_next_generation_is_created_and_then_the_last_one_deleted(
        self, cloud, schedules, schedule
    ):
        cloud.mistral.requests.clear()
        made = schedules.schedule_set(schedule, name="other")
        assert sent(cloud) == [
            ("POST", "/cron_triggers"),
            ("DELETE", f"/cron_triggers/{schedule.trigger_id}"),
        ]
        (row,) = triggers(cloud)
        assert row["name"] == f"trove-backup:{schedule.instance}:{schedule.id}:2"
        assert (made.generation, made.trigger_id) == (2, row["id"])

    def test_id_creation_time_and_past_stay(self, cloud, schedules, schedule):
        second = schedules.schedule_set(schedule, name="b")
        third = schedules.schedule_set(schedule.id, keep_last=3)
        assert third.id == schedule.id
        assert third.created_at == schedule.created_at < third.changed_at
        assert third.earlier_trigger_ids == (schedule.trigger_id, second.trigger_id)
        assert (third.name, third.keep_last) == ("b", 3)
        assert schedules.schedule_show(schedule) == third

    def test_what_was_owed_stays_owed_unless_it_is_due_at_other_times(
        self, cloud, schedules, schedule
    ):
        def owed_again(changed):
            # The clock of this Mistral ticks once for each row.
            return changed.owed_since == changed.changed_at - timedelta(seconds=1)

        assert owed_again(schedule)
        for changes in ({"name": "b"}, {"attempts": 2}, {"keep_last": 3}, {"name": "c"}):
            changed = schedules.schedule_set(schedule, **changes)
            assert changed.owed_since == schedule.owed_since < changed.changed_at
        assert schedules.schedule_show(schedule) == changed
        assert owed_again(schedules.schedule_set(schedule, pattern="0 3 * * *"))
        assert owed_again(schedules.schedule_pause(schedule))
        assert owed_again(schedules.schedule_set(schedule, name="d"))
        assert owed_again(schedules.schedule_resume(schedule))

    def test_what_is_owed_is_written_in_whole_seconds_none_of_which_is_too_early(
        self, cloud, schedules, instance
    ):
        cloud.mistral.wait(microseconds=1)
        made = schedules.schedule_create(instance, "0 2 * * *", "n")
        assert made.input["schedule"]["owed_since"] == "2026-01-01T00:00:02+00:00"
        changed = schedules.schedule_set(made, name="b")
        assert changed.input["schedule"]["owed_since"] == "2026-01-01T00:00:02+00:00"

    def test_one_of_an_older_client_is_owed_since_its_trigger_was_created(
        self, cloud, schedules, instance
    ):
        row = add_schedule(cloud, instance)
        found = schedules.schedule_show(id_of(row))
        assert found.owed_since == found.changed_at
        changed = schedules.schedule_set(found, name="b")
        assert changed.owed_since == found.owed_since < changed.changed_at

    def test_ten_earlier_triggers_are_remembered(self, cloud, schedules, schedule):
        made = [schedule]
        for n in range(12):
            cloud.mistral.fire(triggers(cloud)[0])
            cloud.mistral.wait(minutes=1)
            made.append(schedules.schedule_set(schedule, name=f"n{n}"))
        assert list(made[-1].earlier_trigger_ids) == [each.trigger_id for each in made[2:12]]
        # What the two before did is listed no more.
        assert len(schedules.execution_list(schedule)) == 10
        assert len(cloud.mistral.rows("executions")) == 12

    def test_what_is_so_already_is_no_change(self, cloud, schedules, schedule):
        made = schedules.schedule_set(schedule, keep_last=5)
        cloud.mistral.fire(triggers(cloud)[0], state="RUNNING")
        cloud.mistral.requests.clear()
        made = schedules.schedule_show(schedule)
        assert schedules.schedule_set(schedule, keep_last=5) == made
        assert schedules.schedule_set(schedule, unset=["keep_days"]) == made
        assert sent(cloud) == []
        with pytest.raises(InvalidScheduleError, match="name at least one option"):
            schedules.schedule_set(schedule)

    def test_a_hung_run_is_in_nobodys_way(self, cloud, schedules, schedule):
        cloud.mistral.fire(triggers(cloud)[0], state="RUNNING")
        cloud.mistral.wait(hours=2)
        assert schedules.schedule_set(schedule, name="other").name == "other"
        assert schedules.schedule_pause(schedule).paused
        assert not schedules.schedule_resume(schedule).paused
        assert len(triggers(cloud)) == 1
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []

    @pytest.mark.parametrize("method", ["schedule_set", "schedule_pause", "schedule_delete"])
    def test_it_is_refused_while_a_run_is_in_progress_unless_forced(
        self, cloud, schedules, schedule, method
    ):
        run = cloud.mistral.fire(triggers(cloud)[0], state="RUNNING")
        changes = {"name": "other"} if method == "schedule_set" else {}
        before = list(triggers(cloud))
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            getattr(schedules, method)(schedule, **changes)
        assert triggers(cloud) == before
        getattr(schedules, method)(schedule, **changes, force=True)
        assert triggers(cloud) != before

    def test_a_run_that_only_waits_for_retention_refuses_nothing(self, cloud, schedules, schedule):
        run = cloud.mistral.fire(triggers(cloud)[0], state="RUNNING")
        part = cloud.mistral.add(
            "executions",
            cloud.project,
            **{key: value for key, value in run.items() if key != "project_id"}
            | {"id": str(uuid.uuid4()), "workflow_name": workbook.MAKING}
            | {"root_execution_id": run["id"], "description": None},
        )
        task = cloud.mistral.add(
            "tasks",
            cloud.project,
            workflow_name=workbook.MAKING,
            workflow_execution_id=part["id"],
            name="watch",
            state="DELAYED",
        )
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_set(schedule, name="other")
        cloud.mistral.change("tasks", task, name=workbook.RETAIN)
        assert schedules.schedule_set(schedule, name="other").name == "other"

    def test_a_run_that_was_lost_refuses_nothing_once_it_should_have_its_backup(
        self, cloud, schedules, schedule
    ):
        run = cloud.mistral.fire(triggers(cloud)[0], state="RUNNING")
        backup = cloud.add_backup(
            schedule.instance, "BUILDING", description=f"[schedule {schedule.id}]"
        )
        started = datetime.fromisoformat(run["created_at"]).replace(tzinfo=UTC)
        cloud.mistral.wait(minutes=13, seconds=(started - cloud.mistral.now).total_seconds())
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_set(schedule, name="other")
        next(each for each in cloud.backups if each["id"] == backup)["status"] = "FAILED"
        part = cloud.mistral.add(
            "executions",
            cloud.project,
            **{key: value for key, value in run.items() if key not in ("project_id", "id")}
            | {"workflow_name": workbook.RETENTION, "root_execution_id": run["id"]},
        )
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_set(schedule, name="other")
        cloud.mistral.change("executions", part, state="SUCCESS")
        assert schedules.schedule_set(schedule, name="other").name == "other"

    def test_resume_is_refused_while_a_run_by_hand_is_in_progress(self, cloud, schedules, schedule):
        schedules.schedule_pause(schedule)
        run = schedules.schedule_run(schedule)
        with pytest.raises(ScheduleConflictError, match=run.id):
            schedules.schedule_resume(schedule)
        assert not schedules.schedule_resume(schedule, force=True).paused

    def test_with_an_old_workbook_it_is_paused_resumed_run_and_deleted_but_not_changed(
        self, cloud, schedules, schedule
    ):
        [row] = cloud.mistral.rows("workflows")
        cloud.mistral.change("workflows", row, tags=["trove-schedules-1"])
        with pytest.raises(WorkbookOutdatedError, match="to create or change a schedule"):
            schedules.schedule_set(schedule, name="other")
        assert schedules.schedule_show(schedule) == schedule
        assert schedules.schedule_pause(schedule).paused
        assert not schedules.schedule_resume(schedule).paused
        started = schedules.schedule_run(schedule)
        schedules.schedule_delete(schedule, force=True)
        assert triggers(cloud) == []
        assert schedules.execution_show(started.id).manual

    def test_a_new_parent_is_checked_and_may_be_an_object(self, cloud, schedules, schedule):
        theirs = cloud.add_backup(cloud.add_instance("other"))
        with pytest.raises(InvalidScheduleError, match="same instance"):
            schedules.schedule_set(schedule, parent_id=theirs)
        mine = SimpleNamespace(id=cloud.add_backup(schedule.instance))
        assert schedules.schedule_set(schedule, parent_id=mine).parent_id == mine.id


class TestPauseAndResume:
    def test_a_paused_schedule_never_fires_and_has_no_next_time(self, cloud, schedules, schedule):
        paused = schedules.schedule_pause(schedule)
        (row,) = triggers(cloud)
        assert row["next_execution_time"] == "9999-12-31 23:59:00"
        assert (paused.paused, paused.next_execution_time) == (True, None)
        assert posted(cloud)["first_execution_time"] == "9999-12-31 23:59"
        assert (paused.pattern, paused.name) == (schedule.pattern, schedule.name)

    def test_a_resumed_one_is_due_as_its_pattern_has_it(self, cloud, schedules, schedule):
        schedules.schedule_pause(schedule)
        resumed = schedules.schedule_resume(schedule)
        assert (resumed.paused, resumed.generation) == (False, 3)
        assert resumed.next_execution_time == datetime(2026, 1, 1, 2, 0, tzinfo=UTC)

    @pytest.mark.parametrize("method", ["schedule_pause", "schedule_resume"])
    def test_what_is_so_already_is_left_alone(self, cloud, schedules, schedule, method):
        if method == "schedule_pause":
            schedule = schedules.schedule_pause(schedule)
        cloud.mistral.requests.clear()
        assert getattr(schedules, method)(schedule.id) == schedule
        assert sent(cloud) == []

    def test_a_paused_schedule_stays_paused_when_it_is_changed(self, schedules, schedule):
        schedules.schedule_pause(schedule)
        assert schedules.schedule_set(schedule, pattern="5 3 * * *").paused

    def test_paused_ones_are_listed_last(self, schedules, instance, schedule):
        schedules.schedule_pause(schedule)
        other = schedules.schedule_create(instance, "0 3 * * *", "other")
        found = [each.id for each in schedules.schedule_list()]
        assert found == [other.id, schedule.id]


class TestFirstFiring:
    """The trigger fires by its pattern; what is owed tells the workflow which due times count."""

    DUE_TOMORROW = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
    GUARD_TICK = datetime(2026, 1, 1, 2, 20, tzinfo=UTC)

    @pytest.fixture
    def five_past_two(self, cloud):
        cloud.mistral.wait(hours=2, minutes=5)

    @pytest.mark.usefixtures("five_past_two")
    def test_a_guard_tick_of_a_due_time_before_it_was_there_is_not_owed(
        self, cloud, schedules, instance
    ):
        made = schedules.schedule_create(instance, "0 2 * * *", "n")
        assert (made.next_firing, made.next_execution_time) == (self.GUARD_TICK, self.DUE_TOMORROW)
        assert "first_execution_time" not in posted(cloud)
        assert made.owed_since > datetime(2026, 1, 1, 2, 0, tzinfo=UTC)

    @pytest.mark.parametrize("change", ["resume", "pattern"])
    def test_nor_is_one_of_a_due_time_before_the_change(self, cloud, schedules, schedule, change):
        if change == "resume":
            schedules.schedule_pause(schedule)
        cloud.mistral.wait(hours=2, minutes=5)
        if change == "resume":
            made = schedules.schedule_resume(schedule)
        else:
            made = schedules.schedule_set(schedule, pattern="0 2 * * 1-5")
        assert made.next_firing == self.GUARD_TICK
        assert made.owed_since > datetime(2026, 1, 1, 2, 0, tzinfo=UTC)

    def test_another_change_keeps_the_guard_ticks_that_are_to_come_and_what_is_owed(
        self, cloud, schedules, schedule
    ):
        cloud.mistral.fire(triggers(cloud)[0], state="ERROR")
        cloud.mistral.wait(hours=2, minutes=5)
        for name in ("b", "c"):
            made = schedules.schedule_set(schedule, name=name)
            assert made.next_firing == self.GUARD_TICK
            assert made.next_execution_time == self.DUE_TOMORROW
            assert made.owed_since == schedule.owed_since

    def test_a_pattern_that_somebody_spoilt_does_not_spoil_the_list(
        self, cloud, schedules, schedule
    ):
        (row,) = triggers(cloud)
        given = json.loads(row["workflow_input"])
        given["schedule"]["pattern"] = "every night"
        cloud.mistral.change("cron_triggers", row, workflow_input=given)
        (found,) = schedules.schedule_list()
        assert found.next_execution_time == datetime(2026, 1, 1, 2, 0, tzinfo=UTC)


class KilledError(BaseException):
    """The client is no more; nothing catches this."""


class Trouble:
    """Trouble at the n-th request to Mistral, before or after the server has done it."""

    def __init__(self, mistral, at, when, error):
        self.happened = False
        self._left, self._mistral, self._error = at, mistral, error
        setattr(mistral, when, self._meet)

    def _meet(self, method, path):
        self._left -= 1
        if self._left == 0:
            self.end()
            self.happened = True
            raise self._error

    def end(self):
        self._mistral.before = self._mistral.after = lambda method, path: None


CHANGES = {
    "set": lambda schedules, each: schedules.schedule_set(each, name="changed"),
    "pause": lambda schedules, each: schedules.schedule_pause(each),
    "resume": lambda schedules, each: schedules.schedule_resume(each),
    "delete": lambda schedules, each: schedules.schedule_delete(each),
}


class TestTroubleAtEveryRequest:
    @pytest.fixture(params=CHANGES)
    def change(self, request, schedules, schedule):
        """A change to make, and what the schedule may be afterwards: name and paused."""
        if request.param == "resume":
            schedules.schedule_pause(schedule)
        old = ("nightly", request.param == "resume")
        new = {
            "set": ("changed", False),
            "pause": ("nightly", True),
            "resume": ("nightly", False),
            "delete": None,
        }[request.param]
        return CHANGES[request.param], old, new

    # Killed after a request is killed before the next one.
    @pytest.mark.parametrize(
        ("when", "error"),
        [
            ("before", KilledError()),
            ("before", requests.exceptions.ConnectionError("x")),
            ("after", requests.exceptions.ConnectionError("x")),
        ],
    )
    def test_the_schedule_is_there_exactly_once_and_the_next_command_heals(
        self, cloud, schedule, instance, change, when, error
    ):
        do, old, new = change
        start = cloud.mistral.save()
        seen, at = set(), 0
        while True:
            at += 1
            trouble = Trouble(cloud.mistral, at, when, error)
            try:
                do(cloud.schedules(), schedule.id)
            except (KilledError, Exception) as caught:
                assert trouble.happened, caught
            trouble.end()
            left = len(triggers(cloud))
            # Whoever reads leaves it for a while to the client to which it happened.
            assert [each.id for each in cloud.schedules().schedule_list()] in ([], [schedule.id])
            assert len(triggers(cloud)) == left
            cloud.mistral.wait(minutes=2)
            found = cloud.schedules().schedule_list(instance)
            states = [(each.name, each.paused) for each in found] or [None]
            assert states[0] in (old, new)
            assert len(states) == 1
            assert len(triggers(cloud)) == len(found)
            seen.add((states[0], left))
            if new is not None or found:
                healed = cloud.schedules().schedule_set(schedule.id, deadline=60 + at)
                assert [row["id"] for row in triggers(cloud)] == [healed.trigger_id]
                assert cloud.schedules().schedule_list() == [healed]
            if not trouble.happened:
                break
            cloud.mistral.restore(start)
        assert {state for state, _ in seen} == {old, new}
        assert at > 3
        if new is not None and isinstance(error, KilledError):
            assert (new, 2) in seen

    @pytest.mark.parametrize("hung", [False, True])
    def test_a_reader_leaves_a_leftover_whose_run_is_in_progress_its_rights(
        self, cloud, schedules, schedule, hung
    ):
        Trouble(cloud.mistral, 5, "before", KilledError())
        with pytest.raises(KilledError):
            schedules.schedule_set(schedule, name="changed")
        old, new = triggers(cloud)
        cloud.mistral.wait(minutes=2)
        run = cloud.mistral.fire(old, state="RUNNING")
        assert [each.name for each in schedules.schedule_list()] == ["changed"]
        assert ids(cloud) == [old["id"], new["id"]]
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_pause(schedule)
        if hung:
            cloud.mistral.wait(hours=1)
        else:
            cloud.mistral.change("executions", run, state="SUCCESS")
        # Neither does a hung run hide a young one.
        young = cloud.mistral.fire(old, state="RUNNING")
        cloud.mistral.fire(new, state="RUNNING")
        assert [each.name for each in schedules.schedule_list()] == ["changed"]
        assert ids(cloud) == [old["id"], new["id"]]
        cloud.mistral.change("executions", young, state="SUCCESS")
        assert [each.name for each in schedules.schedule_list()] == ["changed"]
        assert ids(cloud) == [new["id"]]

    def test_deleting_by_force_takes_a_leftover_with_a_run_along(self, cloud, schedules, instance):
        old = add_schedule(cloud, instance)
        add_schedule(cloud, instance, generation=2, schedule=id_of(old), earlier=(old["id"],))
        cloud.mistral.fire(old, state="RUNNING")
        schedules.schedule_delete(id_of(old), force=True)
        assert triggers(cloud) == []

    def test_who_may_not_delete_can_still_read(self, cloud, schedules, instance):
        old = add_schedule(cloud, instance)
        new = add_schedule(cloud, instance, generation=2, schedule=id_of(old))

        def forbid(method, path):
            if method == "DELETE":
                raise RefusedError(403, "Policy doesn't allow cron_triggers:delete")

        cloud.mistral.before = forbid
        assert [each.trigger_id for each in schedules.schedule_list()] == [new["id"]]


class TestTwoClients:
    """Somebody else does something at every boundary of our requests."""

    @pytest.fixture
    def meanwhile(self, cloud):
        """Run something once, at the n-th request to Mistral, before or after it is done."""

        def arrange(at, when, do):
            left = [at]

            def hook(method, path):
                left[0] -= 1
                if left[0] == 0:
                    cloud.mistral.before = cloud.mistral.after = lambda method, path: None
                    do()

            setattr(cloud.mistral, when, hook)

        return arrange

    @pytest.mark.parametrize("times", [1, 2])
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("at", range(1, 8))
    def test_what_both_were_told_is_true_and_nothing_is_lost(
        self, cloud, schedules, schedule, meanwhile, at, when, times
    ):
        theirs = []

        def change():
            for n in range(times):
                theirs.append(cloud.schedules().schedule_set(schedule.id, keep_last=n + 1))

        meanwhile(at, when, change)
        try:
            ours = schedules.schedule_set(schedule.id, name="ours")
        except ScheduleConflictError as error:
            assert "somebody else" in str(error)
            ours = None
        (found,) = cloud.schedules().schedule_list()
        assert [row["id"] for row in triggers(cloud)] == [found.trigger_id]
        assert len(theirs) == times
        assert found.keep_last == times
        assert found.name == ("ours" if ours else "nightly")

    def test_both_meet_where_both_have_read_the_same(self, cloud, schedules, schedule, meanwhile):
        meanwhile(4, "before", lambda: cloud.schedules().schedule_set(schedule.id, name="theirs"))
        with pytest.raises(ScheduleConflictError, match="somebody else"):
            schedules.schedule_set(schedule.id, name="ours")
        assert schedules.schedule_show(schedule).name == "theirs"

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("at", range(1, 8))
    def test_a_reader_at_any_time_sees_it_exactly_once(
        self, cloud, schedules, schedule, meanwhile, at, when
    ):
        seen = []
        meanwhile(at, when, lambda: seen.extend(cloud.schedules().schedule_list()))
        made = schedules.schedule_set(schedule, name="ours")
        assert [each.id for each in seen] == [schedule.id]
        assert schedules.schedule_list() == [made]
        assert len(triggers(cloud)) == 1

    def test_a_change_that_took_too_long_to_tell_deletes_nothing(self, cloud, schedules, schedule):
        def tidied(method, path):
            if method == "POST":
                cloud.mistral.wait(minutes=2)
                cloud.mistral.remove("cron_triggers", triggers(cloud)[0])

        cloud.mistral.after = tidied
        with pytest.raises(ScheduleConflictError, match="changed or deleted by somebody else"):
            schedules.schedule_set(schedule, name="ours")
        assert schedules.schedule_show(schedule).name == "ours"

    def test_a_list_that_lags_behind_is_no_sign_of_a_deletion(
        self, cloud, schedules, schedule, monkeypatch
    ):
        real = generations.of_schedule
        answers = iter([real, lambda mistral, kind, schedule_id: []])
        monkeypatch.setattr(generations, "of_schedule", lambda *given: next(answers, real)(*given))
        made = schedules.schedule_set(schedule, name="ours")
        assert [row["id"] for row in triggers(cloud)] == [made.trigger_id]

    def test_an_answer_that_was_lost_on_the_way_is_no_sign_of_a_deletion(
        self, cloud, schedules, schedule
    ):
        def sent_twice(method, path):
            if method == "DELETE":
                cloud.mistral.remove("cron_triggers", triggers(cloud)[0])

        cloud.mistral.before = sent_twice
        made = schedules.schedule_set(schedule, name="ours")
        assert schedules.schedule_show(schedule) == made

    def test_a_name_that_is_taken_and_gone_again_is_a_conflict(self, cloud, schedules, schedule):
        def taken(method, path):
            if method == "POST":
                raise RefusedError(409, "Duplicate entry")

        cloud.mistral.before = taken
        with pytest.raises(ScheduleConflictError, match="changed by somebody else"):
            schedules.schedule_set(schedule, name="ours")

    def test_a_deletion_gives_up_where_the_schedule_is_changed_again_and_again(
        self, cloud, schedules, schedule
    ):
        def again(method, path):
            if method == "DELETE":
                add_schedule(cloud, schedule.instance, schedule=schedule.id, generation=2)

        cloud.mistral.after = again
        with pytest.raises(ScheduleConflictError, match="changed by somebody else"):
            schedules.schedule_delete(schedule)


class TestTrial:
    def test_it_is_a_trigger_of_one_firing_two_whole_minutes_ahead(
        self, cloud, schedules, schedule
    ):
        cloud.mistral.wait(seconds=17)
        asked_at = cloud.mistral.now
        trial = schedules.schedule_trial(schedule)
        ahead = trial.due_at - asked_at
        assert (trial.due_at.second, 120 <= ahead.total_seconds() < 180) == (0, True)
        (_, row) = triggers(cloud)
        minute = int(trial.due_at.timestamp()) // 60
        assert row["name"] == f"trove-backup-trial:{schedule.instance}:{schedule.id}:{minute}"
        assert row["remaining_executions"] == 1
        body = posted(cloud)
        assert "pattern" not in body
        given = json.loads(body["workflow_input"])
        assert given["schedule"]["manual"] is True
        assert given | {"schedule": None} == schedule.input | {"schedule": None}

    def test_it_is_no_schedule_and_hides_none(self, cloud, schedules, schedule, instance):
        schedules.schedule_trial(schedule)
        assert schedules.schedule_list() == schedules.schedule_list(instance) == [schedule]
        assert schedules.schedule_show(schedule) == schedule
        schedules.schedule_delete(schedule)
        assert schedules.schedule_list() == []

    def test_its_execution_is_found_once_it_has_fired(self, cloud, schedules, schedule):
        trial = schedules.schedule_trial(schedule)
        assert schedules.trial_execution(trial) is None
        cloud.mistral.add_execution(cloud.project, schedule.trigger_id)
        assert schedules.trial_execution(trial) is None
        row = cloud.mistral.fire(triggers(cloud)[1])
        found = schedules.trial_execution(trial)
        assert (found.id, found.schedule_id, found.manual) == (row["id"], schedule.id, True)

    @pytest.mark.parametrize("fired", [True, False])
    def test_ending_it_leaves_nothing_behind(self, cloud, schedules, schedule, fired):
        trial = schedules.schedule_trial(schedule)
        if fired:
            cloud.mistral.fire(triggers(cloud)[1])
        assert schedules.trial_end(trial) is not fired
        assert [row["id"] for row in triggers(cloud)] == [schedule.trigger_id]

    def test_it_needs_a_login_that_can_delegate(self, cloud, schedules, schedule):
        (token,) = cloud.mistral.callers
        cloud.mistral.callers[token] = Caller(cloud.project, may_delegate=False)
        with pytest.raises(Exception, match="user name and password"):
            schedules.schedule_trial(schedule)
        assert len(triggers(cloud)) == 1
