# SPDX-License-Identifier: Apache-2.0
"""Requests to Mistral: pages, ownership, retries, and what becomes of trouble."""

import json
import time
import uuid
from datetime import UTC, datetime

import pytest
import requests
from hypothesis import HealthCheck, given, settings, strategies as st
from mistralclient.api.v2.client import Client
from urllib3.exceptions import ProtocolError

from tests.mistral_api import URL, Caller, RefusedError
from tests.unit.client.rows import OTHER_PROJECT
from trove_schedules.clients import mistral as mistral_module, mistral_rows
from trove_schedules.clients.mistral import Mistral
from trove_schedules.errors import (
    AuthenticationError,
    NotDelegableError,
    PermissionDeniedError,
    ServiceError,
    ServiceUnavailableError,
)

INPUT = {"instance": "i", "name": "n"}


@pytest.fixture
def mistral(cloud):
    return mistral_module.connect(cloud.session(), None, None)


def plain(cloud, project):
    """A caller's own client that has a token, but no Keystone session."""
    token = cloud.mistral.log_in(Caller(cloud.project))
    return Mistral(Client(mistral_url=URL, auth_token=token, project_id=project))


def refuse(status, text="no"):
    def hook(method, path):
        raise RefusedError(status, text)

    return hook


def cut(cloud):
    """Have the next request meet a connection that the server closes at that moment."""

    def before(method, path):
        cloud.mistral.before = lambda method, path: None
        raise requests.exceptions.ConnectionError(ProtocolError("cut"))

    cloud.mistral.before = before


class Pages:
    @pytest.fixture(autouse=True)
    def _everything(self, cloud):
        self.names = [cloud.mistral.add_trigger(cloud.project, f"t{i}")["name"] for i in range(25)]


class TestTriggers(Pages):
    @pytest.mark.parametrize("max_limit", [1, 5, 7, 24, 25, 26, 1000])
    def test_all_are_listed_oldest_first_however_pages_are_cut(self, cloud, mistral, max_limit):
        cloud.mistral.max_limit = max_limit
        assert [each.name for each in mistral.cron_triggers()] == self.names

    def test_one_request_is_enough_for_a_page(self, cloud, mistral):
        mistral.cron_triggers()
        assert cloud.mistral.count("GET", "/cron_triggers") == 1

    def test_a_full_page_is_followed_by_one_more_request(self, cloud, mistral):
        cloud.mistral.max_limit = 25
        mistral.cron_triggers()
        assert cloud.mistral.count("GET", "/cron_triggers") == 2

    def test_an_administrator_gets_the_own_projects_only(self, cloud):
        cloud.mistral.add_trigger(OTHER_PROJECT, "theirs")
        admin = mistral_module.connect(cloud.session(admin=True), None, None)
        assert [each.name for each in admin.cron_triggers()] == self.names

    def test_filters_go_to_the_server(self, cloud, mistral):
        (found,) = mistral.cron_triggers(name="has:t17")
        assert found.name == "t17"
        assert cloud.mistral.requests[-1][2]["name"] == "has:t17"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(count=st.integers(0, 30), max_limit=st.integers(1, 12))
def test_no_trigger_is_lost_or_doubled_between_pages(cloud, count, max_limit):
    cloud.mistral.clear("cron_triggers")
    cloud.mistral.max_limit = max_limit
    ids = {
        # Several of the same second, as a script makes them.
        cloud.mistral.add_trigger(cloud.project, f"t{i}", created_at=f"2026-01-01 00:00:0{i % 3}")[
            "id"
        ]
        for i in range(count)
    }
    found = mistral_module.connect(cloud.session(), None, None).cron_triggers()
    assert len(found) == count
    assert {each.id for each in found} == ids


def test_a_trigger_is_read_into_typed_values(cloud, mistral):
    row = cloud.mistral.add_trigger(
        cloud.project,
        "t",
        workflow_input='{"name": "é"}',
        created_at="2026-01-01 00:00:00",
        updated_at="2026-02-03 04:05:06",
        next_execution_time="2026-02-04 04:05:00",
    )
    (found,) = mistral.cron_triggers()
    assert found == mistral_module.CronTrigger(
        id=row["id"],
        name="t",
        pattern="0 2 * * *",
        workflow_name="trove.backup_create",
        input={"name": "é"},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        updated_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        next_execution_time=datetime(2026, 2, 4, 4, 5, tzinfo=UTC),
        project_id=row["project_id"],
    )


def test_mistrals_times_are_utc_wherever_the_reader_is(cloud, mistral, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        cloud.mistral.add_trigger(cloud.project, "t", updated_at="2026-02-03 04:05:06")
        (found,) = mistral.cron_triggers()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found.updated_at == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert found.next_execution_time == datetime(2026, 6, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "null", "[]", '"text"', "{", "7", None])
def test_an_input_that_is_no_object_is_empty(text):
    """Mistral keeps objects only; a proxy may answer anything."""
    row = dict.fromkeys(("id", "name", "workflow_name"), "t")
    row |= {"created_at": "2026-01-01 00:00:00", "workflow_input": text}
    assert mistral_rows.cron_trigger(row).input == {}


@pytest.mark.parametrize("text", ["null", None])
def test_no_input_is_an_empty_one(cloud, mistral, text):
    cloud.mistral.add_trigger(cloud.project, "t", workflow_input=text)
    assert mistral.cron_triggers()[0].input == {}


class TestCreate:
    @pytest.fixture
    def workflow(self, cloud):
        return cloud.mistral.rows("workflows")[0]["id"]

    def test_it_is_one_request(self, cloud, mistral, workflow):
        made = mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT)
        assert made.input == INPUT
        assert [each[:2] for each in cloud.mistral.requests] == [("POST", "/cron_triggers")]

    def test_texts_arrive_as_they_are(self, cloud, mistral, workflow):
        given = INPUT | {"name": "<% env() %> {{ x }} '\"\\ \n\t é😀 \u2028"}
        assert mistral.create_cron_trigger("t", workflow, "* * * * *", given).input == given
        assert json.loads(json.loads(cloud.mistral.bodies[-1])["workflow_input"]) == given

    def test_an_answer_lost_after_the_server_made_it_leaves_one_trigger(
        self, cloud, mistral, workflow
    ):
        def lose(method, path):
            if method == "POST":
                raise requests.exceptions.ConnectionError("reset by peer")

        cloud.mistral.after = lose
        made = mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT)
        assert [made.id] == [row["id"] for row in cloud.mistral.rows("cron_triggers")]
        assert cloud.mistral.count("POST", "/cron_triggers") == 1

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_a_proxy_without_an_answer_is_asked_once_more(self, cloud, mistral, workflow, status):
        troubles = [RefusedError(status, "busy")]

        def once(method, path):
            if method == "POST" and troubles:
                raise troubles.pop()

        cloud.mistral.before = once
        assert mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT).name == "t"
        assert cloud.mistral.count("POST", "/cron_triggers") == 2

    def test_it_gives_up_after_the_second_time(self, cloud, mistral, workflow):
        def down(method, path):
            if method == "POST":
                raise RefusedError(503, "busy")

        cloud.mistral.before = down
        with pytest.raises(ServiceUnavailableError, match="busy"):
            mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT)
        assert cloud.mistral.count("POST", "/cron_triggers") == 2

    def test_where_nobody_listens_the_first_error_is_told(self, cloud, mistral, workflow):
        def nobody(method, path):
            raise requests.exceptions.ConnectionError(f"refused {method}")

        cloud.mistral.before = nobody
        with pytest.raises(ServiceUnavailableError, match="refused POST"):
            mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT)
        assert cloud.mistral.count("POST", "/cron_triggers") == 1

    def test_a_duplicate_is_the_one_that_was_asked_for(self, cloud, mistral, workflow):
        row = cloud.mistral.add_trigger(cloud.project, "t")
        assert mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT).id == row["id"]

    def test_a_conflict_about_something_else_is_an_error(self, cloud, mistral, workflow):
        def conflict(method, path):
            if method == "POST":
                raise RefusedError(409, "something else")

        cloud.mistral.before = conflict
        with pytest.raises(ServiceError, match="something else"):
            mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT)
        assert cloud.mistral.count("POST", "/cron_triggers") == 1

    def test_a_refused_trust_says_which_login_to_use(self, cloud, mistral, workflow):
        mistral.cron_triggers()
        (token,) = cloud.mistral.callers
        cloud.mistral.callers[token] = Caller(cloud.project, may_delegate=False)
        with pytest.raises(NotDelegableError, match="user name and password") as caught:
            mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT)
        assert "HTTP 403" in str(caught.value.__cause__)
        assert cloud.mistral.count("POST", "/cron_triggers") == 1

    def test_other_failures_are_not_tried_again(self, cloud, mistral, workflow):
        cloud.mistral.before = refuse(500, "database is locked")
        with pytest.raises(ServiceError, match="database is locked") as caught:
            mistral.create_cron_trigger("t", workflow, "* * * * *", INPUT)
        assert caught.value.status == 500
        assert len(cloud.mistral.requests) == 1


class TestExecutions:
    @pytest.mark.parametrize("max_limit", [1, 7, 1000])
    def test_all_are_listed_newest_first_with_their_output(self, cloud, mistral, max_limit):
        cloud.mistral.max_limit = max_limit
        ids = [cloud.mistral.add_execution(cloud.project, "x")["id"] for _ in range(15)]
        found = list(mistral.executions())
        assert [each.id for each in found] == ids[::-1]
        assert {each.output["status"] for each in found} == {"Backup complete"}

    def test_who_takes_twenty_asks_for_twenty(self, cloud, mistral):
        for _ in range(50):
            cloud.mistral.add_execution(cloud.project, "x")
        next(mistral.executions(limit=20))
        assert [each[2]["limit"] for each in cloud.mistral.requests] == ["20"]

    def test_pages_are_asked_for_as_they_are_taken(self, cloud, mistral):
        cloud.mistral.max_limit = 10
        for _ in range(50):
            cloud.mistral.add_execution(cloud.project, "x")
        found = mistral.executions()
        for _ in range(11):
            next(found)
        assert len(cloud.mistral.requests) == 2

    def test_an_ordinary_user_sends_no_project(self, cloud, mistral):
        # Mistral's policy gives the filter to administrators only.
        list(mistral.executions())
        assert "project_id" not in cloud.mistral.requests[-1][2]

    def test_an_administrator_gets_the_own_projects_only(self, cloud):
        theirs = cloud.mistral.add_execution(OTHER_PROJECT, "x")
        ours = cloud.mistral.add_execution(cloud.project, "x")
        admin = mistral_module.connect(cloud.session(admin=True), None, None)
        assert [each.id for each in admin.executions()] == [ours["id"]]
        assert admin.execution(ours["id"]).id == ours["id"]
        assert admin.execution(theirs["id"]) is None

    @pytest.mark.parametrize(
        "description",
        [
            None,
            "",
            "by hand",
            "[]",
            "{}",
            '{"triggered_by": null}',
            '{"triggered_by": "cron"}',
            '{"triggered_by": {"type": "event_trigger", "id": "x"}}',
            '{"triggered_by": [{"type": "cron_trigger", "id": "x"}]}',
        ],
    )
    def test_what_no_trigger_started_has_none(self, cloud, mistral, description):
        row = cloud.mistral.add_execution(cloud.project, "x", description=description)
        assert mistral.execution(row["id"]).trigger_id is None

    def test_the_trigger_is_read_from_the_description(self, cloud, mistral):
        row = cloud.mistral.add_execution(cloud.project, "x")
        assert mistral.execution(row["id"]).trigger_id == "x"

    def test_a_missing_one_is_none(self, mistral):
        assert mistral.execution(str(uuid.uuid4())) is None

    @pytest.mark.parametrize("text", ["Could not find trust: 5a. (HTTP 404)", "Not Found"])
    def test_a_404_of_somebody_else_does_not_say_that_it_is_missing(self, cloud, mistral, text):
        cloud.mistral.before = refuse(404, text)
        for ask in (mistral.execution, mistral.delete_cron_trigger, mistral.action_exists):
            with pytest.raises(ServiceError, match="HTTP 404"):
                ask(str(uuid.uuid4()))

    def test_no_access_is_not_taken_for_missing(self, cloud, mistral):
        cloud.mistral.before = refuse(403)
        with pytest.raises(PermissionDeniedError):
            mistral.execution(str(uuid.uuid4()))


class TestWorkflows:
    def test_own_and_public_ones_are_usable_foreign_private_ones_are_not(self, cloud):
        own = cloud.mistral.rows("workflows")[0]
        public = cloud.mistral.add_workflow(OTHER_PROJECT, scope="public")
        cloud.mistral.add_workflow("a-third-project")
        admin = mistral_module.connect(cloud.session(admin=True), None, None)
        found = admin.workflows("trove.backup_create")
        assert [each.id for each in found] == [own["id"], public["id"]]

    def test_those_of_a_namespace_are_not_the_ones_that_triggers_start(self, cloud, mistral):
        cloud.mistral.add_workflow(cloud.project, namespace="apart")
        assert len(mistral.workflows("trove.backup_create")) == 1

    def test_other_owners_are_told_as_far_as_they_can_be_seen(self, cloud, mistral):
        cloud.mistral.add_workflow("private-project")
        cloud.mistral.add_workflow("public-project", scope="public")
        cloud.mistral.add("workbooks", "book-project", name="trove", namespace="", definition="")
        names = {"workbook": "trove", "workflow": "trove.backup_create"}
        admin = mistral_module.connect(cloud.session(admin=True), None, None)
        assert mistral.other_owners(**names) == ["public-project"]
        assert admin.other_owners(**names) == ["book-project", "private-project", "public-project"]


class TestTrouble:
    def test_nobody_listening_is_unavailable(self, cloud, mistral):
        def nobody(method, path):
            raise requests.exceptions.ConnectionError("refused")

        cloud.mistral.before = nobody
        with pytest.raises(ServiceUnavailableError) as caught:
            mistral.cron_triggers()
        assert (caught.value.service, caught.value.status) == ("Mistral", None)
        assert str(caught.value).startswith("Mistral: list cron triggers failed: ")

    def test_a_list_whose_connection_is_cut_is_asked_for_again(self, cloud, mistral):
        cut(cloud)
        assert mistral.cron_triggers() == []
        assert [each[0] for each in cloud.mistral.requests] == ["GET", "GET"]

    def test_what_changes_something_is_not_sent_again(self, cloud, mistral):
        cut(cloud)
        with pytest.raises(ServiceUnavailableError, match="cut"):
            mistral.delete_cron_trigger("t")
        assert [each[0] for each in cloud.mistral.requests] == ["DELETE"]

    def test_no_answer_in_time_is_unavailable(self, cloud, mistral):
        def slow(method, path):
            raise requests.exceptions.ReadTimeout("timed out")

        cloud.mistral.before = slow
        with pytest.raises(ServiceUnavailableError, match="timed out"):
            mistral.cron_triggers()

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, ServiceError),
            (401, AuthenticationError),
            (403, PermissionDeniedError),
            (404, ServiceError),
            (423, ServiceError),
            (500, ServiceError),
            (502, ServiceUnavailableError),
            (503, ServiceUnavailableError),
            (504, ServiceUnavailableError),
        ],
    )
    @pytest.mark.parametrize("own_session", [True, False])
    def test_an_http_error_tells_what_mistral_said(self, cloud, status, error, own_session):
        mistral = (
            mistral_module.connect(cloud.session(), None, None)
            if own_session
            else plain(cloud, cloud.project)
        )
        cloud.mistral.before = refuse(status, "because of that")
        with pytest.raises(error, match="because of that") as caught:
            mistral.cron_triggers()
        assert "faultstring" not in str(caught.value)
        if status != 401:
            assert type(caught.value) is error
            assert caught.value.status == status
            assert caught.value.request_id == "req-refused"

    @pytest.mark.parametrize("answer", ["<html>sorry</html>", "[]", '"x"', "7"])
    def test_an_answer_that_is_no_json_object_is_an_error_that_shows_it(
        self, cloud, mistral, answer
    ):
        cloud.mock.get(f"{URL}/cron_triggers", text=answer)
        with pytest.raises(ServiceError) as caught:
            mistral.cron_triggers()
        assert repr(answer) in str(caught.value)

    def test_a_deleted_one_is_no_answer_to_read(self, cloud, mistral):
        row = cloud.mistral.add_trigger(cloud.project, "t")
        assert mistral.delete_cron_trigger(row["id"]) is True
        assert cloud.mistral.rows("cron_triggers") == []

    def test_one_that_is_gone_is_told_and_no_error(self, mistral):
        assert mistral.delete_cron_trigger("00000000-0000-4000-8000-000000000000") is False

    def test_what_else_hinders_a_deletion_is_an_error(self, cloud, mistral):
        row = cloud.mistral.add_trigger(cloud.project, "t")
        cloud.mistral.before = refuse(403, "Policy doesn't allow cron_triggers:delete")
        with pytest.raises(PermissionDeniedError, match="cron_triggers:delete"):
            mistral.delete_cron_trigger(row["id"])


class TestPlainSession:
    def test_the_project_of_the_client_is_sent(self, cloud):
        mistral = plain(cloud, cloud.project)
        cloud.mistral.add_trigger(cloud.project, "t")
        assert [each.name for each in mistral.cron_triggers()] == ["t"]
        assert cloud.mistral.requests[-1][2]["project_id"] == cloud.project

    def test_without_a_project_all_that_the_server_gives_is_ours(self, cloud):
        cloud.mistral.add_execution(cloud.project, "x")
        mistral = plain(cloud, None)
        assert mistral.project_id() is None
        assert len(list(mistral.executions())) == 1
        assert len(mistral.workflows("trove.backup_create")) == 1

    @pytest.mark.parametrize(
        "trouble", [requests.exceptions.ConnectionError, requests.exceptions.ReadTimeout]
    )
    def test_nobody_listening_is_unavailable(self, cloud, trouble):
        def nobody(method, path):
            raise trouble("refused")

        cloud.mistral.before = nobody
        with pytest.raises(ServiceUnavailableError, match="refused"):
            plain(cloud, cloud.project).cron_triggers()


class TestConnect:
    def test_a_cloud_without_mistral_is_told_so(self, cloud):
        del cloud.services["workflowv2"]
        with pytest.raises(ServiceError, match=r"schedules need Mistral|is it installed"):
            mistral_module.connect(cloud.session(), None, None)

    def test_so_is_a_region_without_it(self, cloud):
        with pytest.raises(ServiceError, match="RegionTwo"):
            mistral_module.connect(cloud.session(), "RegionTwo", None)

    def test_the_address_of_the_catalog_is_used_without_a_visit(self, cloud):
        mistral_module.connect(cloud.session(), "RegionOne", "public").cron_triggers()
        assert [(each.method, each.hostname) for each in cloud.mock.request_history] == [
            ("POST", "keystone.test"),
            ("GET", "mistral.test"),
        ]

    def test_a_slash_at_the_end_of_the_address_is_no_trouble(self, cloud):
        cloud.services["workflowv2"] += "/"
        assert mistral_module.connect(cloud.session(), None, None).cron_triggers() == []

    def test_keystone_down_is_keystones_trouble(self, cloud):
        cloud.mock.post(
            "http://keystone.test/v3/auth/tokens", exc=requests.exceptions.ConnectionError
        )
        with pytest.raises(ServiceUnavailableError) as caught:
            mistral_module.connect(cloud.session(), None, None)
        assert caught.value.service == "Keystone"

    def test_a_wrong_password_is_an_authentication_error(self, cloud):
        cloud.mock.post(
            "http://keystone.test/v3/auth/tokens",
            status_code=401,
            json={"error": {"code": 401, "message": "wrong password", "title": "Unauthorized"}},
        )
        with pytest.raises(AuthenticationError, match=r"Keystone refused.*wrong password"):
            mistral_module.connect(cloud.session(), None, None)
