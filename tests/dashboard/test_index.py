# SPDX-License-Identifier: Apache-2.0
"""The list of schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.dashboard.examples import (
    INDEX,
    LEGACY,
    NOW,
    ORDERS,
    TROVE,
    health,
    schedule,
    service,
    texts,
)  # fmt: skip
from trove_schedules.errors import (
    AuthenticationError,
    ScheduleConflictError,
    ServiceUnavailableError,
)
from trove_schedules.health import State

_DOWN = ServiceUnavailableError("no answer", service="Mistral", operation="list cron triggers")


def _names(response: Any) -> list[str]:
    return [row.name for row in response.context["table"].data]


def test_all_schedules_are_listed_with_the_ids_of_their_instances(
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
    assert rows == [ORDERS, LEGACY]
    assert "2030-01-02 12:00:00 UTC" in response.content.decode()
    schedules.schedule_list.assert_called_once_with(None)


def test_the_filter_asks_for_one_instance_and_the_form_starts_with_it(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = [schedule()]
    response = client.get(INDEX, {"instance": ORDERS})
    schedules.schedule_list.assert_called_once_with(ORDERS)
    page = response.content.decode()
    assert f'<option value="{ORDERS}" selected>{ORDERS}</option>' in page
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


def test_the_names_of_the_instances_are_asked_for_by_the_page(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = [schedule()]
    asked = client.get(f"{INDEX}instance_names/")
    assert asked.json() == {"names": {ORDERS: "orders", LEGACY: "legacy"}}
    assert f'data-instance-names="{INDEX}instance_names/"' in client.get(INDEX).content.decode()


def test_a_trove_that_is_down_is_told_where_the_names_would_be(client: Any, services: Any) -> None:
    services.get(f"{TROVE}/instances", status_code=503, text="busy")
    told = client.get(f"{INDEX}instance_names/").json()["error"]
    assert told.startswith("Trove: list instances failed: ")


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


def test_how_the_schedules_are_is_asked_for_after_the_list_by_one_look(
    client: Any, trove: Any, schedules: Any
) -> None:
    good, bad = schedule("good"), schedule("bad")
    schedules.schedule_list.return_value = [good, bad]
    page = client.get(INDEX, {"instance": ORDERS}).content.decode()
    schedules.schedule_health.assert_not_called()
    assert f'data-url="{INDEX}states/?instance={ORDERS}"' in page
    schedules.schedule_health.return_value = [
        replace(health(State.LOST, "Mistral left no execution"), schedule_id=bad.id),
        replace(health(), schedule_id=good.id, last_proven=NOW),
    ]
    answer = client.get(f"{INDEX}states/", {"instance": ORDERS}).json()
    schedules.schedule_health.assert_called_once_with(instance=ORDERS)
    assert (answer["ill"], answer["told"]) == (1, "1 of 2 need help.")
    assert answer["url"] == f"{INDEX}?instance={ORDERS}&state=help"
    assert answer["rows"][bad.id]["label"] == "danger"
    assert answer["rows"][bad.id]["reason"] == "Mistral left no execution"
    assert answer["rows"][good.id]["last_proven"] == "2030-01-01 12:00:00 UTC"


def test_a_service_that_cant_say_how_they_are_is_named(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_health.side_effect = _DOWN
    assert client.get(f"{INDEX}states/").json() == {"error": str(_DOWN)}


def test_the_list_shows_those_that_need_help_and_keeps_to_them_from_page_to_page(
    client: Any, trove: Any, schedules: Any
) -> None:
    client.cookies["API_RESULT_PAGE_SIZE"] = "1"
    every = [schedule("a"), schedule("b"), schedule("c")]
    schedules.schedule_list.return_value = every
    schedules.schedule_health.return_value = [
        replace(health(state), schedule_id=each.id)
        for each, state in zip(every, (State.FAILED, State.PAUSED, State.QUOTA), strict=True)
    ]
    first = client.get(INDEX, {"state": "help"})
    assert _names(first) == ["a"]
    assert '<option value="help" selected>' in first.content.decode()
    second = client.get(f"{INDEX}?{first.context['table'].get_pagination_string()}")
    assert _names(second) == ["c"]


def test_without_health_nothing_is_said_to_need_help(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = [schedule()]
    schedules.schedule_health.side_effect = _DOWN
    response = client.get(INDEX, {"state": "help"})
    assert _names(response) == []
    assert texts(response)[0].startswith("Mistral does not answer now.")


def test_an_empty_list_says_what_to_do_first(client: Any, trove: Any, schedules: Any) -> None:
    schedules.schedule_list.return_value = []
    assert "Create Schedule makes the first one." in client.get(INDEX).content.decode()
    assert "No schedule needs help." in client.get(INDEX, {"state": "help"}).content.decode()
