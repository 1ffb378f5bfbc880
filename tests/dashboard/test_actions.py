# SPDX-License-Identifier: Apache-2.0
"""Pause, Resume, Run Now and Run a Drill, in the list and on the page of a schedule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.examples import INDEX, schedule, texts
from trove_schedules.errors import ScheduleConflictError, ScheduleNotFoundError

ACTIONS = [
    ("pause", False, "Paused Schedule: nightly"),
    ("resume", True, "Resumed Schedule: nightly"),
    ("run", False, "Started a Run of Schedule: nightly"),
    ("drill", False, "Started a Drill of Schedule: nightly"),
]


@pytest.fixture(params=["list", "page"])
def shown(request: pytest.FixtureRequest, schedules: Any) -> Any:
    """Shows a schedule, and gives the address at which that is."""
    schedules.execution_list.return_value = []

    def show(paused: bool) -> tuple[str, str]:
        one = schedule(paused=paused, next_execution_time=None)
        schedules.schedule_list.return_value = [one]
        schedules.schedule_show.return_value = one
        return one.id, INDEX if request.param == "list" else f"{INDEX}{one.id}/"

    return show


@pytest.mark.parametrize(("action", "paused", "said"), ACTIONS)
def test_an_action_is_done_and_told_where_it_was_asked_for(
    client: Any, trove: Any, schedules: Any, shown: Any, action: str, paused: bool, said: str
) -> None:
    schedule_id, address = shown(paused)
    asked = {"action": f"backup_schedules__{action}__{schedule_id}"}
    assert asked["action"] in client.get(address).content.decode()
    response = client.post(address, asked, follow=True)
    getattr(schedules, f"schedule_{action}").assert_called_once_with(schedule_id)
    assert response.redirect_chain == [(address, 302)]
    assert texts(response) == [said]


@pytest.mark.parametrize(("action", "paused", "said"), ACTIONS)
def test_a_refused_action_says_why_in_the_products_words(
    client: Any, trove: Any, schedules: Any, shown: Any, action: str, paused: bool, said: str
) -> None:
    schedule_id, address = shown(paused)
    refusal = ScheduleConflictError("it has a run in progress")
    getattr(schedules, f"schedule_{action}").side_effect = refusal
    asked = {"action": f"backup_schedules__{action}__{schedule_id}"}
    assert texts(client.post(address, asked, follow=True)) == ["it has a run in progress"]


@pytest.mark.parametrize(
    ("paused", "offered", "missing"), [(True, "resume", "pause"), (False, "pause", "resume")]
)
def test_a_schedule_is_offered_what_it_is_not(
    client: Any, trove: Any, shown: Any, paused: bool, offered: str, missing: str
) -> None:
    _, address = shown(paused)
    page = client.get(address).content.decode()
    assert f"__{offered}__" in page
    assert f"__{missing}__" not in page
    assert ("Paused" in page) == paused


def test_a_schedule_deleted_on_its_page_leads_to_the_list(
    client: Any, trove: Any, schedules: Any
) -> None:
    one = schedule()
    schedules.schedule_show.return_value = one
    schedules.schedule_list.return_value = []
    asked = {"action": f"backup_schedules__delete__{one.id}"}
    response = client.post(f"{INDEX}{one.id}/", asked, follow=True)
    schedules.schedule_delete.assert_called_once_with(one.id)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response) == ["Deleted Schedule: nightly"]


def test_an_action_on_a_schedule_that_is_gone_leads_to_the_list_with_the_reason(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.side_effect = ScheduleNotFoundError("no backup schedule has this id")
    schedules.schedule_list.return_value = []
    gone = schedule().id
    asked = {"action": f"backup_schedules__pause__{gone}"}
    response = client.post(f"{INDEX}{gone}/", asked, follow=True)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response) == ["no backup schedule has this id"]
