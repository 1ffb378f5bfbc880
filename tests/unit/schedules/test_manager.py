# SPDX-License-Identifier: Apache-2.0
"""The rules of schedules, on a real session and a real Mistral client; only the wire is faked."""

import inspect
import json
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import requests
from hypothesis import HealthCheck, given, settings, strategies as st
from mistralclient.api.v2.client import Client

import trove_schedules
from tests.unit.schedules.fake_mistral import URL, Caller, RefusedError
from trove_schedules.errors import (
    AmbiguousNameError,
    AuthenticationError,
    BackupNotFoundError,
    ExecutionNotFoundError,
    InstanceNotFoundError,
    InvalidPatternError,
    InvalidScheduleError,
    NotDelegableError,
    PermissionDeniedError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    WorkbookMissingError,
    WorkbookOutdatedError,
)
from trove_schedules.manager import ScheduledBackups
from trove_schedules.model import marker

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def schedules(cloud):
    return cloud.schedules()


@pytest.fixture
def instance(cloud):
    return cloud.add_instance("m")


@pytest.fixture
def schedule(schedules, instance):
    return schedules.schedule_create(instance, "0 2 * * *", "nightly")


def add_schedule(cloud, instance, *, generation=1, schedule=None, project=None, **values):
    """A schedule's trigger as Mistral keeps it; returns its row."""
    schedule = schedule or str(uuid.uuid4())
    given = {"instance": instance, "name": "nightly", "schedule": {"id": schedule}}
    return cloud.mistral.add_trigger(
        project or cloud.project,
        f"trove-backup:{instance}:{schedule}:{generation}",
        **({"workflow_input": json.dumps(given)} | values),
    )


def id_of(row):
    """The schedule id in a trigger's name."""
    return row["name"].split(":")[2]


def triggers(cloud):
    return cloud.mistral.rows["cron_triggers"]


class TestSignatures:
    """The spec's argument names, order and defaults, self left out."""

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            (
                "schedule_create",
                "instance, pattern, name, description=None, parent_id=None, mistral_client=None",
            ),
            ("schedule_list", "instance=None, mistral_client=None"),
            ("schedule_show", "schedule, mistral_client=None"),
            ("schedule_delete", "schedule, mistral_client=None"),
            ("execution_list", "schedule, mistral_client=None, marker='', limit=None"),
            ("execution_delete", "execution, mistral_client=None"),
        ],
    )
    def test_a_method_takes_the_specs_arguments(self, method, arguments):
        parameters = list(inspect.signature(getattr(ScheduledBackups, method)).parameters.values())
        positional = [
            each.replace(annotation=inspect.Parameter.empty)
            for each in parameters[1:]
            if each.kind is not inspect.Parameter.KEYWORD_ONLY
        ]
        assert ", ".join(map(str, positional)) == arguments


class TestCreate:
    def test_a_schedule_comes_back_as_mistral_keeps_it(self, cloud, schedules, instance):
        made = schedules.schedule_create(instance, "0 2 * * *", "nightly", "before the batch")
        (row,) = triggers(cloud)
        assert made.id == id_of(row)
        assert made.trigger_id == row["id"] != made.id
        assert (made.name, made.instance, made.pattern) == ("nightly", instance, "0 2 * * *")
        assert (made.description, made.parent_id, made.incremental) == (
            "before the batch",
            None,
            False,
        )
        assert made.next_execution_time == datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
        assert made.created_at.utcoffset() is not None
        assert made.updated_at is None
        assert made.input == json.loads(row["workflow_input"])
        assert schedules.schedule_show(made.id) == made

    def test_the_input_holds_the_specs_keys_then_ours(self, cloud, schedules, instance):
        made = schedules.schedule_create(instance, "0 2 * * *", "nightly")
        assert list(made.input.items()) == [
            ("instance", instance),
            ("name", "nightly"),
            ("description", None),
            ("parent_id", None),
            ("incremental", False),
            ("schedule", {"id": made.id}),
        ]

    def test_the_trigger_is_named_after_instance_schedule_and_generation(
        self, cloud, schedules, instance
    ):
        made = schedules.schedule_create(instance, "0 2 * * *", "nightly")
        assert triggers(cloud)[0]["name"] == f"trove-backup:{instance}:{made.id}:1"

    def test_the_workflow_is_given_by_its_id_and_nothing_else_is_sent(self, cloud, schedule):
        (body,) = [
            json.loads(body)
            for body, each in zip(cloud.mistral.bodies, cloud.mistral.requests, strict=True)
            if each[0] == "POST"
        ]
        assert body["workflow_id"] == cloud.mistral.rows["workflows"][0]["id"]
        assert set(body) == {"name", "workflow_id", "pattern", "workflow_input"}

    @pytest.mark.parametrize("kind", ["id", "name", "object"])
    def test_the_instance_is_given_by_id_name_or_object(self, cloud, schedules, instance, kind):
        given = {"id": instance, "name": "m", "object": SimpleNamespace(id=instance)}[kind]
        assert schedules.schedule_create(given, "0 2 * * *", "nightly").instance == instance

    def test_an_instance_on_troves_second_page_is_found_by_name(self, cloud, schedules):
        ids = {f"db-{i}": cloud.add_instance(f"db-{i}") for i in range(45)}
        made = [schedules.schedule_create(name, "0 2 * * *", "n").instance for name in ids]
        assert made == list(ids.values())

    def test_every_schedule_gets_its_own_id(self, schedules, instance):
        made = {schedules.schedule_create(instance, "0 2 * * *", "nightly").id for _ in range(3)}
        assert len(made) == 3

    def test_the_pattern_is_kept_with_single_spaces(self, schedules, instance):
        assert schedules.schedule_create(instance, " 0  2 * * * ", "n").pattern == "0 2 * * *"

    @pytest.mark.parametrize(
        "text",
        [
            "<% env() %>",
            "{{ 1 + 1 }} {% raw %} a",
            'it\'s "quoted" \\ a',
            "tab\tand bell\a",
            "naïve 資料庫 😀 \u200f a",
            "-- ; $(x) `y` %s {0}",
            "a" * 255,
        ],
    )
    def test_a_name_goes_out_unchanged(self, cloud, schedules, instance, text):
        assert schedules.schedule_create(instance, "0 2 * * *", text).name == text
        assert json.loads(triggers(cloud)[0]["workflow_input"])["name"] == text

    @pytest.mark.parametrize("text", ["", "😀", "<% env() %> {{ x }} '\"\\", "d" * 207])
    def test_a_description_goes_out_unchanged(self, cloud, schedules, instance, text):
        made = schedules.schedule_create(instance, "0 2 * * *", "n", text)
        assert made.description == text
        assert json.loads(triggers(cloud)[0]["workflow_input"])["description"] == text

    def test_a_description_and_its_marker_just_fit(self):
        assert len("d" * 207 + f" {marker(UNKNOWN)}") == 255

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(name=st.text(max_size=260), description=st.none() | st.text(max_size=210))
    def test_a_text_is_kept_or_refused_never_altered(
        self, cloud, schedules, instance, name, description
    ):
        before = len(triggers(cloud))
        try:
            made = schedules.schedule_create(instance, "0 2 * * *", name, description)
        except InvalidScheduleError:
            assert len(triggers(cloud)) == before
        else:
            assert (made.name, made.description) == (name, description)

    def test_a_parent_is_checked_and_kept(self, cloud, schedules, instance):
        backup = cloud.add_backup(instance)
        made = schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=backup)
        assert (made.parent_id, made.incremental) == (backup, False)

    def test_a_parent_may_be_an_object(self, cloud, schedules, instance):
        backup = SimpleNamespace(id=cloud.add_backup(instance))
        made = schedules.schedule_create(instance, "0 2 * * *", "n", None, backup)
        assert made.parent_id == backup.id

    def test_incremental_is_kept(self, schedules, instance):
        assert schedules.schedule_create(instance, "0 2 * * *", "n", incremental=True).incremental

    def test_a_lost_answer_leaves_one_schedule(self, cloud, schedules, instance):
        def lose(method, path):
            if method == "POST":
                raise requests.exceptions.ConnectionError("reset")

        cloud.mistral.after = lose
        made = schedules.schedule_create(instance, "0 2 * * *", "n")
        assert [made.trigger_id] == [row["id"] for row in triggers(cloud)]

    def test_requests_are_few(self, cloud, schedules, instance):
        schedules.schedule_create(instance, "0 2 * * *", "n")
        assert [(each.method, each.hostname) for each in cloud.mock.request_history] == [
            ("POST", "keystone.test"),
            ("GET", "trove.test"),
            ("GET", "mistral.test"),
            ("POST", "mistral.test"),
        ]


NOTHING_IS_SENT = [
    ({"pattern": pattern}, InvalidPatternError, f"{pattern!r}")
    for pattern in (
        "61 * * * *",
        "* * * *",
        "* * * * * *",
        "@daily",
        "0 0 31 2 *",
        "R * * * *",
        "",
    )
] + [
    ({"pattern": None}, InvalidPatternError, "None"),
    ({"name": ""}, InvalidScheduleError, "name ''"),
    ({"name": "x" * 256}, InvalidScheduleError, "256 characters"),
    ({"name": None}, InvalidScheduleError, "must be a text"),
    ({"name": b"n"}, InvalidScheduleError, "must be a text"),
    ({"name": "资料"}, InvalidScheduleError, "letter"),
    ({"name": "a\nb"}, InvalidScheduleError, "single line"),
    ({"name": "a\ud800"}, InvalidScheduleError, "not valid Unicode"),
    ({"description": "d" * 208}, InvalidScheduleError, "at most 207"),
    ({"description": "two\nlines"}, InvalidScheduleError, "single line"),
    ({"description": "\udfff"}, InvalidScheduleError, "not valid Unicode"),
    ({"description": 5}, InvalidScheduleError, "must be a text"),
    ({"parent_id": UNKNOWN, "incremental": True}, InvalidScheduleError, "exclude each other"),
]


class TestBadInput:
    @pytest.mark.parametrize(("wrong", "error", "told"), NOTHING_IS_SENT)
    def test_nothing_at_all_is_sent(self, cloud, schedules, wrong, error, told):
        good = {"instance": "m", "pattern": "0 2 * * *", "name": "nightly"}
        with pytest.raises(error) as caught:
            schedules.schedule_create(**(good | wrong))
        assert told in str(caught.value)
        assert isinstance(caught.value, ValueError)
        assert cloud.mock.request_history == []

    def test_with_an_application_credential_nothing_is_sent_either(self, cloud):
        schedules = ScheduledBackups(cloud.session(method="application_credential"))
        with pytest.raises(NotDelegableError, match="user name and password"):
            schedules.schedule_create("m", "0 2 * * *", "nightly")
        assert cloud.mock.request_history == []

    def test_but_it_can_list_and_show(self, cloud, schedule):
        other = ScheduledBackups(cloud.session(method="application_credential"))
        assert other.schedule_list() == [schedule]
        assert other.schedule_show(schedule.id) == schedule
        assert other.execution_list(schedule.id) == []

    def test_the_callers_mistral_client_may_not_be_of_one_either(self, cloud, schedules, instance):
        session = cloud.session(method="application_credential")
        client = Client(mistral_url=URL, session=session)
        with pytest.raises(NotDelegableError):
            schedules.schedule_create(instance, "0 2 * * *", "n", mistral_client=client)
        assert cloud.mock.request_history == []

    def test_a_token_of_an_application_credential_is_found_out_by_mistral(
        self, cloud, schedules, instance
    ):
        schedules.schedule_list()
        (token,) = cloud.callers
        cloud.callers[token] = Caller(cloud.project, may_delegate=False)
        with pytest.raises(NotDelegableError, match="user name and password"):
            schedules.schedule_create(instance, "0 2 * * *", "n")
        assert triggers(cloud) == []

    @pytest.mark.parametrize("limit", [0, -1, "5", 2.0])
    def test_a_limit_that_is_no_positive_number_sends_nothing(self, cloud, schedules, limit):
        with pytest.raises(InvalidScheduleError, match="limit"):
            schedules.execution_list(UNKNOWN, limit=limit)
        assert cloud.mock.request_history == []

    @pytest.mark.parametrize("name", ["nothing-is-named-so", UNKNOWN])
    def test_an_unknown_instance(self, cloud, schedules, name):
        with pytest.raises(InstanceNotFoundError, match=name):
            schedules.schedule_create(name, "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_two_instances_of_that_name(self, cloud, schedules, instance):
        cloud.add_instance("m")
        with pytest.raises(AmbiguousNameError, match=instance):
            schedules.schedule_create("m", "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_an_unknown_parent(self, cloud, schedules, instance):
        with pytest.raises(BackupNotFoundError, match=UNKNOWN):
            schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=UNKNOWN)
        assert triggers(cloud) == []

    def test_a_parent_of_another_instance(self, cloud, schedules, instance):
        other = cloud.add_instance("other")
        with pytest.raises(InvalidScheduleError, match=other):
            schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=cloud.add_backup(other))
        assert triggers(cloud) == []

    @pytest.mark.parametrize(
        "status", ["NEW", "BUILDING", "SAVING", "FAILED", "DELETE_FAILED", "RESTORED"]
    )
    def test_a_parent_that_is_not_completed(self, cloud, schedules, instance, status):
        backup = cloud.add_backup(instance, status)
        with pytest.raises(InvalidScheduleError, match=f"{status}; a parent must be COMPLETED"):
            schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=backup)
        assert triggers(cloud) == []

    def test_a_missing_workbook(self, cloud, schedules, instance):
        cloud.mistral.rows["workflows"].clear()
        with pytest.raises(WorkbookMissingError, match="workbook load"):
            schedules.schedule_create(instance, "0 2 * * *", "n")

    def test_an_outdated_workbook(self, cloud, schedules, instance):
        cloud.mistral.rows["workflows"][0]["tags"] = []
        with pytest.raises(WorkbookOutdatedError):
            schedules.schedule_create(instance, "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_trove_down(self, cloud, schedules):
        cloud.mock.get(
            f"http://trove.test/v1.0/{cloud.project}/instances",
            exc=requests.exceptions.ConnectionError,
        )
        with pytest.raises(ServiceUnavailableError, match=r"^Trove: list instances failed"):
            schedules.schedule_create("m", "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_mistral_down(self, cloud, schedules, instance):
        def nobody(method, path):
            raise requests.exceptions.ConnectionError("refused")

        cloud.mistral.before = nobody
        with pytest.raises(ServiceUnavailableError, match=r"^Mistral: "):
            schedules.schedule_create(instance, "0 2 * * *", "n")

    def test_keystone_down(self, cloud, schedules):
        cloud.mock.post(
            "http://keystone.test/v3/auth/tokens", exc=requests.exceptions.ConnectionError
        )
        for call in (
            schedules.schedule_list,
            lambda: schedules.schedule_create("m", "0 2 * * *", "n"),
        ):
            with pytest.raises(ServiceUnavailableError, match=r"^Keystone: log in failed"):
                call()

    def test_a_refused_login(self, cloud, schedules):
        cloud.mock.post("http://keystone.test/v3/auth/tokens", status_code=401)
        with pytest.raises(AuthenticationError, match="Keystone"):
            schedules.schedule_list()

    def test_a_policy_that_forbids_triggers(self, cloud, schedules):
        def forbid(method, path):
            raise RefusedError(403, "Policy doesn't allow cron_triggers:list")

        cloud.mistral.before = forbid
        with pytest.raises(PermissionDeniedError, match="cron_triggers:list"):
            schedules.schedule_list()


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
        times = ["2026-03-01 00:00:00", None, "2026-01-01 00:00:00", "9999-12-31 23:59:00"]
        for time in times:
            add_schedule(cloud, instance, next_execution_time=time)
        found = [each.next_execution_time for each in schedules.schedule_list()]
        assert [each and each.year for each in found] == [2026, 2026, 9999, None]
        assert found[0].month == 1

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
        mistral.add_trigger(cloud.project, f"{name}2", pattern=None)
        assert schedules.schedule_list() == []
        assert schedules.schedule_list(instance) == []
        with pytest.raises(ScheduleNotFoundError):
            schedules.schedule_show(schedule)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": null, "instance": 5}'])
    def test_an_input_that_somebody_spoilt_does_not_spoil_the_list(
        self, cloud, schedules, instance, text
    ):
        add_schedule(cloud, instance, workflow_input=text)
        assert len(schedules.schedule_list()) == 1

    def test_an_administrator_sees_the_own_projects_only(self, cloud, instance):
        add_schedule(cloud, instance, project="another-project")
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


class TestShowAndDelete:
    def test_a_schedule_is_shown_by_id_and_by_object(self, schedules, schedule):
        assert schedules.schedule_show(schedule.id) == schedule
        assert schedules.schedule_show(schedule) == schedule

    @pytest.mark.parametrize("given", [UNKNOWN, "nightly", "", "%", "a/b", "😀"])
    @pytest.mark.parametrize("method", ["schedule_show", "schedule_delete", "execution_list"])
    def test_an_unknown_one_is_not_found(self, cloud, schedules, schedule, method, given):
        with pytest.raises(ScheduleNotFoundError, match="schedule list"):
            getattr(schedules, method)(given)
        assert len(triggers(cloud)) == 1

    def test_its_trigger_or_instance_id_is_not_its_id(self, schedules, schedule):
        for other in (schedule.trigger_id, schedule.instance):
            with pytest.raises(ScheduleNotFoundError):
                schedules.schedule_show(other)

    def test_another_project_sees_shows_and_deletes_nothing(self, cloud, schedule):
        other = cloud.schedules("another-project")
        assert other.schedule_list() == []
        for method in (other.schedule_show, other.schedule_delete, other.execution_list):
            with pytest.raises(ScheduleNotFoundError):
                method(schedule.id)
        assert len(triggers(cloud)) == 1

    def test_deleting_removes_the_trigger_by_mistrals_id(self, cloud, schedules, schedule):
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []
        assert cloud.mistral.requests[-1][:2] == (
            "DELETE",
            f"/cron_triggers/{schedule.trigger_id}",
        )

    def test_executions_of_a_deleted_schedule_stay(self, cloud, schedules, schedule):
        row = cloud.mistral.add_execution(cloud.project, schedule.trigger_id)
        schedules.schedule_delete(schedule)
        assert schedules.execution_show(row["id"]).id == row["id"]

    def test_stale_generations_go_with_it(self, cloud, schedules, instance):
        old = add_schedule(cloud, instance)
        add_schedule(cloud, instance, generation=2, schedule=id_of(old))
        bystander = add_schedule(cloud, instance)
        schedules.schedule_delete(id_of(old))
        assert triggers(cloud) == [bystander]

    @pytest.mark.parametrize("generation", [1, 2])
    def test_while_a_run_is_in_progress_it_is_refused(self, cloud, schedules, instance, generation):
        rows = {1: add_schedule(cloud, instance)}
        rows[2] = add_schedule(cloud, instance, generation=2, schedule=id_of(rows[1]))
        run = cloud.mistral.add_execution(cloud.project, rows[generation]["id"], state="RUNNING")
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_delete(id_of(rows[1]))
        assert len(triggers(cloud)) == 2

    def test_unless_it_is_forced(self, cloud, schedules, schedule):
        cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state="RUNNING")
        schedules.schedule_delete(schedule, force=True)
        assert triggers(cloud) == []

    def test_finished_and_other_schedules_runs_are_no_hindrance(self, cloud, schedules, schedule):
        for state in ("SUCCESS", "ERROR", "CANCELLED"):
            cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state=state)
        cloud.mistral.add_execution(cloud.project, UNKNOWN, state="RUNNING")
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []

    def test_nor_is_a_run_that_merely_speaks_of_the_schedule(self, cloud, schedules, schedule):
        cloud.mistral.add_execution(
            cloud.project,
            UNKNOWN,
            state="RUNNING",
            description=json.dumps({"note": schedule.trigger_id}),
        )
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []

    def test_a_vanished_trigger_is_mistrals_news(self, cloud, schedules, schedule):
        def vanish(method, path):
            if method == "DELETE":
                raise RefusedError(404, "Cron trigger not found")

        cloud.mistral.before = vanish
        with pytest.raises(ServiceError, match="Cron trigger not found"):
            schedules.schedule_delete(schedule)


class TestExecutionList:
    @pytest.fixture
    def runs(self, cloud, schedule):
        """Ids of 200 runs, newest first, among others' runs."""
        for _ in range(20):
            cloud.mistral.add_execution(cloud.project, UNKNOWN)
        ids = [
            cloud.mistral.add_execution(cloud.project, schedule.trigger_id)["id"]
            for _ in range(200)
        ]
        cloud.mistral.requests.clear()
        return ids[::-1]

    def test_twenty_are_exactly_one_request(self, cloud, schedules, schedule, runs):
        found = schedules.execution_list(schedule.id, limit=20)
        assert [each.id for each in found] == runs[:20]
        assert cloud.mistral.count("GET", "/executions") == 1

    def test_all_are_at_most_two_requests(self, cloud, schedules, schedule, runs):
        assert [each.id for each in schedules.execution_list(schedule)] == runs
        assert cloud.mistral.count("GET", "/executions") <= 2

    @pytest.mark.parametrize("max_limit", [1, 7, 200, 1000])
    @pytest.mark.parametrize("limit", [None, 1, 20, 200, 2000])
    def test_as_many_as_asked_for_whatever_the_page_limit(
        self, cloud, schedules, schedule, runs, max_limit, limit
    ):
        cloud.mistral.max_limit = max_limit
        found = schedules.execution_list(schedule, limit=limit)
        assert [each.id for each in found] == runs[:limit]

    @pytest.mark.parametrize("max_limit", [7, 1000])
    def test_a_marker_continues_where_a_page_ended(
        self, cloud, schedules, schedule, runs, max_limit
    ):
        cloud.mistral.max_limit = max_limit
        pages, last = [], ""
        while page := schedules.execution_list(schedule, marker=last, limit=60):
            pages += page
            last = page[-1]
        assert [each.id for each in pages] == runs

    @pytest.mark.parametrize("nothing", ["", None])
    def test_no_marker_starts_at_the_newest(self, schedules, schedule, runs, nothing):
        assert schedules.execution_list(schedule, marker=nothing, limit=1)[0].id == runs[0]

    def test_markers_that_are_not_of_this_schedule_are_refused(self, cloud, schedules, schedule):
        other = cloud.mistral.add_execution(cloud.project, UNKNOWN)
        foreign = cloud.mistral.add_execution("another-project", schedule.trigger_id)
        for wrong in (UNKNOWN, "not-an-id", other["id"], foreign["id"], schedule.id):
            with pytest.raises(ExecutionNotFoundError, match="marker"):
                schedules.execution_list(schedule, marker=wrong)

    @pytest.mark.parametrize(
        "description",
        [
            "trigger {id} did it",
            '{{"triggered_by": {{"type": "cron_trigger", "id": "x {id}"}}}}',
            '{{"triggered_by": {{"type": "event_trigger", "id": "{id}"}}}}',
            '{{"note": "{id}"}}',
            '["{id}"]',
        ],
    )
    def test_a_description_that_only_resembles_one_is_dropped(
        self, cloud, schedules, schedule, description
    ):
        real = cloud.mistral.add_execution(cloud.project, schedule.trigger_id)
        cloud.mistral.add_execution(
            cloud.project, "x", description=description.format(id=schedule.trigger_id)
        )
        found = schedules.execution_list(schedule, limit=1)
        assert [each.id for each in found] == [real["id"]]
        assert [each.id for each in schedules.execution_list(schedule)] == [real["id"]]

    def test_an_administrator_gets_no_other_projects_forgeries(self, cloud, schedule):
        cloud.mistral.add_execution("another-project", schedule.trigger_id)
        assert cloud.schedules(admin=True).execution_list(schedule) == []

    def test_an_execution_is_read_into_typed_values(self, cloud, schedules, schedule):
        row = cloud.mistral.add_execution(
            cloud.project,
            schedule.trigger_id,
            state="ERROR",
            state_info="why",
            output='{"status": "Backup failed", "backup_id": "b"}',
            created_at="2026-03-01 02:00:00",
            updated_at="2026-03-01 02:01:00",
        )
        (found,) = schedules.execution_list(schedule)
        assert found == trove_schedules.ScheduleExecution(
            id=row["id"],
            schedule_id=schedule.id,
            backup_id="b",
            created_at=datetime(2026, 3, 1, 2, 0, tzinfo=UTC),
            updated_at=datetime(2026, 3, 1, 2, 1, tzinfo=UTC),
            state="ERROR",
            state_info="why",
            output={"status": "Backup failed", "backup_id": "b"},
        )

    def test_a_run_that_has_published_nothing_yet_has_an_empty_output(
        self, cloud, schedules, schedule
    ):
        cloud.mistral.add_execution(
            cloud.project, schedule.trigger_id, state="RUNNING", output=None
        )
        (found,) = schedules.execution_list(schedule)
        assert (found.output, found.backup_id) == ({}, None)


class TestExecutions:
    @pytest.fixture
    def row(self, cloud, schedule):
        given = json.dumps(schedule.input)
        return cloud.mistral.add_execution(cloud.project, schedule.trigger_id, input=given)

    def test_one_is_shown_with_its_schedule(self, schedules, schedule, row):
        assert schedules.execution_show(row["id"]).schedule_id == schedule.id

    def test_one_is_deleted_by_id_or_object(self, cloud, schedules, schedule, row):
        schedules.execution_delete(schedules.execution_show(row["id"]))
        assert cloud.mistral.rows["executions"] == []

    @pytest.mark.parametrize("state", ["SUCCESS", "ERROR", "CANCELLED"])
    def test_every_finished_one_can_be_deleted(self, cloud, schedules, row, state):
        row["state"] = state
        schedules.execution_delete(row["id"])
        assert cloud.mistral.rows["executions"] == []

    @pytest.mark.parametrize("state", ["RUNNING", "PAUSED", "IDLE"])
    def test_an_unfinished_one_cannot(self, cloud, schedules, row, state):
        row["state"] = state
        with pytest.raises(ScheduleConflictError, match=state):
            schedules.execution_delete(row["id"])
        assert cloud.mistral.rows["executions"] == [row]

    @pytest.mark.parametrize("method", ["execution_show", "execution_delete"])
    @pytest.mark.parametrize("given", [UNKNOWN, "", "not-an-id", "../workbooks/trove"])
    def test_an_unknown_one_is_not_found(self, schedules, method, given):
        with pytest.raises(ExecutionNotFoundError):
            getattr(schedules, method)(given)

    @pytest.mark.parametrize("method", ["execution_show", "execution_delete"])
    def test_executions_of_other_workflows_are_none_of_ours(self, cloud, schedules, method):
        row = cloud.mistral.add_execution(cloud.project, "x", workflow_name="billing.run")
        with pytest.raises(ExecutionNotFoundError):
            getattr(schedules, method)(row["id"])
        assert cloud.mistral.rows["executions"] == [row]

    @pytest.mark.parametrize("admin", [False, True])
    @pytest.mark.parametrize("method", ["execution_show", "execution_delete"])
    def test_nor_are_another_projects(self, cloud, admin, method, row):
        other = cloud.schedules("another-project", admin=admin)
        with pytest.raises(ExecutionNotFoundError):
            getattr(other, method)(row["id"])
        assert cloud.mistral.rows["executions"] == [row]

    @pytest.mark.parametrize("text", ["{}", '{"schedule": null}', '{"schedule": "x"}', "[]"])
    def test_an_input_without_a_schedule_gives_none(self, cloud, schedules, row, text):
        row["input"] = text
        assert schedules.execution_show(row["id"]).schedule_id is None


class TestCallersClient:
    """``mistral_client=`` is used for everything that goes to Mistral."""

    @pytest.fixture
    def client(self, cloud):
        cloud.callers["a-token"] = Caller(cloud.project)
        return Client(mistral_url=URL, auth_token="a-token", project_id=cloud.project)

    def test_the_six_methods_work_with_a_client_that_has_only_a_token(
        self, cloud, instance, client
    ):
        # The session is of a cloud without Mistral: only the client can reach it.
        del cloud.services["workflowv2"]
        schedules = cloud.schedules()
        made = schedules.schedule_create(instance, "0 2 * * *", "n", None, None, client)
        assert schedules.schedule_list(instance, client) == [made]
        assert schedules.schedule_list("m", mistral_client=client) == [made]
        assert schedules.schedule_show(made.id, client) == made
        row = cloud.mistral.add_execution(cloud.project, made.trigger_id)
        assert len(schedules.execution_list(made.id, client, "", 5)) == 1
        schedules.execution_delete(row["id"], client)
        schedules.schedule_delete(made.id, client)
        assert triggers(cloud) == []

    def test_a_client_with_a_keystone_session_is_of_that_sessions_project(self, cloud, instance):
        row = add_schedule(cloud, instance, project="another-project")
        add_schedule(cloud, instance)
        client = Client(mistral_url=URL, session=cloud.session("another-project"))
        found = cloud.schedules().schedule_list(mistral_client=client)
        assert [each.id for each in found] == [id_of(row)]

    def test_mistral_down_is_told_the_same_way(self, cloud, schedules, client):
        def nobody(method, path):
            raise requests.exceptions.ConnectionError("refused")

        cloud.mistral.before = nobody
        with pytest.raises(ServiceUnavailableError, match=r"^Mistral: list cron triggers failed"):
            schedules.schedule_list(mistral_client=client)


class TestConnect:
    def test_a_session_is_used_as_it_is(self, cloud):
        assert trove_schedules.connect(session=cloud.session()).schedule_list() == []

    def test_a_cloud_and_a_session_together_are_refused(self, cloud):
        with pytest.raises(InvalidScheduleError, match="'demo'"):
            trove_schedules.connect("demo", session=cloud.session())

    def test_the_region_given_is_the_one_asked(self, cloud):
        with pytest.raises(ServiceError, match="RegionTwo"):
            trove_schedules.connect(
                session=cloud.session(), region_name="RegionTwo"
            ).schedule_list()

    def test_connecting_sends_nothing(self, cloud):
        trove_schedules.connect(session=cloud.session())
        assert cloud.mock.request_history == []

    def test_the_workbook_can_be_loaded(self, cloud, schedules, instance):
        cloud.mistral.rows["workflows"].clear()
        assert schedules.workbook_load().action == "created"
        assert schedules.schedule_create(instance, "0 2 * * *", "n").name == "n"
