# SPDX-License-Identifier: Apache-2.0
"""The executions of a schedule."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.dashboard.examples import BACKUP, INDEX, execution, schedule, texts
from trove_schedules import Schedule
from trove_schedules.errors import (
    ExecutionNotFoundError,
    ScheduleConflictError,
    ServiceUnavailableError,
)


@pytest.fixture
def shown(schedules: Any) -> Schedule:
    found = schedule()
    schedules.schedule_show.return_value = found
    return found


def _asks_again(page: str) -> bool:
    """Whether a row of the page has the class that Horizon's script looks for."""
    return re.search(r'<tr[^>]*class="[^"]*\bwarning\b', page) is not None


def _address(shown: Schedule) -> str:
    return f"{INDEX}{shown.id}/executions/"


def test_executions_are_listed_with_time_state_duration_output_and_backup(
    client: Any, schedules: Any, shown: Schedule
) -> None:
    schedules.execution_list.return_value = [execution("ERROR", 1), execution("SUCCESS", 2)]
    page = client.get(_address(shown)).content.decode()
    for words in ("2030-01-01 11:59:00 UTC", "Error", "Trove said no", "4 s", "Backup complete"):
        assert words in page
    assert BACKUP in page


def test_a_page_asks_for_one_more_than_it_shows_and_the_next_starts_after_it(
    client: Any, schedules: Any, shown: Schedule
) -> None:
    client.cookies["API_RESULT_PAGE_SIZE"] = "20"
    runs = [execution(minutes_ago=number) for number in range(21)]
    schedules.execution_list.return_value = runs
    response = client.get(_address(shown))
    schedules.execution_list.assert_called_once_with(
        shown.id, marker="", limit=21, drills_only=False, instance=None
    )
    table = response.context["table"]
    assert [row.id for row in table.data] == [run.id for run in runs[:20]]
    assert table.get_pagination_string() == f"marker={runs[19].id}"
    schedules.execution_list.return_value = runs[20:]
    response = client.get(f"{_address(shown)}?marker={runs[19].id}")
    schedules.execution_list.assert_called_with(
        shown.id, marker=runs[19].id, limit=21, drills_only=False, instance=None
    )
    assert "Next&nbsp;" not in response.content.decode()
    assert response.context["first_page"] == _address(shown)


def test_a_marker_that_was_deleted_leads_to_the_first_page_with_the_reason(
    client: Any, schedules: Any, shown: Schedule
) -> None:
    schedules.execution_list.side_effect = [ExecutionNotFoundError("the marker is gone"), []]
    response = client.get(f"{_address(shown)}?marker={BACKUP}", follow=True)
    assert response.redirect_chain == [(_address(shown), 302)]
    assert texts(response) == ["the marker is gone"]


def test_a_mistral_that_is_down_gives_an_empty_list_and_its_error(
    client: Any, schedules: Any, shown: Schedule
) -> None:
    down = ServiceUnavailableError("no answer", service="Mistral", operation="list executions")
    schedules.execution_list.side_effect = down
    response = client.get(_address(shown))
    assert response.status_code == 200
    assert list(response.context["table"].data) == []
    assert len(texts(response)) == 1
    assert texts(response)[0].startswith("Mistral does not answer now.")
    assert str(down) in texts(response)[0], "the details"


@pytest.mark.parametrize(("state", "again"), [("RUNNING", True), ("SUCCESS", False)])
def test_a_row_asks_again_as_long_as_its_run_is_in_progress(
    client: Any, schedules: Any, shown: Schedule, state: str, again: bool
) -> None:
    run = execution("RUNNING")
    schedules.execution_list.return_value = [run]
    assert _asks_again(client.get(_address(shown)).content.decode())
    schedules.execution_show.return_value = execution(state, id=run.id)
    row = client.get(
        _address(shown),
        {"action": "row_update", "table": "executions", "obj_id": run.id},
        headers={"x-requested-with": "XMLHttpRequest"},
    ).content.decode()
    schedules.execution_show.assert_called_once_with(run.id)
    assert _asks_again(row) == again
    assert state.capitalize() in row


def test_one_execution_or_several_are_deleted(client: Any, schedules: Any, shown: Schedule) -> None:
    runs = [execution(minutes_ago=number) for number in range(3)]
    schedules.execution_list.return_value = runs
    client.post(_address(shown), {"action": f"executions__delete__{runs[0].id}"})
    schedules.execution_delete.assert_called_once_with(runs[0].id)
    chosen = [run.id for run in runs[1:]]
    client.post(_address(shown), {"action": "executions__delete", "object_ids": chosen})
    deleted = [call.args[0] for call in schedules.execution_delete.call_args_list]
    assert deleted == [run.id for run in runs]


def test_a_refused_deletion_says_why_in_the_products_words(
    client: Any, schedules: Any, shown: Schedule
) -> None:
    run = execution("RUNNING")
    schedules.execution_list.return_value = [run]
    schedules.execution_delete.side_effect = ScheduleConflictError("it is RUNNING")
    action = {"action": f"executions__delete__{run.id}"}
    response = client.post(_address(shown), action, follow=True)
    assert texts(response) == ["it is RUNNING"]


def test_several_are_deleted_but_the_one_that_is_refused(
    client: Any, schedules: Any, shown: Schedule
) -> None:
    runs = [execution("RUNNING", 0), execution(minutes_ago=1), execution(minutes_ago=2)]
    schedules.execution_list.return_value = runs
    refusal = ScheduleConflictError("it is RUNNING")
    schedules.execution_delete.side_effect = [refusal, None, None]
    chosen = {"action": "executions__delete", "object_ids": [run.id for run in runs]}
    said = texts(client.post(_address(shown), chosen, follow=True))
    assert schedules.execution_delete.call_count == 3
    assert said[0] == "it is RUNNING"
    times = "2030-01-01 11:59:00 UTC, 2030-01-01 11:58:00 UTC"
    assert f"Deleted Executions: {times}" in said


@pytest.mark.parametrize(("page", "words"), [("executions", "No run yet."), ("drills", "No drill")])
def test_an_empty_list_says_what_to_do_first(
    client: Any, schedules: Any, shown: Schedule, page: str, words: str
) -> None:
    schedules.execution_list.return_value = []
    assert words in client.get(f"{INDEX}{shown.id}/{page}/").content.decode()
