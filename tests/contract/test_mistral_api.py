# SPDX-License-Identifier: Apache-2.0
"""Our client against Mistral's real API: what the schedules take for granted of it."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from mistralclient.api.v2.client import Client

from tests.mistral_api import URL, MistralApi
from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.errors import (
    PermissionDeniedError,
    ScheduleConflictError,
    ServiceError,
    WorkbookError,
    WorkbookMissingError,
)
from trove_schedules.manager import ScheduledBackups
from trove_schedules.runs.progress import refuse_while_running
from trove_schedules.triggers.reading import NEVER

OURS, THEIRS = uuid.uuid4().hex, uuid.uuid4().hex
INPUT = {"instance": "i", "name": "n"}


@pytest.fixture
def api(api: MistralApi) -> MistralApi:
    """That the workbook is one is test_workbook_language's to say, once."""
    api.check_syntax(False)
    return api


def client(api: MistralApi, project: str = OURS, *, admin: bool = False) -> Any:
    session = api.session(project, admin=admin)
    return Client(mistral_url=URL, session=session, project_id=project)


def add_execution(api: MistralApi, project: str, **values: Any) -> str:
    """An execution's id."""
    return str(api.add_execution(project, **values)["id"])


@pytest.fixture
def mistral(api) -> Mistral:
    """An ordinary user's."""
    return Mistral(client(api))


@pytest.fixture
def workflow(mistral) -> str:
    """The workbook is loaded, and this is its workflow's id."""
    workbook.load(mistral, public=False)
    return workbook.require(mistral)


def described(trigger_id: str) -> str:
    return json.dumps({"triggered_by": {"type": "cron_trigger", "id": trigger_id}})


class TestTriggers:
    @pytest.mark.parametrize("max_limit", [1, 4, 5, 6, 1000])
    def test_all_are_listed_however_pages_are_cut(self, api, mistral, workflow, max_limit):
        names = [f"t{i}" for i in range(5)]
        for name in names:
            mistral.create_cron_trigger(name, workflow, "0 2 * * *", INPUT)
        api.max_limit = max_limit
        before = len(api.requests)
        assert sorted(each.name for each in mistral.cron_triggers()) == names
        assert len(api.requests) - before == 5 // max_limit + 1

    def test_a_name_is_filtered_by_a_part_of_it(self, mistral, workflow):
        for name in ("trove-backup:a:b:1", "trove-backup:c:d:1", "other"):
            mistral.create_cron_trigger(name, workflow, "0 2 * * *", INPUT)
        found = mistral.cron_triggers(
            name="has:trove-backup:a:", workflow_name=f"eq:{workbook.WORKFLOW}"
        )
        assert [each.name for each in found] == ["trove-backup:a:b:1"]
        assert mistral.cron_triggers(workflow_name="eq:other") == []

    def test_texts_come_back_as_they_were_sent(self, mistral, workflow):
        given = INPUT | {"name": "<% env() %> {{ 1 }} '\"\\\n\t é😀 \u2028"}
        made = mistral.create_cron_trigger("t", workflow, "0 2 * * *", given)
        assert made.input == given
        assert mistral.cron_triggers() == [made]

    def test_names_are_unique_in_a_project_so_a_second_create_finds_the_first(
        self, api, mistral, workflow
    ):
        first = mistral.create_cron_trigger("t", workflow, "0 2 * * *", INPUT)
        before = len(api.requests)
        assert mistral.create_cron_trigger("t", workflow, "0 2 * * *", INPUT) == first
        assert len(api.requests) - before == 2

    def test_one_is_deleted_by_its_id_once(self, mistral, workflow):
        made = mistral.create_cron_trigger("t", workflow, "0 2 * * *", INPUT)
        assert mistral.delete_cron_trigger(made.id)
        assert mistral.cron_triggers() == []
        assert not mistral.delete_cron_trigger(made.id)

    @pytest.mark.parametrize("pattern", ["0 2 * * *", None])
    def test_a_first_time_is_kept_to_the_last_year_there_is(self, mistral, workflow, pattern):
        made = mistral.create_cron_trigger(
            "t", workflow, pattern, INPUT, first_time=NEVER, count=None if pattern else 1
        )
        assert mistral.cron_triggers() == [made]
        # A trigger that fires once is shown with a pattern that never comes.
        assert (made.next_execution_time, made.pattern) == (NEVER, pattern or "0 0 30 2 0")

    def test_a_first_time_within_a_minute_is_refused(self, mistral, workflow):
        soon = datetime(2025, 12, 31, tzinfo=UTC)
        with pytest.raises(ServiceError, match="at least 1 minute in the future") as caught:
            mistral.create_cron_trigger("t", workflow, "0 2 * * *", INPUT, first_time=soon)
        assert caught.value.status == 400

    def test_a_name_that_is_taken_is_found_with_its_own_input(self, mistral, workflow):
        made = mistral.create_cron_trigger("t", workflow, "0 2 * * *", INPUT)
        other = INPUT | {"name": "other"}
        assert mistral.create_cron_trigger("t", workflow, "0 3 * * *", other) == made

    def test_of_another_projects_nothing_is_seen(self, api, mistral, workflow):
        made = mistral.create_cron_trigger("t", workflow, "0 2 * * *", INPUT)
        other = Mistral(client(api, THEIRS))
        assert other.cron_triggers() == []
        assert not other.delete_cron_trigger(made.id)
        assert mistral.cron_triggers() == [made]
        assert Mistral(client(api, THEIRS, admin=True)).cron_triggers() == []

    def test_another_projects_private_workflow_is_not_there(self, api, workflow):
        with pytest.raises(ServiceError) as caught:
            Mistral(client(api, THEIRS)).create_cron_trigger("t", workflow, "0 2 * * *", INPUT)
        assert caught.value.status == 404


def test_an_action_tells_what_it_takes(api):
    mistral = Mistral(client(api))
    taken = mistral.action_inputs("trove.backups_create")
    assert {"instance", "name", "description", "storage_driver", "swift_container"} <= taken
    with pytest.raises(ServiceError, match="HTTP 404"):
        mistral.action_inputs("trove.no_such_action")


class TestExecutions:
    def test_what_it_has_not_found_it_names(self, mistral):
        assert mistral.execution("11111111-1111-4111-8111-111111111111") is None
        assert not mistral.delete_cron_trigger("11111111-1111-4111-8111-111111111111")
        assert not mistral.action_exists("trove.no_such_action")

    def test_the_newest_come_first_with_their_output(self, api, mistral):
        ids = [add_execution(api, OURS, created_at=_moment(second)) for second in range(3)]
        found = list(mistral.executions())
        assert [each.id for each in found] == ids[::-1]
        assert found[0].output == {"status": "Backup complete"}

    @pytest.mark.parametrize("max_limit", [1, 7, 1000])
    def test_all_are_listed_from_a_marker_on(self, api, mistral, max_limit):
        for _ in range(10):
            add_execution(api, OURS, created_at=_moment(0))
        all_ids = [each.id for each in mistral.executions()]
        api.max_limit = max_limit
        rest = [each.id for each in mistral.executions(marker=all_ids[3])]
        assert len(set(all_ids)) == 10
        assert rest == all_ids[4:]

    def test_a_description_is_filtered_by_a_part_of_it(self, api, mistral):
        trigger = str(uuid.uuid4())
        mine = add_execution(api, OURS, description=described(trigger))
        add_execution(api, OURS, description=described(str(uuid.uuid4())))
        (found,) = mistral.executions(description=f"has:{trigger}", limit=20)
        assert (found.id, found.trigger_id) == (mine, trigger)

    def test_they_are_filtered_by_state(self, api, mistral):
        running = add_execution(api, OURS, state="RUNNING")
        add_execution(api, OURS)
        assert [each.id for each in mistral.executions(state="RUNNING")] == [running]

    def test_an_ordinary_user_may_not_filter_by_project(self, mistral):
        with pytest.raises(PermissionDeniedError):
            list(mistral.executions(project_id=OURS))

    def test_an_administrators_list_spans_projects_and_ours_is_kept_of_it(self, api, mistral):
        theirs = add_execution(api, THEIRS)
        admin = Mistral(client(api, OURS, admin=True))
        ours = add_execution(api, OURS)
        assert [each.id for each in admin.executions()] == [ours]
        assert admin.execution(theirs) is None
        assert admin.request("show", "get", f"/executions/{theirs}")["project_id"] == THEIRS

    def test_one_is_shown_and_deleted_by_its_id(self, api, mistral):
        execution = add_execution(api, OURS)
        assert mistral.execution(execution).state == "SUCCESS"
        mistral.delete_execution(execution)
        assert mistral.execution(execution) is None

    def test_an_unfinished_one_cannot_be_deleted(self, api, mistral):
        execution = add_execution(api, OURS, state="RUNNING")
        with pytest.raises(PermissionDeniedError, match="Only completed executions"):
            mistral.delete_execution(execution)

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_must_be_positive(self, mistral, limit):
        with pytest.raises(ServiceError):
            mistral.request("list", "get", f"/executions?limit={limit}")


@pytest.fixture
def four(api) -> list[str]:
    """Ids of executions that were created a second after each other, and updated in seconds 5 to 8,
    the oldest last."""
    return [
        add_execution(api, OURS, created_at=_moment(second), updated_at=_moment(8 - second))
        for second in range(4)
    ]


class TestTimes:
    """What histories take for granted of the filters by time, and of the order by update."""

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"updated_at": "gte:2026-01-01 00:00:07"}, [1, 0]),
            ({"updated_at": "lt:2026-01-01 00:00:07"}, [3, 2]),
            ({"created_at": "gte:2026-01-01 00:00:02"}, [3, 2]),
            ({"created_at": "lt:2026-01-01 00:00:02"}, [1, 0]),
            (
                {"updated_at": "gte:2026-01-01 00:00:06", "created_at": "lt:2026-01-01 00:00:02"},
                [1, 0],
            ),
            (
                {"updated_at": "gte:2026-01-01 00:00:08", "created_at": "gte:2026-01-01 00:00:01"},
                [],
            ),
            ({"updated_at": "gte:2025-12-31 23:59:59"}, [3, 2, 1, 0]),
        ],
    )
    def test_a_time_is_the_first_of_those_from_it_on(self, mistral, four, filters, expected):
        found = [each.id for each in mistral.executions(**filters)]
        assert found == [four[each] for each in expected]

    def test_a_marker_and_pages_go_with_them(self, api, mistral, four):
        api.max_limit = 1
        found = mistral.executions(marker=four[2], updated_at="gte:2026-01-01 00:00:06")
        assert [each.id for each in found] == [four[1], four[0]]

    def test_the_one_that_was_updated_the_longest_ago_is_told(self, api, mistral, four):
        add_execution(api, OURS, state="RUNNING", created_at=_moment(0), updated_at=_moment(1))
        assert mistral.oldest_update(state="SUCCESS") == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
        assert mistral.oldest_update(state="ERROR") is None


def test_of_two_filters_of_a_column_mistral_takes_none(api):
    """Why a window has one bound for each of its two columns."""
    add_execution(api, OURS, created_at=_moment(1))
    query = "updated_at=gte:2026-01-01 00:00:02&updated_at=lt:2026-01-01 00:00:09"
    answer = Mistral(client(api)).request("list", "get", f"/executions?{query}")
    assert len(answer["executions"]) == 1


def _moment(second: int) -> datetime:
    return datetime(2026, 1, 1, 0, 0, second)  # noqa: DTZ001 - Mistral's are naive


class TestWorkbook:
    def test_it_loads_and_its_workflow_shows_the_version_in_its_tags(self, mistral, workflow):
        (found,) = mistral.workflows(workbook.WORKFLOW)
        assert found.scope == "private"
        assert found.project_id == OURS
        assert found.tags == (f"trove-schedules-{workbook.version_of(workbook.text())}",)

    def test_loading_it_again_changes_nothing(self, mistral, workflow):
        assert workbook.load(mistral, public=False).action == "unchanged"

    def test_an_upgrade_keeps_the_workflows_id_and_its_triggers(
        self, api, mistral, workflow, monkeypatch
    ):
        made = mistral.create_cron_trigger("t", workflow, "0 2 * * *", INPUT)
        current = workbook.version_of(workbook.text())
        newer = workbook.text().replace(f"-schedules-{current}]", "-schedules-9]")
        monkeypatch.setattr(workbook, "text", lambda: newer)
        assert workbook.load(mistral, public=False).version == 9
        assert workbook.require(mistral) == workflow
        assert mistral.cron_triggers() == [made]

    def test_only_administrators_publish(self, api):
        with pytest.raises(PermissionDeniedError):
            workbook.load(Mistral(client(api)), public=True)
        admin = Mistral(client(api, admin=True))
        assert workbook.load(admin, public=True).scope == "public"
        assert workbook.require(Mistral(client(api, THEIRS)))

    def test_private_to_public_is_an_update(self, api, workflow):
        admin = Mistral(client(api, admin=True))
        assert workbook.load(admin, public=True).action == "updated"
        assert workbook.require(Mistral(client(api, THEIRS)))

    def test_an_administrator_is_not_fooled_and_changes_nothing(self, api, mistral, workflow):
        admin = Mistral(client(api, THEIRS, admin=True))
        with pytest.raises(WorkbookMissingError):
            workbook.require(admin)
        with pytest.raises(WorkbookError, match=OURS):
            workbook.load(admin, public=True)
        assert mistral.workflows(workbook.WORKFLOW)[0].project_id == OURS


def test_mistral_itself_would_have_changed_the_other_projects_workflow(api):
    """Why :func:`workbook.load` refuses: this is the damage."""
    ours = Mistral(client(api))
    workbook.load(ours, public=False)
    before = workbook.require(ours)
    admin = Mistral(client(api, THEIRS, admin=True))
    admin.save_workbook(workbook.text(), scope="public", update=False)
    (moved,) = ours.workflows(workbook.WORKFLOW)
    assert (moved.id, moved.project_id) == (before, THEIRS)


@pytest.mark.parametrize("extra", [{"bogus": 1}, {}])
def test_mistral_checks_a_triggers_input_against_the_workflows(api, extra):
    mistral = Mistral(client(api))
    workbook.load(mistral, public=False)
    given = INPUT | extra if extra else {"name": "n"}
    with pytest.raises(ServiceError, match="Invalid input") as caught:
        mistral.create_cron_trigger("t", workbook.require(mistral), "0 2 * * *", given)
    assert caught.value.status == 400


@pytest.mark.parametrize("field", ["input", "params"])
def test_json_fields_cannot_be_searched(api, field):
    with pytest.raises(ServiceError) as caught:
        Mistral(client(api)).request("list", "get", f"/executions?{field}=has:x")
    assert caught.value.status == 400


def test_lists_leave_the_output_out_unless_asked(api):
    add_execution(api, OURS)
    mistral = Mistral(client(api))
    (row,) = mistral.request("list", "get", "/executions?limit=5")["executions"]
    assert "output" not in row


def test_the_managers_calls_work_on_mistral_as_they_are(api, monkeypatch):
    """The six methods, with only Trove made up."""
    instance = str(uuid.uuid4())
    schedules = ScheduledBackups(object())
    trove = type("T", (), {"instance_id": staticmethod(lambda _: instance)})
    schedules._own.trove = trove
    ours = client(api)
    schedules.workbook_load(ours)
    made = schedules.schedule_create("m", "0 2 1 1 *", "é <% 1 %>", mistral_client=ours)
    assert schedules.schedule_list("m", ours) == [made]
    assert schedules.schedule_show(made, ours) == made
    now = datetime.now(UTC).replace(tzinfo=None)
    run = add_execution(
        api, OURS, description=described(made.trigger_id), state="RUNNING", created_at=now
    )
    with pytest.raises(ScheduleConflictError):
        refuse_while_running(schedules._own.through(ours), made)
    with pytest.raises(ScheduleConflictError):
        schedules.schedule_delete(made, ours)
    for _ in range(200):
        add_execution(api, OURS, description=described(made.trigger_id), created_at=now)
    api.requests.clear()
    assert len(schedules.execution_list(made, ours, limit=20)) == 20
    assert len([each for each in api.requests if each[1] == "/executions"]) == 1
    assert len(schedules.execution_list(made, ours)) == 201
    assert schedules.execution_list(made, ours, marker=run, limit=5) is not None
    paused = schedules.schedule_pause(made, ours, force=True)
    assert schedules.schedule_list(None, ours) == [paused]
    assert (paused.paused, paused.next_execution_time) == (True, None)
    named = schedules.schedule_set(made, ours, name="other", force=True)
    assert (named.name, named.paused, named.generation) == ("other", True, 3)
    resumed = schedules.schedule_resume(made, ours, force=True)
    assert schedules.schedule_show(made.id, ours) == resumed
    assert resumed.next_execution_time == made.next_execution_time
    assert len(schedules.execution_list(resumed, ours)) == 201
    trial = schedules.schedule_trial(resumed, ours)
    assert schedules.schedule_list(None, ours) == [resumed]
    trial_run = add_execution(api, OURS, description=described(trial.trigger_id))
    assert schedules.trial_execution(trial, ours).id == trial_run
    schedules.trial_end(trial, ours)
    schedules.schedule_delete(made, ours, force=True)
    assert schedules.schedule_list(None, ours) == []
    assert Mistral(ours).cron_triggers() == []
