# SPDX-License-Identifier: Apache-2.0
"""The workbook's text, which workflow is good enough, and what loading does."""

import pytest
import yaml

from tests.mistral_api import RefusedError
from tests.unit.client.rows import OTHER_PROJECT
from trove_schedules import workbook
from trove_schedules.clients import mistral as mistral_module
from trove_schedules.errors import (
    PermissionDeniedError,
    ServiceUnavailableError,
    WorkbookError,
    WorkbookMissingError,
    WorkbookOutdatedError,
)
from trove_schedules.workbook import Loaded

CURRENT = workbook.version_of(workbook.text())


def numbered(version):
    return workbook.text().replace(f"trove-schedules-{CURRENT}", f"trove-schedules-{version}")


@pytest.fixture
def mistral(cloud):
    cloud.mistral.clear("workflows")
    return mistral_module.connect(cloud.session(), None, None)


@pytest.fixture
def admin(cloud):
    cloud.mistral.clear("workflows")
    return mistral_module.connect(cloud.session(admin=True), None, None)


def writes(cloud):
    return [each[0] for each in cloud.mistral.requests if each[0] != "GET"]


def store(cloud, project, text, scope="private"):
    cloud.mistral.add(
        "workbooks", project, name="trove", namespace="", definition=text, scope=scope
    )
    tags = [f"trove-schedules-{workbook.version_of(text)}"]
    cloud.mistral.add_workflow(project, scope=scope, tags=tags)


def test_the_version_of_a_text_is_read_once(monkeypatch):
    """It takes as long as ten requests."""
    text = numbered(3)
    assert workbook.version_of(text) == 3
    monkeypatch.setattr(workbook.yaml, "safe_load", None)
    assert workbook.version_of(text) == 3


def test_the_actions_are_those_of_every_task():
    workflows = yaml.safe_load(workbook.text())["workflows"]
    tasks = [task for each in workflows.values() for task in each["tasks"].values()]
    called = {task.get("action", "").split()[0] for task in tasks if task.get("action")}
    assert called - {"std.noop", "std.http"} == set(workbook.actions())


def test_the_text_is_a_workbook_of_the_names_that_are_asked_for():
    parsed = yaml.safe_load(workbook.text())
    assert parsed["name"] == workbook.WORKBOOK
    names = {f"{workbook.WORKBOOK}.{each}" for each in parsed["workflows"]}
    assert {workbook.WORKFLOW, workbook.DRILL} <= names
    assert CURRENT >= 1


@pytest.mark.parametrize(
    "text",
    ["", "[]", "workflows: 5", "workflows: {backup_create: null}", "workflows: {other: {}}"]
    + [
        f"workflows: {{backup_create: {{tags: {tags}}}}}"
        for tags in ("[]", "7", "[5]", "[x-trove-schedules-1]", "trove-schedules-1", "null")
    ],
)
def test_what_this_package_did_not_write_has_version_nought(text):
    assert workbook.version_of(text) == 0


class TestRequire:
    def test_the_own_one_is_taken(self, cloud, mistral):
        row = cloud.mistral.add_workflow(cloud.project)
        assert workbook.require(mistral) == row["id"]

    def test_a_public_one_is_taken(self, cloud, mistral):
        row = cloud.mistral.add_workflow(OTHER_PROJECT, scope="public")
        assert workbook.require(mistral) == row["id"]

    def test_a_newer_one_is_good_enough(self, cloud, mistral):
        row = cloud.mistral.add_workflow(
            cloud.project, tags=["x", f"trove-schedules-{CURRENT + 1}"]
        )
        assert workbook.require(mistral) == row["id"]

    def test_a_missing_one_is_told_with_the_command_that_loads_it(self, mistral):
        with pytest.raises(WorkbookMissingError, match="schedule workbook load"):
            workbook.require(mistral)

    def test_an_administrator_is_not_fooled_by_another_projects_private_one(self, cloud, admin):
        cloud.mistral.add_workflow(OTHER_PROJECT)
        with pytest.raises(WorkbookMissingError):
            workbook.require(admin)

    @pytest.mark.parametrize(
        ("tags", "told"),
        [
            ([], "of no version"),
            (None, "of no version"),
            (["trove-schedules-0"], "of no version"),
            (["fast"], "of no version"),
        ],
    )
    def test_one_of_somebody_elses_making_is_outdated(self, cloud, mistral, tags, told):
        cloud.mistral.add_workflow(cloud.project, tags=tags)
        with pytest.raises(WorkbookOutdatedError, match=told) as caught:
            workbook.require(mistral)
        assert f"version {CURRENT} is needed to create or change a schedule" in str(caught.value)

    def test_an_older_one_is_told_with_both_versions(self, cloud, mistral, monkeypatch):
        cloud.mistral.add_workflow(cloud.project)
        newer = numbered(CURRENT + 1)
        monkeypatch.setattr(workbook, "text", lambda: newer)
        with pytest.raises(
            WorkbookOutdatedError, match=f"version {CURRENT}, but version {CURRENT + 1} is needed"
        ):
            workbook.require(mistral)

    @pytest.mark.parametrize("purpose", [workbook.PAUSE, workbook.RUN, workbook.DRILLS])
    def test_for_what_needs_less_an_older_one_will_do(self, cloud, mistral, purpose):
        row = cloud.mistral.add_workflow(
            cloud.project, name=purpose.workflow, tags=[f"trove-schedules-{purpose.least}"]
        )
        assert workbook.require(mistral, purpose) == row["id"]
        tags = [f"trove-schedules-{purpose.least - 1}"]
        cloud.mistral.change("workflows", row, tags=tags)
        with pytest.raises(
            WorkbookOutdatedError, match=f"version {purpose.least} is needed to {purpose.text}"
        ):
            workbook.require(mistral, purpose)

    @pytest.mark.parametrize("bad_is_public", [True, False])
    def test_of_two_that_mistral_could_take_both_must_be_good(self, cloud, mistral, bad_is_public):
        own = {"tags": []} if not bad_is_public else {}
        public = {"tags": []} if bad_is_public else {}
        cloud.mistral.add_workflow(cloud.project, **own)
        cloud.mistral.add_workflow(OTHER_PROJECT, scope="public", **public)
        with pytest.raises(WorkbookOutdatedError, match="public" if bad_is_public else "own"):
            workbook.require(mistral)


class TestLoad:
    def test_it_is_created_for_the_project_and_good_from_then_on(self, cloud, mistral):
        assert workbook.load(mistral, public=False) == Loaded("created", CURRENT, "private")
        assert cloud.mistral.rows("workbooks")[0]["definition"] == workbook.text()
        assert workbook.require(mistral)

    def test_loading_twice_changes_nothing(self, cloud, mistral):
        workbook.load(mistral, public=False)
        assert workbook.load(mistral, public=False) == Loaded("unchanged", CURRENT, "private")
        assert writes(cloud) == ["POST"]

    @pytest.mark.parametrize("scope", ["private", "public"])
    def test_an_older_one_is_updated_in_its_scope(self, cloud, admin, scope):
        store(cloud, cloud.project, numbered(0), scope)
        assert workbook.load(admin, public=False) == Loaded("updated", CURRENT, scope)
        assert writes(cloud) == ["PUT"]

    def test_an_edited_one_of_the_same_version_is_put_right(self, cloud, mistral):
        store(cloud, cloud.project, workbook.text().replace("wait-before", "wait-after"))
        assert workbook.load(mistral, public=False).action == "updated"

    def test_an_administrator_makes_a_private_one_public(self, cloud, admin):
        store(cloud, cloud.project, workbook.text())
        assert workbook.load(admin, public=True) == Loaded("updated", CURRENT, "public")
        assert cloud.mistral.rows("workbooks")[0]["scope"] == "public"

    def test_others_may_not(self, cloud, mistral):
        with pytest.raises(PermissionDeniedError, match="Operation forbidden"):
            workbook.load(mistral, public=True)
        assert cloud.mistral.rows("workbooks") == []

    @pytest.mark.parametrize("version", [CURRENT, CURRENT + 1])
    def test_a_public_one_that_is_good_enough_serves(self, cloud, mistral, version):
        store(cloud, OTHER_PROJECT, numbered(version), "public")
        assert workbook.load(mistral, public=False) == Loaded("unchanged", version, "public")
        assert writes(cloud) == []

    def test_a_newer_one_is_not_set_back(self, cloud, mistral):
        store(cloud, cloud.project, numbered(CURRENT + 1))
        with pytest.raises(WorkbookError, match="upgrade trove-schedules"):
            workbook.load(mistral, public=False)
        assert writes(cloud) == []

    def test_other_peoples_workflows_in_it_are_not_lost(self, cloud, mistral):
        store(cloud, cloud.project, "name: trove\nworkflows: {backup_create: {}, restore_all: {}}")
        with pytest.raises(WorkbookError, match="restore_all"):
            workbook.load(mistral, public=False)
        assert writes(cloud) == []

    @pytest.mark.parametrize("own", [None, 0])
    @pytest.mark.parametrize("public", [True, False])
    def test_an_administrator_changes_no_other_projects(self, cloud, admin, own, public):
        store(cloud, OTHER_PROJECT, numbered(0))
        if own is not None:
            store(cloud, cloud.project, numbered(own))
        with pytest.raises(WorkbookError, match=OTHER_PROJECT):
            workbook.load(admin, public=public)
        assert writes(cloud) == []

    def test_an_outdated_public_one_is_its_owners_to_update(self, cloud, mistral):
        store(cloud, OTHER_PROJECT, numbered(0), "public")
        with pytest.raises(WorkbookError, match="its owner can bring it up to date"):
            workbook.load(mistral, public=False)
        assert writes(cloud) == []

    def test_mistral_down_is_told(self, cloud, mistral):
        def down(method, path):
            raise RefusedError(503, "busy")

        cloud.mistral.before = down
        with pytest.raises(ServiceUnavailableError):
            workbook.load(mistral, public=False)

    def test_texts_of_any_language_arrive_whole(self, cloud, mistral):
        mistral.save_workbook(workbook.text() + "# é😀\n", scope="private", update=False)
        assert cloud.mistral.rows("workbooks")[0]["definition"].endswith("# é😀\n")
