# SPDX-License-Identifier: Apache-2.0
"""The form that creates a schedule, and the next runs that it shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.dashboard.examples import (
    BACKUP,
    FAILED_BACKUP,
    INDEX,
    ORDERS,
    TROVE,
    schedule,
    texts,
)
from trove_schedules.errors import (
    AuthenticationError,
    InvalidPatternError,
    InvalidScheduleError,
    NotDelegableError,
    ServiceError,
    WorkbookMissingError,
)
from trove_schedules.schedules.options import OPTIONS, QUALIFIERS
from trove_schedules.schedules.warnings import Remark
from trove_schedules_dashboard.content.backup_schedules.fields import preset_of

FORM = f"{INDEX}create/"
GIVEN = {
    "instance": ORDERS,
    "name": "nightly",
    "pattern": "0 2 * * *",
    "timezone": "UTC",
    "kind": "full",
    "webhook_on": "failure",
    "webhook_format": "json",
}


LEFT_OUT = QUALIFIERS["notify_url"]
NO_OPTIONS = dict.fromkeys(OPTIONS.keys() - {"pattern", *LEFT_OUT}) | {
    "name": "nightly",
    "timezone": "UTC",
    "incremental": False,
    "webhook_on": "failure",
    "webhook_format": "json",
}


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, {}),
        ({"description": "for the auditors"}, {"description": "for the auditors"}),
        ({"kind": "incremental"}, {"incremental": True}),
        ({"kind": "incremental", "full_every": "7"}, {"incremental": True, "full_every": 7}),
        ({"kind": "parent", "parent_id": BACKUP}, {"parent_id": BACKUP}),
        ({"keep_last": "7", "keep_days": "30"}, {"keep_last": 7, "keep_days": 30}),
        ({"keep_daily": "7", "keep_yearly": "2"}, {"keep_daily": 7, "keep_yearly": 2}),
        (
            {"attempts": "5", "retry_every": "10", "deadline": "90"},
            {"attempts": 5, "retry_every": 10, "deadline": 90},
        ),
        ({"timezone": "Asia/Tokyo"}, {"timezone": "Asia/Tokyo"}),
        ({"notify_url": "https://ping.test/x"}, {"notify_url": "https://ping.test/x"}),
        (
            {"swift_container": "nightly", "storage_driver": "swift"},
            {"swift_container": "nightly", "storage_driver": "swift"},
        ),
        (
            {"webhook_url": "https://chat.test/x?y", "webhook_on": "always"},
            {"webhook_url": "https://chat.test/x?y", "webhook_on": "always"},
        ),
        (
            {"webhook_url": "https://chat.test/x", "webhook_format": "slack"},
            {"webhook_url": "https://chat.test/x", "webhook_format": "slack"},
        ),
        # What was chosen before the kind was changed again doesn't count.
        ({"kind": "full", "parent_id": BACKUP, "full_every": "7"}, {}),
    ],
)
def test_the_form_creates_what_was_filled_in(
    client: Any, trove: Any, schedules: Any, changes: dict[str, str], options: dict[str, Any]
) -> None:
    schedules.schedule_list.return_value = []
    schedules.schedule_create.return_value = schedule()
    response = client.post(f"{FORM}?instance={ORDERS}", GIVEN | changes, follow=True)
    schedules.schedule_create.assert_called_once_with(ORDERS, "0 2 * * *", **NO_OPTIONS | options)
    assert response.redirect_chain == [(f"{INDEX}?instance={ORDERS}", 302)]
    expected = "Created schedule nightly. Its first run is due at 2030-01-02 12:00:00 UTC."
    assert texts(response) == [expected]


def test_the_form_asks_for_every_option_but_the_suffixes_of_pings(client: Any, trove: Any) -> None:
    fields = set(client.get(FORM).context["form"].fields)
    assert fields - {"instance", "preset", "kind"} == OPTIONS.keys() - {*LEFT_OUT, "incremental"}


def _folds(form: Any) -> tuple[list[str], bool]:
    return [each.name for each in form.what_and_when], form.advanced_is_open


def test_the_form_begins_with_what_and_when_and_the_rest_is_folded(client: Any, trove: Any) -> None:
    response = client.get(FORM)
    shown = ["instance", "name", "preset", "pattern", "timezone", "keep_last", "keep_days"]
    assert _folds(response.context["form"]) == (shown, False)
    assert '<details class="advanced">' in response.content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        {"deadline": "90"},
        {"attempts": "no number"},
        {"kind": "incremental"},
        {"description": "for the auditors"},
        {"webhook_on": "always", "webhook_url": "https://chat.test/x"},
    ],
)
def test_what_is_folded_away_is_open_where_it_holds_something_or_is_wrong(
    client: Any, trove: Any, schedules: Any, typed: dict[str, str]
) -> None:
    # It comes back, because the pattern is wrong.
    response = client.post(FORM, GIVEN | {"pattern": "0 2 * *"} | typed)
    assert response.context["form"].advanced_is_open
    assert '<details class="advanced" open>' in response.content.decode()


@pytest.mark.parametrize(
    ("pattern", "choice"),
    [
        ("0 2 * * *", "0 2 * * *"),
        (" 0  2 * * MON-FRI", "0 2 * * mon-fri"),
        ("7 2 * * *", ""),
        ("@daily", ""),
        ("", ""),
    ],
)
def test_how_often_agrees_with_the_pattern(
    client: Any, trove: Any, schedules: Any, pattern: str, choice: str
) -> None:
    assert preset_of(pattern) == choice
    # It comes back, because nothing is named.
    typed = GIVEN | {"name": "", "pattern": pattern, "preset": choice}
    assert client.post(FORM, typed).context["form"]["preset"].value() == choice
    assert client.get(FORM).context["form"]["preset"].value() == "0 2 * * *"


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "??", "it needs a letter (a to z) or digit"),
        ("description", "a\tb", "give a single line"),
        ("swift_container", "a/b", "it needs letters (a to z), digits and any of"),
        ("storage_driver", "a b", "it needs letters (a to z), digits and any of"),
        ("notify_url", "https://ping.test/?x", "no suffix can be added"),
        ("webhook_url", "ftp://chat.test/", "must begin with http:// or https://"),
    ],
)
def test_what_an_option_cant_be_is_said_at_its_field(
    client: Any, trove: Any, schedules: Any, field: str, typed: str, words: str
) -> None:
    errors = client.post(FORM, GIVEN | {field: typed}).context["form"].errors
    assert list(errors) == [field]
    assert words in errors[field][0]
    schedules.schedule_create.assert_not_called()


def test_whom_a_webhook_tells_needs_its_url(client: Any, trove: Any, schedules: Any) -> None:
    response = client.post(FORM, GIVEN | {"webhook_on": "always"})
    assert list(response.context["form"].errors) == ["webhook_url"]
    schedules.schedule_create.assert_not_called()


def test_attempts_that_dont_fit_the_pattern_are_refused_at_their_field(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_create.side_effect = InvalidPatternError("3 attempts run into the next")
    form = client.post(FORM, GIVEN | {"attempts": "3"}).context["form"]
    assert form.errors == {"attempts": ["3 attempts run into the next"]}
    assert form.advanced_is_open


def _remarks(client: Any, **typed: str) -> Any:
    return client.post(f"{INDEX}remarks/", GIVEN | typed).json()


def test_the_form_says_what_should_be_known_of_what_is_typed(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_remarks.return_value = [Remark("nothing is deleted", warning=True)]
    typed = {"name": "", "kind": "incremental", "keep_last": "7", "attempts": "3"}
    assert _remarks(client, **typed) == {
        "remarks": [{"said": "nothing is deleted", "warning": True}]
    }
    [draft] = schedules.schedule_remarks.call_args.args
    assert (draft.instance, draft.pattern, draft.keep_last) == (ORDERS, "0 2 * * *", 7)
    assert (draft.incremental, draft.attempts, draft.retry_every) == (True, 3, 20)


@pytest.mark.parametrize(
    "typed",
    [
        {"instance": ""},
        {"pattern": "0 2 * *"},
        {"keep_last": "none"},
        {"pattern": "* * * * *", "attempts": "3"},
    ],
)
def test_nothing_is_said_of_what_is_not_whole_or_wrong(
    client: Any, trove: Any, schedules: Any, typed: dict[str, str]
) -> None:
    assert _remarks(client, **typed) == {"remarks": []}
    schedules.schedule_remarks.assert_not_called()


def test_a_service_that_cant_say_more_of_the_options_is_named(
    client: Any, trove: Any, schedules: Any
) -> None:
    error = ServiceError("no", service="Trove", operation="show quotas", status=500)
    schedules.schedule_remarks.side_effect = error
    assert _remarks(client) == {"error": str(error)}


def test_what_is_typed_is_not_asked_about_by_an_address_that_is_logged(client: Any) -> None:
    assert client.get(f"{INDEX}remarks/", GIVEN).status_code == 405


def test_what_is_to_be_said_of_the_new_schedule_is_a_message(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = []
    schedules.schedule_create.return_value = made = schedule()
    schedules.schedule_remarks.return_value = [
        Remark("it has at most 8 backups", warning=False),
        Remark("it is like another one", warning=True),
    ]
    response = client.post(FORM, GIVEN, follow=True)
    schedules.schedule_remarks.assert_called_once_with(made)
    levels = [each.level_tag for each in response.context["messages"]]
    assert texts(response)[1:] == ["it has at most 8 backups", "it is like another one"]
    assert levels == ["success", "info", "warning"]


def test_a_schedule_is_created_though_nobody_can_say_more_of_it(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = []
    schedules.schedule_create.return_value = schedule()
    error = ServiceError("no", service="Trove", operation="show quotas", status=500)
    schedules.schedule_remarks.side_effect = error
    response = client.post(FORM, GIVEN, follow=True)
    assert texts(response)[1:] == [str(error)]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("0 2 * *", "has 4 fields; a pattern has five"),
        ("61 2 * * *", "61 is not a minute (0 to 59)"),
        ("0 0 31 2 *", "it names a day that never comes"),
    ],
)
def test_a_wrong_pattern_is_refused_at_its_field_in_the_products_words(
    client: Any, trove: Any, schedules: Any, pattern: str, words: str
) -> None:
    response = client.post(FORM, GIVEN | {"pattern": pattern})
    assert response.status_code == 200
    assert words in response.context["form"].errors["pattern"][0]
    schedules.schedule_create.assert_not_called()


def test_what_is_no_time_zone_is_refused_with_the_reason(
    client: Any, trove: Any, schedules: Any
) -> None:
    response = client.post(FORM, GIVEN | {"timezone": "Tokyo"})
    assert "not a time zone" in response.context["form"].errors["timezone"][0]
    schedules.schedule_create.assert_not_called()


def test_an_increment_of_one_backup_needs_that_backup(
    client: Any, trove: Any, schedules: Any
) -> None:
    response = client.post(FORM, GIVEN | {"kind": "parent"})
    assert list(response.context["form"].errors) == ["parent_id"]
    schedules.schedule_create.assert_not_called()


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5"])
@pytest.mark.parametrize("option", ["keep_last", "attempts", "deadline"])
def test_an_option_is_a_number_of_one_or_more(
    client: Any, trove: Any, schedules: Any, option: str, given: str
) -> None:
    response = client.post(FORM, GIVEN | {option: given})
    assert list(response.context["form"].errors) == [option]
    schedules.schedule_create.assert_not_called()


def test_only_completed_backups_are_offered_as_parents(
    client: Any, trove: Any, schedules: Any
) -> None:
    page = client.get(FORM).content.decode()
    assert f'value="{BACKUP}"' in page
    assert FAILED_BACKUP not in page
    assert 'optgroup label="orders"' in page


@pytest.mark.parametrize(
    "error",
    [
        WorkbookMissingError("the workbook is not loaded; load it with this command"),
        InvalidScheduleError("the name is not one that Trove takes"),
        NotDelegableError("a schedule needs a Keystone trust"),
        ServiceError("no", service="Mistral", operation="create cron trigger", status=500),
    ],
)
def test_what_the_product_refuses_stays_in_the_form_with_its_words(
    client: Any, trove: Any, schedules: Any, error: Exception
) -> None:
    schedules.schedule_create.side_effect = error
    response = client.post(FORM, GIVEN | {"name": "kept"})
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [str(error)]
    assert 'value="kept"' in response.content.decode()


def test_a_login_that_has_ended_leads_to_the_login_form(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_create.side_effect = AuthenticationError("the token has expired")
    response = client.post(FORM, GIVEN)
    assert response.status_code == 302
    assert "/auth/login/?next=" in response["location"]


def test_a_trove_that_is_down_gives_a_form_without_instances_and_its_error(
    client: Any, services: Any, schedules: Any
) -> None:
    services.get(f"{TROVE}/instances", status_code=500, text="broken")
    response = client.get(FORM)
    assert response.status_code == 200
    assert texts(response)[0].startswith("Trove: list instances failed: ")


def test_the_next_runs_are_mistrals_in_utc(client: Any) -> None:
    found = client.get(f"{INDEX}next_runs/", {"pattern": "30  2 * * mon"}).json()["runs"]
    times = [datetime.fromisoformat(each) for each in found]
    assert [(each.weekday(), each.hour, each.minute) for each in times] == [(0, 2, 30)] * 3
    assert [str(each.tzinfo) for each in times] == ["UTC"] * 3


def test_the_next_runs_are_by_the_clock_of_the_zone(client: Any) -> None:
    asked = {"pattern": "30 2 * * *", "timezone": "Asia/Kathmandu"}
    [found, *_] = client.get(f"{INDEX}next_runs/", asked).json()["runs"]
    assert found[11:] == "20:45:00Z"
    answer = client.get(f"{INDEX}next_runs/", asked | {"timezone": "Nowhere"}).json()
    assert "not a time zone" in answer["error"]


@pytest.mark.parametrize(
    ("pattern", "note"),
    [
        ("30  2 * * mon", ""),
        ("@daily", ""),
        ("H H(1-4) * * *", "For example; each schedule gets its own value for H."),
    ],
)
def test_runs_that_depend_on_the_schedule_are_called_an_example(
    client: Any, pattern: str, note: str
) -> None:
    answer = client.get(f"{INDEX}next_runs/", {"pattern": pattern}).json()
    assert (len(answer["runs"]), answer["note"]) == (3, note)


def test_the_form_takes_a_pattern_with_h(client: Any, trove: Any, schedules: Any) -> None:
    schedules.schedule_create.return_value = schedule()
    client.post(FORM, GIVEN | {"pattern": "H 2 * * *"})
    assert schedules.schedule_create.call_args.args[1] == "H 2 * * *"


@pytest.mark.parametrize("pattern", ["", "@reboot", "0 0 31 2 *", "0 2 * * * *"])
def test_instead_of_next_runs_the_words_say_what_is_wrong(client: Any, pattern: str) -> None:
    answer = client.get(f"{INDEX}next_runs/", {"pattern": pattern}).json()
    assert "pattern" in answer["error"]
    assert "runs" not in answer
