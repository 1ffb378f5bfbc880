# SPDX-License-Identifier: Apache-2.0
"""The drills of a schedule, and the form that repeats them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.examples import INDEX, drill, execution, schedule, texts
from trove_schedules.errors import (
    ExecutionNotFoundError,
    NotDelegableError,
    ScheduleConflictError,
    ServiceUnavailableError,
    WorkbookOutdatedError,
)

SCHEDULE = schedule()
PAGE = f"{INDEX}{SCHEDULE.id}/drills/"
FORM = f"{PAGE}repeat/"


@pytest.fixture(autouse=True)
def shown(schedules: Any) -> None:
    schedules.schedule_show.return_value = SCHEDULE
    schedules.execution_list.return_value = []


def test_drills_are_listed_with_what_came_of_them(client: Any, schedules: Any) -> None:
    passed = {"output": {"status": "Drill passed: backup b restored in 9 s"}}
    schedules.execution_list.return_value = [execution("ERROR", 1), execution(**passed)]
    response = client.get(PAGE)
    assert response.context["page_title"] == "Restore Drills of nightly"
    for words in ("Error", "Trove said no", "Drill passed: backup b restored in 9 s"):
        assert words in response.content.decode()
    schedules.execution_list.assert_called_once_with(
        SCHEDULE.id, marker="", limit=21, drills_only=True, instance=None
    )


def test_a_marker_that_was_deleted_leads_to_the_first_page_of_drills(
    client: Any, schedules: Any
) -> None:
    schedules.execution_list.side_effect = [ExecutionNotFoundError("the marker is gone"), []]
    response = client.get(f"{PAGE}?marker={SCHEDULE.id}", follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    assert texts(response) == ["the marker is gone"]


def test_the_records_of_several_drills_are_deleted(client: Any, schedules: Any) -> None:
    drills = [execution(minutes_ago=number) for number in range(2)]
    schedules.execution_list.return_value = drills
    chosen = [each.id for each in drills]
    response = client.post(PAGE, {"action": "drills__delete", "object_ids": chosen}, follow=True)
    assert [call.args[0] for call in schedules.execution_delete.call_args_list] == chosen
    assert texts(response)[0].startswith("Deleted Drills: ")


@pytest.mark.parametrize("planned", [None, drill()])
def test_the_form_starts_with_the_pattern_that_drills_have(
    client: Any, schedules: Any, planned: Any
) -> None:
    schedules.schedule_drill_show.return_value = planned
    form = client.get(FORM).context["form"]
    assert form["pattern"].value() == ("7 4 * * 0" if planned else "")
    assert "required" not in str(form["pattern"]), "the browser lets it be emptied"


def test_drills_are_repeated_by_a_pattern(client: Any, schedules: Any) -> None:
    schedules.schedule_drill_every.return_value = drill()
    response = client.post(FORM, {"pattern": "H 4 * * 0"}, follow=True)
    schedules.schedule_drill_every.assert_called_once_with(SCHEDULE.id, "H 4 * * 0")
    assert response.redirect_chain == [(PAGE, 302)]
    said = "Drills of nightly are repeated. The next is due at 2030-01-06 12:00:00 UTC."
    assert texts(response) == [said]


def test_an_emptied_pattern_ends_them(client: Any, schedules: Any) -> None:
    schedules.schedule_drill_every.return_value = None
    response = client.post(FORM, {"pattern": " "}, follow=True)
    schedules.schedule_drill_every.assert_called_once_with(SCHEDULE.id, None)
    assert texts(response) == ["Drills of nightly are repeated no more."]


def test_a_wrong_pattern_is_refused_at_its_field(client: Any, schedules: Any) -> None:
    response = client.post(FORM, {"pattern": "0 4 * *"})
    assert "has 4 fields" in response.context["form"].errors["pattern"][0]
    schedules.schedule_drill_every.assert_not_called()


@pytest.mark.parametrize(
    "error",
    [
        WorkbookOutdatedError("load a newer workbook"),
        NotDelegableError("no trusts"),
        ScheduleConflictError("it has a drill in progress"),
    ],
)
def test_what_the_product_refuses_stays_in_the_form_with_its_words(
    client: Any, schedules: Any, error: Exception
) -> None:
    schedules.schedule_drill_every.side_effect = error
    response = client.post(FORM, {"pattern": "0 4 * * 0"})
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [str(error)]
    assert response.context["form"]["pattern"].value() == "0 4 * * 0"


def test_a_mistral_that_is_down_leads_from_the_form_to_the_list(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = []
    down = ServiceUnavailableError("no answer", service="Mistral", operation="list cron triggers")
    schedules.schedule_drill_show.side_effect = down
    response = client.get(FORM, follow=True)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response)[0].startswith("Mistral does not answer now.")
