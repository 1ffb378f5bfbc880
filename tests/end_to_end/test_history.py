# SPDX-License-Identifier: Apache-2.0
"""A large project: every schedule is listed, and a history costs one request."""

from collections.abc import Iterator

import pytest

from bench.history import HISTORY, Project
from tests.end_to_end.cloud import LiveCloud
from trove_minicloud.services.preparation import database_file

#: More triggers than two of Mistral's pages hold, and executions of which 200 are of one schedule.
TRIGGERS, EXECUTIONS = 2500, 5000


@pytest.fixture(scope="module")
def project(cloud: LiveCloud) -> Iterator[Project]:
    """A tenant with 1,250 instances of two schedules each, and 5,000 executions."""
    session, _ = cloud.new_tenant()
    database = database_file(cloud.root.service("mistral"))
    made = Project(session, database, TRIGGERS, EXECUTIONS)
    yield made
    made.remove()


def test_every_schedule_of_the_project_is_listed_past_mistral_s_page_limit(
    project: Project,
) -> None:
    listed = project.schedules.schedule_list()
    assert {each.id for each in listed} == set(project.schedule_ids)
    assert len(listed) == TRIGGERS


@pytest.mark.parametrize("which", [0, 1200, -1])
def test_an_instance_s_schedules_are_exactly_its_own_and_one_request(
    project: Project, which: int
) -> None:
    instance = project.instances[which]
    project.requests.clear()
    listed = project.schedules.schedule_list(instance)
    start = which * 2 % TRIGGERS
    assert {each.id for each in listed} == set(project.schedule_ids[start : start + 2])
    assert len(project.requests) == 1


@pytest.mark.parametrize(("limit", "requests"), [(20, 1), (None, 2)])
def test_a_schedule_s_history_is_its_own_newest_first_and_few_requests(
    project: Project, limit: int | None, requests: int
) -> None:
    project.requests.clear()
    listed = project.schedules.execution_list(project.schedule_ids[0], limit=limit)
    assert [each.id for each in listed] == project.history[: limit or HISTORY]
    assert all(each.output["status"] == "Backup complete" for each in listed)
    assert len([url for url in project.requests if "/executions?" in url]) <= requests


def test_pages_by_marker_add_up_to_the_whole_history(project: Project) -> None:
    schedules, schedule = project.schedules, project.schedule_ids[0]
    seen: list[str] = []
    while page := schedules.execution_list(schedule, marker=seen[-1] if seen else "", limit=30):
        seen += [each.id for each in page]
    assert seen == project.history
