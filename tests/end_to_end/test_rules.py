# SPDX-License-Identifier: Apache-2.0
"""Whose schedules are whose, which logins work, and what is refused: on the real services."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from mistralclient.api.v2.client import Client as MistralClient

import trove_schedules
from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, run_by_hand
from tests.end_to_end.ticks import mistral_database
from trove_minicloud.clients.user import User
from trove_minicloud.guest import datastores
from trove_schedules import ScheduledBackups, workbook
from trove_schedules.errors import (
    AmbiguousNameError,
    BackupNotFoundError,
    ExecutionNotFoundError,
    InstanceNotFoundError,
    InvalidPatternError,
    InvalidScheduleError,
    NotDelegableError,
    ScheduleNotFoundError,
    ServiceUnavailableError,
    WorkbookError,
    WorkbookMissingError,
    WorkbookOutdatedError,
)

_WORKFLOW = {"service_type": "workflowv2"}


@pytest.fixture
def nightly(schedules: ScheduledBackups) -> Iterator[trove_schedules.Schedule]:
    """A schedule that won't fire during the test."""
    schedule = schedules.schedule_create("m", NEVER_SOON, "nightly")
    yield schedule
    schedules.schedule_delete(schedule)


class TestTenants:
    def test_a_second_project_sees_shows_and_deletes_nothing_of_the_first(
        self, cloud: LiveCloud, nightly: trove_schedules.Schedule
    ) -> None:
        session, _ = cloud.new_tenant()
        stranger = trove_schedules.connect(session=session)
        assert stranger.schedule_list() == []
        for forbidden in (
            stranger.schedule_show,
            stranger.schedule_delete,
            stranger.execution_list,
        ):
            with pytest.raises(ScheduleNotFoundError, match=nightly.id):
                forbidden(nightly.id)
        with pytest.raises(InstanceNotFoundError):
            stranger.schedule_create("m", NEVER_SOON, "theirs")
        with pytest.raises(InstanceNotFoundError):
            stranger.schedule_create(nightly.instance, NEVER_SOON, "theirs")

    def test_an_administrator_sees_only_the_own_project_s_schedules(
        self, cloud: LiveCloud, nightly: trove_schedules.Schedule
    ) -> None:
        admin = cloud.schedules("minicloud-admin")
        assert admin.schedule_list() == []
        with pytest.raises(ScheduleNotFoundError):
            admin.schedule_show(nightly.id)


def test_the_mini_cloud_deletes_no_instance_that_a_schedule_points_at(
    cloud: LiveCloud, nightly: trove_schedules.Schedule
) -> None:
    done = cloud.run("trove-minicloud", "instance", "delete", "m", check=False)
    assert done.status == 1
    assert f"{nightly.id} (nightly)" in done.err
    assert "m" in cloud.run("trove-minicloud", "instance", "list").out


class TestLogins:
    def test_a_token_can_create_and_delete(self, cloud: LiveCloud) -> None:
        password = cloud.session()
        auth = v3.Token(
            cloud.settings.keystone_url,
            password.get_token(),
            project_id=password.get_project_id(),
        )
        schedules = trove_schedules.connect(session=Session(auth))
        schedule = schedules.schedule_create("m", NEVER_SOON, "by token")
        assert schedules.schedule_show(schedule) == schedule
        schedules.schedule_delete(schedule)
        assert schedule.id not in {each.id for each in schedules.schedule_list()}

    def test_an_application_credential_lists_but_is_told_what_to_use_to_create(
        self, cloud: LiveCloud, nightly: trove_schedules.Schedule
    ) -> None:
        owner = cloud.session()
        url = cloud.settings.keystone_url
        made = owner.post(
            f"{url}/users/{owner.get_user_id()}/application_credentials",
            json={"application_credential": {"name": str(uuid.uuid4()), "unrestricted": True}},
        ).json()["application_credential"]
        credential = v3.ApplicationCredential(
            url,
            application_credential_id=made["id"],
            application_credential_secret=made["secret"],
        )
        session = Session(credential)
        limited = trove_schedules.connect(session=session)
        assert nightly.id in {each.id for each in limited.schedule_list()}
        with pytest.raises(NotDelegableError, match="user name and password"):
            limited.schedule_create("m", NEVER_SOON, "no")
        # A client with nothing but its token hides what it is until Keystone refuses the trust.
        client = MistralClient(
            mistral_url=cloud.settings.mistral_url,
            auth_token=session.get_token(),
            project_id=session.get_project_id(),
        )
        with pytest.raises(NotDelegableError, match="user name and password"):
            cloud.schedules().schedule_create("m", NEVER_SOON, "no", mistral_client=client)


class TestBadInput:
    """Each is refused with a text that says what and which, and leaves nothing behind."""

    @pytest.fixture(autouse=True)
    def nothing_is_left(self, cloud: LiveCloud) -> Iterator[None]:
        before = (len(cloud.triggers()), len(cloud.trusts()))
        yield
        assert (len(cloud.triggers()), len(cloud.trusts())) == before

    @pytest.mark.parametrize(
        "pattern",
        ["61 * * * *", "* * * *", "* * * * * *", "@reboot", "0 0 31 2 *", "R * * * *", ""],
    )
    def test_patterns(self, schedules: ScheduledBackups, pattern: str) -> None:
        with pytest.raises(InvalidPatternError) as refused:
            schedules.schedule_create("m", pattern, "x")
        assert repr(pattern) in str(refused.value)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"name": "x" * 256}, "256 characters"),
            ({"name": ""}, "name"),
            ({"description": "x" * 250}, "250 characters"),
            ({"description": "two\nlines"}, "single line"),
            ({"name": "\udcff"}, "control characters|Trove takes"),
            ({"parent_id": str(uuid.uuid4()), "incremental": True}, "exclude each other"),
        ],
    )
    def test_texts_and_options(
        self, schedules: ScheduledBackups, arguments: dict[str, Any], said: str
    ) -> None:
        given = {"name": "x", **arguments}
        with pytest.raises(InvalidScheduleError, match=said):
            schedules.schedule_create("m", NEVER_SOON, **given)

    def test_instances(self, cloud: LiveCloud, schedules: ScheduledBackups) -> None:
        for unknown in ("no-such", str(uuid.uuid4())):
            with pytest.raises(InstanceNotFoundError, match=unknown):
                schedules.schedule_create(unknown, NEVER_SOON, "x")
            with pytest.raises(InstanceNotFoundError, match=unknown):
                schedules.schedule_list(unknown)

    def test_two_instances_of_one_name(self, cloud: LiveCloud, schedules: ScheduledBackups) -> None:
        twins = [cloud.create_instance("twin")]
        # Trove allows it; only the mini cloud's command refuses a second one.
        second = datastores.named("postgresql").create_server(
            cloud.root, "twin", str(cloud.session().get_project_id())
        )
        user = User(cloud.root)
        user.wait_until_healthy(second, 300, lambda _line: None)
        with pytest.raises(AmbiguousNameError, match=twins[0]):
            schedules.schedule_create("twin", NEVER_SOON, "x")
        schedules.schedule_delete(schedules.schedule_create(twins[0], NEVER_SOON, "by id"))

    def test_parents(self, cloud: LiveCloud, schedules: ScheduledBackups) -> None:
        other = cloud.create_instance("other")
        foreign = cloud.take_backup(other)["id"]
        with pytest.raises(InvalidScheduleError, match=other):
            schedules.schedule_create("m", NEVER_SOON, "x", parent_id=foreign)
        unknown = str(uuid.uuid4())
        with pytest.raises(BackupNotFoundError, match=unknown):
            schedules.schedule_create("m", NEVER_SOON, "x", parent_id=unknown)
        good = cloud.take_backup(schedules_instance(cloud))["id"]
        schedules.schedule_delete(schedules.schedule_create("m", NEVER_SOON, "x", parent_id=good))

    def test_limits_markers_and_unknown_ids(self, schedules: ScheduledBackups) -> None:
        schedule = schedules.schedule_create("m", NEVER_SOON, "x")
        unknown = str(uuid.uuid4())
        try:
            for limit in (0, -1):
                with pytest.raises(InvalidScheduleError, match=str(limit)):
                    schedules.execution_list(schedule, limit=limit)
            with pytest.raises(ExecutionNotFoundError, match=unknown):
                schedules.execution_list(schedule, marker=unknown)
        finally:
            schedules.schedule_delete(schedule)
        calls: list[tuple[Callable[[str], Any], type[Exception]]] = [
            (schedules.schedule_show, ScheduleNotFoundError),
            (schedules.schedule_delete, ScheduleNotFoundError),
            (schedules.execution_list, ScheduleNotFoundError),
            (schedules.execution_show, ExecutionNotFoundError),
            (schedules.execution_delete, ExecutionNotFoundError),
        ]
        for call, error in calls:
            for given in (unknown, "no-such", "%", "../../workflows"):
                with pytest.raises(error):
                    call(given)

    def test_several_deletes_try_all_and_say_which_failed(
        self, cloud: LiveCloud, schedules: ScheduledBackups
    ) -> None:
        good = schedules.schedule_create("m", NEVER_SOON, "x")
        bad = str(uuid.uuid4())
        done = cloud.openstack("schedule", "delete", bad, good.id, check=False)
        assert done.status == 1
        assert bad in done.err
        assert "1 of 2" in done.err
        assert good.id not in {each.id for each in schedules.schedule_list()}


def test_the_workflow_runs_by_hand_with_the_spec_s_four_inputs(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    given = {
        "instance": schedules_instance(cloud),
        "name": "by hand",
        "description": None,
        "parent_id": None,
    }
    started = cloud.run(
        "openstack", "workflow", "execution", "create", "trove.backup_create",
        json.dumps(given), "-f", "json",
    ).json  # fmt: skip
    run = run_by_hand(schedules, schedules.execution_show(started["ID"]))
    assert run.output["status"] == "Backup complete", run
    assert cloud.backup(run.backup_id)["description"] is None


class TestWithoutThePublicWorkbook:
    @pytest.fixture(scope="class", autouse=True)
    def unpublished(self, cloud: LiveCloud) -> Iterator[None]:
        """A cloud whose operator has not loaded the workbook."""
        with mistral_database(cloud) as database:
            # Mistral keeps what triggers name, and tenants of other files have left some.
            database.execute("delete from cron_triggers_v2")
        _delete_workbook(cloud.session("minicloud-admin"))
        yield
        assert cloud.schedules("minicloud-admin").workbook_load(public=True).action == "created"

    def test_a_project_without_it_is_told_the_command(self, cloud: LiveCloud) -> None:
        with pytest.raises(WorkbookMissingError, match="workbook load"):
            cloud.schedules().schedule_create("m", NEVER_SOON, "x")

    def test_the_spec_s_own_sample_is_outdated_and_is_replaced_in_place(
        self, cloud: LiveCloud
    ) -> None:
        session, _ = cloud.new_tenant()
        _post_workbook(session, _SPEC_WORKBOOK)
        tenant = trove_schedules.connect(session=session)
        with pytest.raises(WorkbookOutdatedError, match="no version of trove-schedules"):
            workbook.require(tenant._own.mistral)
        loaded = tenant.workbook_load()
        assert (loaded.action, loaded.scope) == ("updated", "private")
        assert tenant.workbook_load().action == "unchanged"
        assert workbook.require(tenant._own.mistral)
        _delete_workbook(session)

    def test_an_administrator_is_not_fooled_by_another_project_s_workbook(
        self, cloud: LiveCloud
    ) -> None:
        session, _ = cloud.new_tenant()
        squatted = workbook.text().replace("trove.backups_create", "trove.backups_delete")
        _post_workbook(session, squatted)
        admin = cloud.schedules("minicloud-admin")
        with pytest.raises(WorkbookError, match=session.get_project_id()):
            admin.workbook_load(public=True)
        with pytest.raises(WorkbookError):
            workbook.require(admin._own.mistral)
        _delete_workbook(session)

    def test_the_plain_file_loads_with_the_stock_command_as_the_spec_shows(
        self, cloud: LiveCloud, tmp_path: Any
    ) -> None:
        session, _ = cloud.new_tenant()
        text = cloud.openstack("schedule", "workbook", "show").out
        assert text == workbook.text()
        file = tmp_path / "trove.yaml"
        file.write_text(text)
        auth = {
            "auth_url": cloud.settings.keystone_url,
            "token": session.get_token(),
            "project_id": session.get_project_id(),
        }
        # Not on the command line, where everybody on the machine could read the token.
        clouds = tmp_path / "clouds.yaml"
        clouds.touch(mode=0o600)
        clouds.write_text(
            yaml.safe_dump({"clouds": {"token": {"auth_type": "v3token", "auth": auth}}})
        )
        load = ("openstack", "workbook", "create", str(file))
        cloud.run(*load, cloud="token", clouds_file=clouds)
        assert trove_schedules.connect(session=session).workbook_load().action == "unchanged"
        _delete_workbook(session)


class TestServicesDown:
    @pytest.mark.parametrize(("program", "service"), [("mistral", "Mistral"), ("trove", "Trove")])
    def test_a_service_that_is_down_is_named_and_nothing_is_created(
        self, cloud: LiveCloud, program: str, service: str
    ) -> None:
        schedules = cloud.schedules()
        before = schedules.schedule_list()
        schedules._own.session.timeout = 15
        with cloud.stopped(program), pytest.raises(ServiceUnavailableError) as refused:
            schedules.schedule_create("m", NEVER_SOON, "x")
        assert refused.value.service == service
        assert cloud.schedules().schedule_list() == before


def _post_workbook(session: Session, text: str) -> None:
    headers = {"content-type": "text/plain"}
    session.post("/workbooks", data=text, headers=headers, endpoint_filter=_WORKFLOW)


def _delete_workbook(session: Session) -> None:
    """Delete the project's own workbook with its workflows, which Mistral would keep."""
    session.delete("/workbooks/trove", endpoint_filter=_WORKFLOW)
    rows = session.get("/workflows?name=has:trove.backup_", endpoint_filter=_WORKFLOW)
    for row in rows.json()["workflows"]:
        if row["project_id"] == session.get_project_id():
            session.delete(f"/workflows/{row['id']}", endpoint_filter=_WORKFLOW)


def schedules_instance(cloud: LiveCloud) -> str:
    """The id of the instance ``m``."""
    rows = cloud.run("trove-minicloud", "instance", "list", "-f", "json").json
    return next(row["id"] for row in rows if row["name"] == "m")


_SPEC_WORKBOOK = """
---
version: '2.0'
name: trove
description: Trove Workflows
workflows:
  backup_create:
    input: [instance, name, description, parent_id]
    output:
      status: <% $.message %>
    tasks:
      backup_create:
        action: trove.backups_create instance=<% $.instance %> name=<% $.name %>
        publish:
          message: <% 'Backup complete' %>
"""
