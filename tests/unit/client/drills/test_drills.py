# SPDX-License-Identifier: Apache-2.0
"""Drills: started, repeated by triggers of their own, and judged."""

import json
from datetime import UTC, datetime

import pytest

from tests.unit.client.rows import UNKNOWN, change_triggers
from trove_schedules import workbook
from trove_schedules.drills.proofs import proofs_of
from trove_schedules.errors import (
    ExecutionNotFoundError,
    InvalidPatternError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    WorkbookMissingError,
)
from trove_schedules.health import State
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.names import DRILL, marker
from trove_schedules.triggers import generations

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSED = {"status": "Drill passed: backup b restored in 7 s", "backup_id": "b"}


@pytest.fixture(autouse=True)
def drill_workflow(cloud):
    cloud.mistral.add_workflow(cloud.project, name=workbook.DRILL)


@pytest.fixture
def drilled(cloud, schedule):
    """Adds a drill of the schedule that has ended."""

    def add(state="SUCCESS", output=None, info=None, of=schedule.id, minute=0):
        return cloud.mistral.add_execution(
            cloud.project,
            "t",
            workflow_name=workbook.DRILL,
            state=state,
            state_info=info,
            output=json.dumps(PASSED if output is None else output),
            input=json.dumps({"instance": schedule.instance, "schedule": {"id": of}}),
            updated_at=f"2026-01-05 00:{minute:02}:00",
        )

    return add


def triggers(cloud):
    rows = cloud.mistral.rows("cron_triggers")
    return [each for each in rows if each["workflow_name"] == workbook.DRILL]


def test_a_drill_is_started_with_the_schedule_and_is_none_of_its_runs(cloud, schedules, schedule):
    started = schedules.schedule_drill(schedule)
    assert (started.schedule_id, started.manual) == (schedule.id, True)
    [row] = cloud.mistral.rows("executions")
    assert row["workflow_name"] == workbook.DRILL
    assert json.loads(row["input"]) == {
        "instance": schedule.instance,
        "schedule": {"id": schedule.id, "manual": True},
    }
    assert schedules.execution_list(schedule) == []
    assert [each.id for each in schedules.execution_list(schedule, drills_only=True)] == [
        started.id
    ]
    assert schedules.execution_show(started.id).id == started.id


def test_without_its_workflow_the_error_says_how_to_load_it(cloud, schedules, schedule):
    cloud.mistral.remove("workflows", cloud.mistral.rows("workflows")[-1])
    with pytest.raises(WorkbookMissingError, match=r"backup_drill.*workbook load"):
        schedules.schedule_drill(schedule)


def test_drills_by_a_pattern_are_a_trigger_of_their_own_that_no_list_shows(
    cloud, schedules, schedule
):
    drill = schedules.schedule_drill_every(schedule, "H 4 * * 0")
    [row] = triggers(cloud)
    assert row["name"] == f"trove-drill:{schedule.instance}:{schedule.id}:1"
    assert (drill.trigger_id, drill.pattern) == (row["id"], row["pattern"])
    assert "H" not in row["pattern"]
    assert json.loads(row["workflow_input"])["schedule"] == {"id": schedule.id}
    assert schedules.schedule_drill_show(schedule) == drill
    assert [each.id for each in schedules.schedule_list()] == [schedule.id]
    assert [each.id for each in schedules.schedule_list(schedule.instance)] == [schedule.id]
    assert schedules.schedule_show(schedule).trigger_id == schedule.trigger_id


def test_another_pattern_takes_the_place_of_the_one_before(cloud, schedules, schedule):
    schedules.schedule_drill_every(schedule, "0 4 * * 0")
    second = schedules.schedule_drill_every(schedule, "0 5 * * 0")
    assert [each["name"][-2:] for each in triggers(cloud)] == [":2"]
    assert schedules.schedule_drill_show(schedule) == second
    assert schedules.schedule_drill_every(schedule, None) is None
    assert triggers(cloud) == []
    assert schedules.schedule_drill_show(schedule) is None


def test_who_is_quicker_with_another_pattern_is_a_conflict_and_keeps_it(
    cloud, schedules, schedule, monkeypatch
):
    listed = generations.of_schedule

    def look(mistral, kind, schedule_id):
        before = listed(mistral, kind, schedule_id)
        monkeypatch.setattr(generations, "of_schedule", listed)
        schedules.schedule_drill_every(schedule, "0 5 * * *")
        return before

    def look_in_time(mistral, kind, schedule_id):
        """The first look is for the schedule, the second for its drills."""
        if kind == DRILL:
            return look(mistral, kind, schedule_id)
        return listed(mistral, kind, schedule_id)

    monkeypatch.setattr(generations, "of_schedule", look_in_time)
    with pytest.raises(ScheduleConflictError, match="'0 5"):
        schedules.schedule_drill_every(schedule, "0 4 * * 0")
    assert schedules.schedule_drill_show(schedule).pattern == "0 5 * * *"


@pytest.fixture
def killed_between(cloud, schedules, schedule):
    """Two triggers of drills, as whoever is killed while changing the pattern leaves them."""
    schedules.schedule_drill_every(schedule, "0 4 * * 0")
    [first] = triggers(cloud)
    schedules.schedule_drill_every(schedule, "0 5 * * 0")
    cloud.mistral.put("cron_triggers", first)
    return first


def test_a_change_that_was_killed_is_tidied_by_the_next_reader(
    cloud, schedules, schedule, killed_between
):
    assert schedules.schedule_drill_show(schedule).pattern == "0 5 * * 0"
    # Its maker may still be at work.
    assert [each["name"][-2:] for each in triggers(cloud)] == [":2", ":1"]
    cloud.mistral.wait(minutes=2)
    assert schedules.schedule_drill_show(schedule).pattern == "0 5 * * 0"
    assert [each["name"][-2:] for each in triggers(cloud)] == [":2"]


def test_not_while_a_drill_by_the_older_one_is_in_progress(
    cloud, schedules, schedule, killed_between
):
    cloud.mistral.wait(minutes=2)
    cloud.mistral.add_execution(
        cloud.project, killed_between["id"], workflow_name=workbook.DRILL, state="RUNNING"
    )
    assert schedules.schedule_drill_show(schedule).pattern == "0 5 * * 0"
    assert len(triggers(cloud)) == 2


@pytest.mark.parametrize("pattern", ["0 5 * * 0", None])
def test_a_drill_by_the_pattern_in_progress_keeps_it_from_being_changed(
    cloud, schedules, schedule, drilled, pattern
):
    first = schedules.schedule_drill_every(schedule, "0 4 * * 0")
    row = drilled(state="RUNNING", output={})
    with pytest.raises(ScheduleConflictError, match=rf"drill in progress.*{row['id']}"):
        schedules.schedule_drill_every(schedule, pattern)
    assert schedules.schedule_drill_show(schedule) == first
    schedules.schedule_drill_every(schedule, pattern, force=True)
    assert schedules.schedule_drill_show(schedule) != first


def test_a_drill_by_hand_in_progress_is_not_in_the_way_of_a_pattern(schedules, schedule):
    assert schedules.schedule_drill(schedule).state == "RUNNING"
    assert schedules.schedule_drill_every(schedule, "0 4 * * 0").pattern == "0 4 * * 0"


def test_a_wrong_pattern_is_refused_before_any_request(cloud, schedules, schedule):
    before = len(cloud.mock.request_history)
    with pytest.raises(InvalidPatternError):
        schedules.schedule_drill_every(schedule, "every sunday")
    assert len(cloud.mock.request_history) == before


@pytest.fixture
def orphan(cloud, schedules, schedule):
    """A trigger of drills whose schedule is gone."""
    schedules.schedule_drill_every(schedule, "0 4 * * 0")
    cloud.mistral.remove("cron_triggers", {"id": schedule.trigger_id})


@pytest.mark.parametrize(
    "end",
    [
        lambda schedules, schedule, **how: schedules.schedule_delete(schedule, **how),
        lambda schedules, schedule, **how: schedules.schedule_drill_every(schedule, None, **how),
    ],
)
def test_drills_of_a_schedule_that_is_gone_can_be_stopped(
    cloud, schedules, schedule, orphan, drilled, end
):
    row = drilled(state="RUNNING", output={})
    with pytest.raises(ScheduleConflictError, match=row["id"]):
        end(schedules, schedule.id)
    cloud.mistral.change("executions", row, state="ERROR")
    end(schedules, schedule.id)
    assert triggers(cloud) == []
    with pytest.raises(ScheduleNotFoundError):
        end(schedules, schedule.id)


def test_no_drills_are_begun_for_a_schedule_that_is_gone(cloud, schedules, schedule, orphan):
    with pytest.raises(ScheduleNotFoundError):
        schedules.schedule_drill_every(schedule, "0 5 * * 0")
    assert len(triggers(cloud)) == 1


def test_to_stop_drills_twice_is_fine(schedules, schedule):
    assert schedules.schedule_drill_every(schedule, None) is None
    assert schedules.schedule_drill_every(schedule, None) is None


def test_the_same_pattern_again_changes_nothing_even_while_drilling(
    cloud, schedules, schedule, drilled
):
    first = schedules.schedule_drill_every(schedule, "H 4 * * 0")
    drilled(state="RUNNING", output={})
    assert schedules.schedule_drill_every(schedule, "H 4 * * 0") == first
    assert [each["id"] for each in triggers(cloud)] == [first.trigger_id]


def test_drills_are_repeated_and_ended_by_the_schedule_s_name(cloud, schedules, schedule):
    drill = schedules.schedule_drill_every(schedule.name, "0 4 * * 0")
    assert drill.schedule_id == schedule.id
    schedules.schedule_drill_every(schedule.name, None)
    assert triggers(cloud) == []


def test_a_drill_that_is_too_old_to_do_anything_is_in_nobodys_way(
    cloud, schedules, schedule, drilled
):
    schedules.schedule_drill_every(schedule, "0 4 * * 0")
    drilled(state="RUNNING", output={})
    cloud.mistral.wait(hours=1)
    schedules.schedule_drill_every(schedule, "0 5 * * 0")
    row = drilled(state="RUNNING", output={})
    with pytest.raises(ScheduleConflictError, match=row["id"]):
        schedules.schedule_delete(schedule)
    cloud.mistral.wait(hours=1)
    schedules.schedule_delete(schedule)
    assert cloud.mistral.rows("cron_triggers") == []


@pytest.mark.parametrize("force", [False, True])
def test_a_drill_that_starts_during_a_change_of_the_pattern_keeps_its_rights(
    cloud, schedules, schedule, force
):
    first = schedules.schedule_drill_every(schedule, "0 4 * * 0")

    def start(method, path):
        if method == "POST":
            cloud.mistral.add_execution(
                cloud.project, first.trigger_id, workflow_name=workbook.DRILL, state="RUNNING"
            )

    cloud.mistral.after = start
    schedules.schedule_drill_every(schedule, "0 5 * * 0", force=force)
    assert len(triggers(cloud)) == (1 if force else 2)


@pytest.mark.parametrize("method", ["schedule_drill", "schedule_drill_show"])
def test_an_unknown_schedule_is_not_found(schedules, method):
    with pytest.raises(ScheduleNotFoundError):
        getattr(schedules, method)(UNKNOWN)


def test_a_change_of_the_schedule_leaves_its_drills_and_deletion_takes_them(
    cloud, schedules, schedule
):
    drill = schedules.schedule_drill_every(schedule, "0 4 * * 0")
    changed = schedules.schedule_set(schedule, name="other")
    assert schedules.schedule_drill_show(changed) == drill
    schedules.schedule_delete(schedule)
    assert cloud.mistral.rows("cron_triggers") == []


def test_a_drill_in_progress_keeps_the_schedule_from_being_deleted(schedules, schedule, drilled):
    row = drilled(state="RUNNING", output={})
    with pytest.raises(ScheduleConflictError, match=rf"drill in progress.*{row['id']}"):
        schedules.schedule_delete(schedule)
    schedules.schedule_delete(schedule, force=True)


def test_drills_are_listed_by_themselves_from_a_marker_on(schedules, schedule, drilled):
    first, second, other = drilled(), drilled(), drilled(of=UNKNOWN)
    found = schedules.execution_list(schedule, drills_only=True)
    assert [each.id for each in found] == [second["id"], first["id"]]
    found = schedules.execution_list(schedule, drills_only=True, marker=second["id"], limit=1)
    assert [each.id for each in found] == [first["id"]]
    for marked in (UNKNOWN, other["id"]):
        with pytest.raises(ExecutionNotFoundError):
            schedules.execution_list(schedule, drills_only=True, marker=marked)


@pytest.fixture
def healthy(cloud, schedule):
    """The schedule has what was due."""
    cloud.quotas.append({"resource": "backups", "limit": 50, "in_use": 1, "reserved": 0})
    cloud.add_backup(
        schedule.instance, description=marker(schedule.id), created="2999-01-01T02:00:00"
    )
    change_triggers(cloud, next_execution_time="2999-01-02 02:00:00")


def health(schedules, schedule):
    [found] = schedules.schedule_health([schedule.id])
    return found


def test_health_tells_the_last_proven_restore(schedules, schedule, healthy, drilled):
    assert health(schedules, schedule).last_proven is None
    drilled(minute=1)
    drilled(minute=2)
    drilled(output={"status": "Skipped: drill x is running"}, minute=3)
    drilled(state="RUNNING", output={}, minute=4)
    found = health(schedules, schedule)
    assert found.last_proven == datetime(2026, 1, 5, 0, 2, tzinfo=UTC)
    assert (found.state, found.proven_backup) == (State.OK, "b")


def test_a_failed_drill_makes_health_fail_until_a_newer_one_passes(
    schedules, schedule, healthy, drilled
):
    drilled(minute=1)
    drilled("ERROR", {}, "Backup b does not restore. b.tar.zst is damaged", minute=2)
    found = health(schedules, schedule)
    assert found.state == State.FAILED
    assert found.reason.startswith(
        "the newest drill failed: Backup b does not restore. b.tar.zst is damaged; last"
    )
    assert found.last_proven == datetime(2026, 1, 5, 0, 1, tzinfo=UTC)
    drilled(minute=3)
    assert health(schedules, schedule).state == State.OK


def test_what_is_worse_stays_with_the_drill_added(schedules, schedule, cloud, drilled):
    change_triggers(cloud, created_at="2025-01-01")
    drilled("ERROR", {}, "damaged")
    found = health(schedules, schedule)
    assert found.state in (State.LOST, State.OVERDUE)
    assert found.reason.endswith("the newest drill failed: damaged")


def test_the_drills_of_all_schedules_cost_health_one_request(cloud, schedules, schedule, healthy):
    schedules.schedule_create(schedule.instance, "0 2 * * *", "other")
    before = cloud.mistral.count("GET", "/executions")
    change_triggers(cloud, created_at="2999-01-01")
    schedules.schedule_health()
    assert cloud.mistral.count("GET", "/executions") == before + 1


def test_drills_are_judged_by_schedule_newest_first():
    def drill(schedule_id, state, minute):
        at = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
        output = {"status": "Drill passed: x"} if state == "SUCCESS" else {}
        return ScheduleExecution("e", schedule_id, "b", False, at, at, state, "why", output)

    judged = proofs_of(
        [
            drill("a", "ERROR", 9),
            drill("b", "SUCCESS", 8),
            drill("a", "ERROR", 7),
            drill("b", "ERROR", 6),
            drill("a", "SUCCESS", 5),
            drill("c", "CANCELLED", 4),
        ]
    )
    assert sorted(judged) == ["a", "b"]
    assert (judged["a"].failure, judged["a"].last_proven.minute) == ("why", 5)
    assert (judged["b"].failure, judged["b"].last_proven.minute) == (None, 8)


def test_only_what_a_drill_before_the_backup_has_seen_is_lacking():
    def drill(day, created, lacks, source):
        at = datetime(2026, 1, day, 4, 1, tzinfo=UTC)
        restored = {"lacks": lacks, "source": source}
        output = {"status": "Drill passed: x", "backup_created": created, "restored": restored}
        return ScheduleExecution("e", "a", "b", False, at, at, "SUCCESS", None, output)

    last = drill(18, "2026-01-17T02:00:00", ["database x", "database new"], ["database x"])
    during = drill(17, "2026-01-16T02:00:00", [], ["database new"])
    before = drill(11, "2026-01-10T02:00:00", [], ["database x"])
    older = ScheduleExecution("e", "a", "b", False, NOW, NOW, "SUCCESS", None, PASSED)

    assert proofs_of([last, during, before])["a"].lacking == ("database x",)
    assert proofs_of([last, during])["a"].lacking == ()
    assert proofs_of([last, older])["a"].lacking == (), "an older workbook doesn't tell"
    assert proofs_of([older, before])["a"].lacking == ()


def test_a_restore_without_an_old_database_is_a_failure_of_the_schedule(
    schedules, schedule, healthy, drilled
):
    def restored(created, lacks):
        told = {"lacks": lacks, "source": ["database x"]}
        return PASSED | {"backup_created": created, "restored": told}

    drilled(output=restored("2026-01-04T00:00:00", []), minute=1)
    assert health(schedules, schedule).state == State.OK
    drilled(output=restored("2026-01-05T00:01:30", ["database x"]), minute=2)
    found = health(schedules, schedule)
    assert found.state == State.FAILED
    assert found.reason.startswith(
        "backup b restores without database x, older than the backup; "
    ), found.reason
    assert found.last_proven is not None
