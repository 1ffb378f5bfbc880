# SPDX-License-Identifier: Apache-2.0
"""The panel of policies."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.dashboard.examples import (
    BACKUP,
    FAILED_BACKUP,
    LEGACY,
    NOW,
    ORDERS,
    TROVE,
    backup,
    execution,
    health,
    schedule,
    texts,
)
from tests.dashboard.test_restore import NETWORK, given, planned
from trove_schedules import Policy, Schedule
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import (
    BackupNotFoundError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    ServiceUnavailableError,
)
from trove_schedules.health import Health, PolicyHealth, State
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.options import OPTIONS, QUALIFIERS
from trove_schedules.schedules.selection import SELECTING, USUAL, Candidate, Choice, Selection
from trove_schedules.schedules.warnings import Remark
from trove_schedules_dashboard.content.backup_schedules import text

INDEX = "/project/backup_policies/"
FORM = f"{INDEX}create/"
#: An instance that the project has no more.
GONE = "99999999-9999-4999-8999-999999999999"
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
def shown(trove: Any, schedules: Any) -> None:
    schedules.execution_list.return_value = []
    schedules.policy_list.return_value = [OLD]
    schedules.policy_show.side_effect = None
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
    assert '<div class="reason">no match</div>' in page


def test_the_page_says_when_the_instances_are_drilled(client: Any, schedules: Any) -> None:
    assert 'id="drill"' not in client.get(PAGE).content.decode()
    schedules.policy_drill_show.return_value = ScheduleDrill(OLD.id, "0 4 * * *", NOW, "t")
    page = client.get(PAGE).content.decode()
    schedules.policy_drill_show.assert_called_with(OLD)
    assert f"<code>0 4 * * *</code>, the next at {text.utc(NOW)}" in page


def told(state: State, reason: str, *instances: Health, **more: Any) -> PolicyHealth:
    values = {"policy_id": OLD.id, "name": OLD.name, "next_execution_time": None, "not_reached": 0}
    return PolicyHealth(
        **values | {"state": state, "reason": reason, "instances": instances, "gone": ()} | more
    )


def made(instance: str, backup_id: str = BACKUP) -> dict[str, Any]:
    return backup(backup_id, instance, "COMPLETED") | {"description": marker(OLD.id)}


def test_the_page_begins_with_the_state_of_the_policy_and_has_that_of_each_instance(
    client: Any, schedules: Any
) -> None:
    fine = replace(health(), last_success=NOW, last_proven=NOW)
    ill = replace(health(State.FAILED, "no <i>space</i>"), instance=LEGACY)
    schedules.policy_preview.return_value = [
        Candidate(each, name, Choice.TAKEN, None)
        for each, name in ((ORDERS, "orders"), (LEGACY, "legacy"))
    ]
    schedules.policy_health.return_value = [told(State.FAILED, "1 FAILED (legacy)", fine, ill)]
    response = client.get(PAGE)
    schedules.policy_health.assert_called_once_with([OLD])
    page = response.content.decode()
    assert "1 FAILED (legacy)" in page
    assert "no &lt;i&gt;space&lt;/i&gt;" in page
    rows = response.context["instances"].rows
    assert [(row.name, row.badge["state"]) for row in rows] == [
        ("legacy", "FAILED"),
        ("orders", "OK"),
    ]
    assert [row.last_proven for row in rows] == ["-", "2030-01-01 12:00:00 UTC"]


def test_each_instance_with_a_backup_leads_to_its_restore_and_each_to_its_runs(
    client: Any, trove: Any, schedules: Any
) -> None:
    by_hand = backup(FAILED_BACKUP, LEGACY, "COMPLETED")
    trove.get(f"{TROVE}/backups", json={"backups": [made(ORDERS), by_hand, made(GONE)]})
    response = client.get(PAGE)
    rows = response.context["instances"].rows
    assert [(row.id, row.is_there) for row in rows] == [
        (ORDERS, True),
        (LEGACY, True),
        (GONE, False),
    ]
    assert [row.restore for row in rows] == [
        f"{PAGE}restore/?instance={ORDERS}",
        None,
        f"{PAGE}restore/?instance={GONE}",
    ]
    page = response.content.decode()
    assert f'href="{PAGE}executions/?instance={LEGACY}"' in page
    assert f"/project/databases/{GONE}/" not in page
    assert "Its backups stay." in page


def test_an_instance_that_health_tells_is_gone_is_listed(client: Any, schedules: Any) -> None:
    schedules.policy_health.return_value = [told(State.OK, "fine", gone=(GONE,))]
    assert client.get(PAGE).context["instances"].rows[-1].id == GONE


def test_a_run_and_a_drill_of_a_policy_are_followed(
    client: Any, schedules: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(text, "now", lambda: NOW)
    running = execution("RUNNING", 1, updated_at=None)
    schedules.execution_list.return_value = [running]
    schedules.drill_in_progress.return_value = execution("RUNNING", 2, updated_at=None)
    page = client.get(PAGE).content.decode()
    assert "A run is in progress, for 1 min 00 s so far.<" in page
    assert "A drill is in progress, for 2 min 00 s so far.<" in page
    assert f'data-url="/project/backup_schedules/progress/{running.id}/0/"' in page


# Health in the list


def test_the_list_is_told_how_its_policies_are(client: Any, schedules: Any) -> None:
    schedules.policy_health.return_value = [told(State.FAILED, "1 FAILED (legacy)")]
    page = client.get(INDEX).content.decode()
    assert f'data-url="{INDEX}states/"' in page
    schedules.policy_health.assert_not_called()
    assert client.get(f"{INDEX}states/").json() == {
        "told": "1 of 1 need help.",
        "ill": 1,
        "url": f"{INDEX}?state=help",
        "rows": {
            OLD.id: {
                "state": "FAILED",
                "label": "danger",
                "icon": "exclamation-triangle",
                "reason": "1 FAILED (legacy)",
            }
        },
    }


def test_those_that_need_help_can_be_listed_alone(client: Any, schedules: Any) -> None:
    schedules.policy_list.return_value = [policy("fine"), OLD]
    schedules.policy_health.return_value = [told(State.STALE, "too old")]
    response = client.get(INDEX, {"state": "help"})
    assert [each.id for each in response.context["table"].data] == [OLD.id]
    assert '<option value="help" selected>' in response.content.decode()
    schedules.policy_health.return_value = [told(State.OK, "fine")]
    assert "No policy needs help." in client.get(INDEX, {"state": "help"}).content.decode()


def test_where_nobody_can_say_how_they_are_the_reason_is_told(client: Any, schedules: Any) -> None:
    down = ServiceUnavailableError("no answer", service="Mistral", operation="list executions")
    schedules.policy_health.side_effect = down
    assert client.get(f"{INDEX}states/").json() == {"error": str(down)}


# What is to be known of the options


def test_the_forms_ask_what_is_to_be_known_of_what_is_typed(client: Any, schedules: Any) -> None:
    schedules.policy_remarks.return_value = [Remark("at most 80 backups", warning=True)]
    said = {"remarks": [{"said": "at most 80 backups", "warning": True}]}
    address = client.get(FORM).context["remarks_url"]
    typed = GIVEN | {"match": "db-*", "keep_last": "7", "kind": "incremental"}
    assert client.post(address, typed | {"name": ""}).json() == said
    [draft] = schedules.policy_remarks.call_args.args
    assert (draft.selection, draft.instance) == (Selection(match=("db-*",)), "*")
    assert (draft.keep_last, draft.incremental, draft.attempts) == (7, True, 3)

    address = client.get(f"{PAGE}edit/").context["remarks_url"]
    assert client.post(address, UNTOUCHED | {"exclude": ""}).json() == said
    [draft] = schedules.policy_remarks.call_args.args
    assert (draft.id, draft.selection) == (OLD.id, replace(CHOSEN, exclude=()))
    assert client.post(address, UNTOUCHED | {"match": "db-["}).json() == {"remarks": []}
    assert client.get(address).status_code == 405


def test_what_is_to_be_known_is_told_after_the_form_too(client: Any, schedules: Any) -> None:
    schedules.policy_create.return_value = schedules.policy_set.return_value = OLD
    schedules.policy_remarks.return_value = [Remark("it takes none", warning=True)]
    for address, typed in ((FORM, GIVEN), (f"{PAGE}edit/", UNTOUCHED | {"keep_last": "8"})):
        assert texts(client.post(address, typed, follow=True))[1:] == ["it takes none"]
    schedules.policy_remarks.assert_called_with(OLD)


# Restores


def test_from_a_backup_that_a_policy_made_the_schedules_pages_lead_to_the_policy(
    client: Any, schedules: Any
) -> None:
    # trove-dashboard's list of backups knows only an id.
    schedules.schedule_show.side_effect = ScheduleNotFoundError("no schedule has this id")
    response = client.get(f"/project/backup_schedules/{OLD.id}/", follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    assert texts(response) == []
    schedules.schedule_restore.return_value = planned()
    address = f"/project/backup_schedules/{OLD.id}/restore/?backup={BACKUP}"
    assert client.get(address).context["form"]["backup"].value() == BACKUP


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (f"instance={LEGACY}", {"instance": LEGACY, "backup": None}),
        (f"backup={BACKUP}", {"instance": None, "backup": BACKUP}),
        ("execution=e", {"instance": None, "backup": BACKUP}),
    ],
)
def test_the_form_that_restores_is_filled_in(
    client: Any, schedules: Any, query: str, asked: dict[str, Any]
) -> None:
    schedules.execution_show.return_value = execution()
    schedules.policy_restore.return_value = planned(source=LEGACY)
    address = f"{PAGE}restore/?{query}"
    form = client.get(address).context["form"]
    schedules.policy_restore.assert_called_once_with(OLD.id, OLD.id, **asked, dry_run=True)
    assert form["name"].value() == "legacy-restored"
    assert form["backup"].value() == BACKUP
    client.post(address, given(name="again"))
    schedules.policy_restore.assert_called_with(
        OLD.id,
        "again",
        instance=LEGACY,
        backup=BACKUP,
        flavor="7",
        datastore_version="18.6",
        network=NETWORK,
        configuration=None,
        volume_size=5,
    )
    schedules.schedule_restore.assert_not_called()


def test_without_a_backup_the_policies_are_listed_with_the_reason(
    client: Any, schedules: Any
) -> None:
    schedules.policy_restore.side_effect = BackupNotFoundError("it has no completed backup")
    response = client.get(f"{PAGE}restore/?instance={LEGACY}", follow=True)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response) == ["it has no completed backup"]


def test_the_runs_of_one_instance_are_listed_and_lead_to_its_restore(
    client: Any, schedules: Any
) -> None:
    runs = [execution("ERROR"), *(execution() for _ in range(20))]
    schedules.execution_list.return_value = runs
    address = f"{PAGE}executions/?instance={ORDERS}"
    page = client.get(address).content.decode()
    schedules.execution_list.assert_called_once_with(
        OLD, marker="", limit=21, drills_only=False, instance=ORDERS
    )
    assert f'href="{PAGE}restore/?execution={runs[1].id}"' in page
    assert f"{PAGE}restore/?execution={runs[0].id}" not in page
    assert f'<option value="{ORDERS}" selected>{ORDERS}</option>' in page
    assert f"?instance={ORDERS}&amp;marker={runs[19].id}" in page
    page = client.get(f"{PAGE}executions/?instance={GONE}&marker=m").content.decode()
    assert f'<option value="{GONE}" selected>{GONE}</option>' in page
    assert f'href="{PAGE}executions/?instance={GONE}">Back to the newest' in page


ACTIONS = [
    ("pause", False, "Paused Policy: nightly"),
    ("resume", True, "Resumed Policy: nightly"),
    ("run", False, "Started a Run of Policy: nightly"),
    ("drill", False, "Started a Drill of Policy: nightly"),
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


def test_the_drills_of_its_instances_are_listed_with_these(client: Any, schedules: Any) -> None:
    skipped = "Skipped: the policy takes none of the instances"
    schedules.execution_list.return_value = [
        execution(instance=ORDERS),
        execution(instance=None, backup_id=None, output={"status": skipped}),
    ]
    response = client.get(f"{PAGE}drills/")
    schedules.execution_list.assert_called_once_with(
        OLD, marker="", limit=21, drills_only=True, instance=None
    )
    page = response.content.decode()
    assert response.context["page_title"] == "Restore Drills of nightly"
    assert f'<a href="/project/databases/{ORDERS}/"' in page
    assert skipped in page
    assert f'href="{PAGE}drills/repeat/"' in page
    assert 'data-instance-names="/project/backup_schedules/instance_names/"' in page


def test_its_instances_are_drilled_in_turn_by_a_pattern(client: Any, schedules: Any) -> None:
    form = f"{PAGE}drills/repeat/"
    schedules.policy_drill_show.return_value = None
    page = client.get(form)
    assert page.context["form"]["pattern"].value() == ""
    assert "so that all have their turn" in page.content.decode()
    schedules.policy_drill_every.return_value = ScheduleDrill(OLD.id, "7 4 * * 0", NOW, "t")
    response = client.post(form, {"pattern": "H 4 * * 0"}, follow=True)
    schedules.policy_drill_every.assert_called_once_with(OLD.id, "H 4 * * 0")
    assert response.redirect_chain == [(f"{PAGE}drills/", 302)]
    assert texts(response)[0].startswith("Drills of nightly are repeated. The next is due at ")


def test_its_executions_are_listed_in_pages(client: Any, schedules: Any) -> None:
    failed = execution("ERROR", 1, state_info="… msg='Backed up 88 of 100, 10 failed']")
    schedules.execution_list.return_value = [failed, execution("SUCCESS", 61)]
    page = client.get(f"{PAGE}executions/").content.decode()
    assert "Backed up 88 of 100, 10 failed" in page
    assert f'href="{PAGE}"' in page
    schedules.execution_list.assert_called_once_with(
        OLD, marker="", limit=21, drills_only=False, instance=None
    )
