# SPDX-License-Identifier: Apache-2.0
"""The panel of policies."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.dashboard.examples import LEGACY, ORDERS, execution, schedule, texts
from trove_schedules import Policy, Schedule
from trove_schedules.errors import ScheduleConflictError, ScheduleNotFoundError
from trove_schedules.schedules.options import OPTIONS, QUALIFIERS
from trove_schedules.schedules.selection import SELECTING, USUAL, Candidate, Choice, Selection

INDEX = "/project/backup_policies/"
FORM = f"{INDEX}create/"
GIVEN = {
    "name": "nightly",
    "pattern": "0 2 * * *",
    "timezone": "UTC",
    "kind": "full",
    "max_parallel": "5",
    "webhook_on": "failure",
    "webhook_format": "json",
}
#: What the form makes of that, besides the name and the pattern.
MADE = dict.fromkeys(
    OPTIONS.keys() - {"name", "pattern", "parent_id", *QUALIFIERS["notify_url"]}
) | {
    "timezone": "UTC",
    "incremental": False,
    "webhook_on": "failure",
    "webhook_format": "json",
    "match": (),
    "exclude": (),
    "datastores": (),
    "replicas": False,
    "max_parallel": 5,
}


def policy(name: str = "nightly", selection: Selection = USUAL, **changes: Any) -> Policy:
    values = schedule(name, **changes)
    known = {each.name: getattr(values, each.name) for each in fields(Schedule)}
    return Policy(**known | {"instance": "*", "selection": selection})


CHOSEN = Selection(match=("db-*", "orders"), exclude=("*-test",), datastores=("mysql",))
OLD = policy(selection=CHOSEN, keep_last=7, attempts=3, retry_every=20, generation=4)
PAGE = f"{INDEX}{OLD.id}/"
UNTOUCHED = {
    "name": "nightly",
    "pattern": "0 2 * * *",
    "timezone": "UTC",
    "match": "db-*\norders",
    "exclude": "*-test",
    "datastores": "mysql",
    "max_parallel": "5",
    "keep_last": "7",
    "attempts": "3",
    "retry_every": "20",
    "webhook_on": "failure",
    "webhook_format": "json",
    "generation": "4",
}


@pytest.fixture(autouse=True)
def shown(schedules: Any) -> None:
    schedules.policy_list.return_value = [OLD]
    schedules.policy_show.return_value = OLD
    schedules.policy_preview.return_value = [
        Candidate(ORDERS, "orders", Choice.TAKEN, None),
        Candidate(LEGACY, "legacy", Choice.LEFT, "no match"),
    ]


def test_policies_are_listed_with_what_they_select(client: Any, schedules: Any) -> None:
    schedules.policy_list.return_value = [policy("weekly"), OLD]
    response = client.get(INDEX)
    assert [each.name for each in response.context["table"].data] == ["nightly", "weekly"]
    page = response.content.decode()
    assert "db-*, orders; without *-test; only mysql" in page
    assert "2030-01-02 12:00:00 UTC" in page


def test_without_policies_the_page_says_what_to_do_first(client: Any, schedules: Any) -> None:
    schedules.policy_list.return_value = []
    assert "Create Policy makes one" in client.get(INDEX).content.decode()


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        ({}, {}),
        ({"match": "db-*\r\n orders \r\n"}, {"match": ("db-*", "orders")}),
        ({"exclude": "*-test"}, {"exclude": ("*-test",)}),
        ({"datastores": "mysql", "replicas": "on"}, {"datastores": ("mysql",), "replicas": True}),
        ({"max_parallel": "9"}, {"max_parallel": 9}),
        ({"max_parallel": ""}, {"max_parallel": None}),
        ({"kind": "incremental", "full_every": "7"}, {"incremental": True, "full_every": 7}),
        ({"kind": "full", "full_every": "7"}, {}),
        ({"keep_daily": "7", "description": "x"}, {"keep_daily": 7, "description": "x"}),
    ],
)
def test_the_form_creates_what_was_filled_in(
    client: Any, schedules: Any, typed: dict[str, str], made: dict[str, Any]
) -> None:
    schedules.policy_create.return_value = OLD
    response = client.post(FORM, GIVEN | typed, follow=True)
    schedules.policy_create.assert_called_once_with("nightly", "0 2 * * *", **MADE | made)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response) == [
        "Created policy nightly. Its first run is due at 2030-01-02 12:00:00 UTC."
    ]


def test_the_form_begins_with_which_what_and_when(client: Any) -> None:
    form = client.get(FORM).context["form"]
    assert [each.name for each in form.what_and_when] == [
        "name", "match", "exclude", "preset", "pattern", "timezone", "keep_last", "keep_days",
    ]  # fmt: skip
    assert not form.advanced_is_open
    assert SELECTING.keys() <= form.fields.keys()


def test_a_selection_that_cant_be_meant_is_refused_at_its_field(
    client: Any, schedules: Any
) -> None:
    form = client.post(FORM, GIVEN | {"match": "db-["}).context["form"]
    assert list(form.errors) == ["match"]
    assert "has a [ without its ]" in form.errors["match"][0]
    schedules.policy_create.assert_not_called()


def test_the_form_that_changes_it_starts_with_what_the_policy_has(client: Any) -> None:
    form = client.get(f"{PAGE}edit/").context["form"]
    assert {name: str(form[name].value() or "") for name in UNTOUCHED} == UNTOUCHED


@pytest.mark.parametrize(
    ("typed", "unset", "changes"),
    [
        ({"pattern": "0 3 * * *"}, [], {"pattern": "0 3 * * *"}),
        ({"match": "db-*"}, [], {"match": ("db-*",)}),
        ({"exclude": ""}, ["exclude"], {}),
        ({"replicas": "on"}, [], {"replicas": True}),
        ({"max_parallel": "9", "keep_last": ""}, ["keep_last"], {"max_parallel": 9}),
        ({"attempts": "2"}, [], {"attempts": 2, "retry_every": 20}),
    ],
)
def test_only_what_was_changed_is_sent(
    client: Any, schedules: Any, typed: dict[str, str], unset: list[str], changes: dict[str, Any]
) -> None:
    schedules.policy_set.return_value = OLD
    response = client.post(f"{PAGE}edit/", UNTOUCHED | typed, follow=True)
    schedules.policy_set.assert_called_once_with(OLD.id, unset=unset, **changes)
    assert response.redirect_chain == [(PAGE, 302)]
    assert texts(response) == ["Changed policy nightly."]


def test_the_page_says_what_the_policy_does_and_which_instances_it_takes(client: Any) -> None:
    page = client.get(PAGE).content.decode()
    for words in ("db-*, orders; without *-test; only mysql", "the newest 7", "0 2 * * *"):
        assert words in page
    assert "A run now would back up 1 instance" in page
    assert "Backed up" in page
    assert "<td>no match</td>" in page


ACTIONS = [
    ("pause", False, "Paused Policy: nightly"),
    ("resume", True, "Resumed Policy: nightly"),
    ("run", False, "Started a Run of Policy: nightly"),
]


@pytest.mark.parametrize("address", [INDEX, PAGE])
@pytest.mark.parametrize(("action", "paused", "said"), ACTIONS)
def test_an_action_is_done_and_told_where_it_was_asked_for(
    client: Any, schedules: Any, address: str, action: str, paused: bool, said: str
) -> None:
    one = replace(OLD, paused=paused)
    schedules.policy_list.return_value, schedules.policy_show.return_value = [one], one
    asked = {"action": f"backup_policies__{action}__{OLD.id}"}
    assert asked["action"] in client.get(address).content.decode()
    response = client.post(address, asked, follow=True)
    getattr(schedules, f"policy_{action}").assert_called_once_with(OLD.id)
    assert response.redirect_chain == [(address, 302)]
    assert texts(response) == [said]


def test_a_policy_is_deleted_and_a_refusal_told(client: Any, schedules: Any) -> None:
    asked = {"action": f"backup_policies__delete__{OLD.id}"}
    response = client.post(PAGE, asked, follow=True)
    schedules.policy_delete.assert_called_once_with(OLD.id)
    assert response.redirect_chain == [(INDEX, 302)]
    schedules.policy_delete.side_effect = ScheduleConflictError("it has a run in progress")
    assert texts(client.post(INDEX, asked, follow=True)) == ["it has a run in progress"]


def test_a_policy_that_is_gone_leads_to_the_list_with_the_reason(
    client: Any, schedules: Any
) -> None:
    schedules.policy_show.side_effect = ScheduleNotFoundError("no backup policy has this id")
    response = client.get(PAGE, follow=True)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response) == ["no backup policy has this id"]


def test_its_executions_are_listed_in_pages(client: Any, schedules: Any) -> None:
    failed = execution("ERROR", 1, state_info="… msg='Backed up 88 of 100, 10 failed']")
    schedules.execution_list.return_value = [failed, execution("SUCCESS", 61)]
    page = client.get(f"{PAGE}executions/").content.decode()
    assert "Backed up 88 of 100, 10 failed" in page
    assert f'href="{PAGE}"' in page
    schedules.execution_list.assert_called_once_with(OLD.id, marker="", limit=21, drills_only=False)
