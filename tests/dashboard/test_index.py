# SPDX-License-Identifier: Apache-2.0
"""The list of schedules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.examples import INDEX, LEGACY, ORDERS, TROVE, schedule, service, texts
from trove_schedules.errors import (
    AuthenticationError,
    ScheduleConflictError,
    ServiceUnavailableError,
)

_DOWN = ServiceUnavailableError("no answer", service="Mistral", operation="list cron triggers")


def _names(response: Any) -> list[str]:
    return [row.name for row in response.context["table"].data]


def test_all_schedules_are_listed_with_the_names_of_their_instances(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = [
        schedule("weekly", instance=LEGACY),
        schedule("Nightly", incremental=True),
    ]
    response = client.get(INDEX)
    assert response.status_code == 200
    assert _names(response) == ["Nightly", "weekly"]
    rows = [row.instance_name for row in response.context["table"].data]
    assert rows == ["orders", "legacy"]
    assert "2030-01-02 12:00:00 UTC" in response.content.decode()
    schedules.schedule_list.assert_called_once_with(None)


def test_the_filter_asks_for_one_instance_and_the_form_starts_with_it(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = [schedule()]
    response = client.get(INDEX, {"instance": ORDERS})
    schedules.schedule_list.assert_called_once_with(ORDERS)
    page = response.content.decode()
    assert f'<option value="{ORDERS}" selected>orders</option>' in page
    assert f"{INDEX}create/?instance={ORDERS}" in page


def test_pages_lead_forward_and_back_over_every_schedule_once(
    client: Any, trove: Any, schedules: Any
) -> None:
    client.cookies["API_RESULT_PAGE_SIZE"] = "20"
    every = [schedule(f"s{number:02}") for number in range(45)]
    schedules.schedule_list.side_effect = lambda instance: list(every)
    seen: list[list[str]] = []
    address = INDEX
    while address:
        response = client.get(address)
        seen.append(_names(response))
        table = response.context["table"]
        has_more = "Next&nbsp;" in response.content.decode()
        address = f"{INDEX}?{table.get_pagination_string()}" if has_more else ""
    assert [len(page) for page in seen] == [20, 20, 5]
    assert [name for page in seen for name in page] == [each.name for each in every]
    assert _names(client.get(f"{INDEX}?{table.get_prev_pagination_string()}")) == seen[1]


def test_a_mistral_that_is_down_gives_an_empty_list_and_its_error(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.side_effect = _DOWN
    response = client.get(INDEX)
    assert response.status_code == 200
    assert _names(response) == []
    assert len(texts(response)) == 1
    assert texts(response)[0].startswith("Mistral does not answer now.")
    assert str(_DOWN) in texts(response)[0], "the details"


def test_a_trove_that_is_down_leaves_the_ids_of_the_instances(
    client: Any, services: Any, schedules: Any
) -> None:
    services.get(f"{TROVE}/instances", status_code=503, text="busy")
    schedules.schedule_list.return_value = [schedule()]
    response = client.get(INDEX)
    assert [row.instance_name for row in response.context["table"].data] == [ORDERS]
    assert len(texts(response)) == 1
    assert texts(response)[0].startswith("Trove: list instances failed: ")


def test_a_login_that_has_ended_leads_to_the_login_form(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.side_effect = AuthenticationError("the token has expired")
    response = client.get(INDEX)
    assert response.status_code == 302
    assert "/auth/login/?next=" in response["location"]


@pytest.mark.parametrize("missing", ["workflowv2", "database"])
def test_without_both_services_there_is_no_panel(
    client: Any, user: Any, services: Any, missing: str
) -> None:
    user.service_catalog = [
        service("identity", "http://keystone.test"),
        *(
            service(kind, f"http://{kind}.test")
            for kind in ("workflowv2", "database")
            if kind != missing
        ),
    ]
    assert client.get(INDEX).status_code == 403


def test_one_schedule_or_several_are_deleted(client: Any, trove: Any, schedules: Any) -> None:
    every = [schedule("a"), schedule("b"), schedule("c")]
    schedules.schedule_list.return_value = every
    response = client.post(INDEX, {"action": f"backup_schedules__delete__{every[0].id}"})
    assert response.status_code == 302
    schedules.schedule_delete.assert_called_once_with(every[0].id)
    schedules.schedule_delete.reset_mock()
    chosen = [every[1].id, every[2].id]
    client.post(INDEX, {"action": "backup_schedules__delete", "object_ids": chosen})
    assert [call.args[0] for call in schedules.schedule_delete.call_args_list] == chosen


def test_a_refused_deletion_says_why_in_the_products_words(
    client: Any, trove: Any, schedules: Any
) -> None:
    busy = schedule("busy")
    schedules.schedule_list.return_value = [busy]
    schedules.schedule_delete.side_effect = ScheduleConflictError("it has a run in progress")
    action = {"action": f"backup_schedules__delete__{busy.id}"}
    response = client.post(INDEX, action, follow=True)
    assert texts(response) == ["it has a run in progress"]


def test_a_name_is_text_and_never_markup(client: Any, trove: Any, schedules: Any) -> None:
    schedules.schedule_list.return_value = [schedule("<script>alert(1)</script>")]
    assert "<script>alert(1)" not in client.get(INDEX).content.decode()
