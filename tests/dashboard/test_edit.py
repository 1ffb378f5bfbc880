# SPDX-License-Identifier: Apache-2.0
"""The form that changes a schedule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.dashboard.examples import BACKUP, INDEX, schedule, texts
from trove_schedules.errors import (
    InvalidScheduleError,
    ScheduleConflictError,
    ScheduleNotFoundError,
)
from trove_schedules.schedules.warnings import Remark

OLD = schedule(
    description="old",
    incremental=True,
    full_every=7,
    keep_last=3,
    attempts=3,
    retry_every=20,
    notify_url="https://ping.test/x",
    generation=4,
)
PAGE = f"{INDEX}{OLD.id}/"
FORM = f"{PAGE}edit/"
#: What the form sends where nothing was touched.
UNTOUCHED = {
    "name": "nightly",
    "description": "old",
    "pattern": "0 2 * * *",
    "timezone": "UTC",
    "full_every": "7",
    "keep_last": "3",
    "keep_days": "",
    "attempts": "3",
    "retry_every": "20",
    "deadline": "",
    "notify_url": "https://ping.test/x",
    "webhook_url": "",
    "webhook_on": "failure",
    "webhook_format": "json",
    "generation": "4",
}


@pytest.fixture(autouse=True)
def old(schedules: Any) -> None:
    schedules.schedule_show.return_value = OLD
    schedules.execution_list.return_value = []


def test_the_form_starts_with_what_the_schedule_has(client: Any, trove: Any) -> None:
    form = client.get(FORM).context["form"]
    assert form["preset"].value() == "0 2 * * *"
    shown = {name: str(form[name].value() or "") for name in UNTOUCHED}
    assert shown == UNTOUCHED


def test_full_every_is_for_incremental_schedules(client: Any, trove: Any, schedules: Any) -> None:
    schedules.schedule_show.return_value = schedule()
    assert "full_every" not in client.get(FORM).context["form"].fields


@pytest.mark.parametrize(
    ("typed", "unset", "changes"),
    [
        ({"pattern": "0 3 * * *"}, [], {"pattern": "0 3 * * *"}),
        ({"name": "new", "keep_days": "30"}, [], {"name": "new", "keep_days": 30}),
        ({"description": "", "keep_last": ""}, ["description", "keep_last"], {}),
        ({"full_every": "", "keep_last": "5"}, ["full_every"], {"keep_last": 5}),
        ({"deadline": "90"}, [], {"deadline": 90}),
        ({"notify_url": "https://y.test"}, [], {"notify_url": "https://y.test"}),
        ({"notify_url": ""}, ["notify_url"], {}),
        ({"swift_container": "nightly"}, [], {"swift_container": "nightly"}),
        (
            {"webhook_url": "https://chat.test", "webhook_on": "always"},
            [],
            {"webhook_url": "https://chat.test", "webhook_on": "always"},
        ),
        # Attempts and the minutes between them go together, the latter where there are any.
        ({"attempts": "2"}, [], {"attempts": 2, "retry_every": 20}),
        ({"attempts": "5", "retry_every": "10"}, [], {"attempts": 5, "retry_every": 10}),
        ({"retry_every": ""}, [], {"attempts": 3}),
        ({"timezone": "Asia/Tokyo"}, [], {"timezone": "Asia/Tokyo"}),
        ({"attempts": "1"}, [], {"attempts": 1}),
        ({"attempts": "1", "retry_every": ""}, [], {"attempts": 1}),
    ],
)
def test_only_what_was_changed_is_sent(
    client: Any,
    trove: Any,
    schedules: Any,
    typed: dict[str, str],
    unset: list[str],
    changes: dict[str, Any],
) -> None:
    schedules.schedule_set.return_value = OLD
    response = client.post(FORM, UNTOUCHED | typed, follow=True)
    schedules.schedule_set.assert_called_once_with(OLD.id, unset=unset, **changes)
    assert response.redirect_chain == [(PAGE, 302)]
    assert texts(response) == ["Changed schedule nightly."]


def test_a_deadline_is_taken_away(client: Any, trove: Any, schedules: Any) -> None:
    schedules.schedule_show.return_value = replace(OLD, deadline=60)
    client.post(FORM, UNTOUCHED)
    schedules.schedule_set.assert_called_once_with(OLD.id, unset=["deadline"])


def test_a_webhook_is_taken_away_with_all_that_belongs_to_it(
    client: Any, trove: Any, schedules: Any
) -> None:
    told = {"webhook_url": "https://chat.test", "webhook_on": "always"}
    schedules.schedule_show.return_value = replace(OLD, **told)
    typed = {"webhook_url": "", "webhook_on": "success", "webhook_format": "slack"}
    client.post(FORM, UNTOUCHED | typed)
    schedules.schedule_set.assert_called_once_with(OLD.id, unset=["webhook_url"])


@pytest.mark.parametrize(
    ("options", "is_open"),
    [
        ({}, False),
        ({"attempts": 3, "retry_every": 20}, False),
        ({"attempts": 3, "retry_every": 10}, True),
        ({"swift_container": "nightly"}, True),
        ({"keep_last": 7}, False),
        ({"keep_weekly": 7}, True),
    ],
)
def test_options_that_were_chosen_are_not_folded_away(
    client: Any, trove: Any, schedules: Any, options: dict[str, Any], is_open: bool
) -> None:
    usual = {"attempts": 3, "retry_every": 20}
    schedules.schedule_show.return_value = schedule(**usual | options)
    assert client.get(FORM).context["form"].advanced_is_open == is_open


def test_the_form_says_what_should_be_known_of_the_changed_schedule(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.return_value = old = replace(OLD, pinned=(BACKUP,))
    schedules.schedule_remarks.return_value = [Remark("at most 8 backups", warning=False)]
    address = client.get(FORM).context["remarks_url"]
    answer = client.post(address, UNTOUCHED | {"keep_last": "8", "full_every": "2"}).json()
    assert answer == {"remarks": [{"said": "at most 8 backups", "warning": False}]}
    [draft] = schedules.schedule_remarks.call_args.args
    assert (draft.id, draft.instance, draft.pinned) == (old.id, old.instance, old.pinned)
    assert (draft.keep_last, draft.full_every, draft.incremental) == (8, 2, True)


def test_attempts_are_a_number_that_every_schedule_has(
    client: Any, trove: Any, schedules: Any
) -> None:
    response = client.post(FORM, UNTOUCHED | {"attempts": ""})
    assert list(response.context["form"].errors) == ["attempts"]
    schedules.schedule_set.assert_not_called()


@pytest.mark.parametrize(
    "error",
    [
        InvalidScheduleError("there is nothing to change"),
        ScheduleConflictError("it has a run in progress"),
    ],
)
def test_what_the_product_refuses_stays_in_the_form_with_its_words(
    client: Any, trove: Any, schedules: Any, error: Exception
) -> None:
    schedules.schedule_set.side_effect = error
    response = client.post(FORM, UNTOUCHED)
    schedules.schedule_set.assert_called_once_with(OLD.id, unset=[])
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [str(error)]


def test_a_wrong_pattern_is_refused_at_its_field(client: Any, trove: Any, schedules: Any) -> None:
    response = client.post(FORM, UNTOUCHED | {"pattern": "0 2 * *"})
    assert "has 4 fields" in response.context["form"].errors["pattern"][0]
    schedules.schedule_set.assert_not_called()


def test_what_somebody_else_changed_meanwhile_is_not_undone(
    client: Any, trove: Any, schedules: Any
) -> None:
    response = client.post(FORM, UNTOUCHED | {"name": "mine", "generation": "3"})
    assert "was changed since" in response.context["form"].non_field_errors()[0]
    schedules.schedule_set.assert_not_called()


def test_a_schedule_that_is_gone_leads_back_to_the_list(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.side_effect = ScheduleNotFoundError("no backup schedule has this id")
    schedules.schedule_list.return_value = []
    response = client.get(FORM, follow=True)
    assert response.redirect_chain == [(INDEX, 302)]
