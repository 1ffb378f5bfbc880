# SPDX-License-Identifier: Apache-2.0
"""The form that restores a backup, and what leads to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from trove_dashboard.content.database_backups.tables import BackupsTable

from tests import examples
from tests.dashboard.examples import (
    BACKUP,
    CATALOG,
    FAILED_BACKUP,
    INDEX,
    NOW,
    ORDERS,
    execution,
    schedule,
    texts,
)
from trove_schedules import Backup, ScheduleRestore
from trove_schedules.errors import (
    BackupNotFoundError,
    InvalidScheduleError,
    ServiceUnavailableError,
)
from trove_schedules.schedules.names import marker
from trove_schedules_dashboard.content.backup_schedules.actions import RestoreBackup

SCHEDULE = schedule()
FORM = f"{INDEX}{SCHEDULE.id}/restore/"
OLD = "55555555-5555-4555-8555-555555555555"
NETWORK = "66666666-6666-4666-8666-666666666666"


def planned(backup_id: str = BACKUP, **changes: Any) -> ScheduleRestore:
    backup = Backup(backup_id, ORDERS, "nightly", None, "COMPLETED", None, NOW, 0.5)
    ours = {"schedule_id": SCHEDULE.id, "backup": backup, "until": NOW, "source": ORDERS}
    return examples.restore(**ours | {"network": NETWORK} | changes)


@pytest.fixture(autouse=True)
def shown(trove: Any, schedules: Any) -> None:
    schedules.schedule_show.return_value = SCHEDULE
    schedules.schedule_list.return_value = []
    schedules.schedule_restore.return_value = planned()


def given(**changes: Any) -> dict[str, Any]:
    """What a browser sends of the form as it begins."""
    fields = {
        "name": "orders-restored",
        "backup": BACKUP,
        "flavor": "7",
        "volume_size": "5",
        "datastore_version": "18.6",
        "network": NETWORK,
        "configuration": "",
    }
    return fields | changes


def test_the_form_begins_as_the_instance_that_was_backed_up(client: Any, schedules: Any) -> None:
    form = client.get(FORM).context["form"]
    assert {name: form[name].value() for name in form.fields} == {
        "name": "orders-restored",
        "backup": BACKUP,
        "flavor": "7",
        "volume_size": 5,
        "datastore_version": "18.6",
        "network": NETWORK,
        "configuration": None,
    }
    [(chosen, label)] = form.fields["backup"].choices
    assert chosen == BACKUP
    assert label == "2029-12-31 02:00:00 UTC, backup-completed, 0.5 GB"
    assert FAILED_BACKUP not in str(form["backup"])
    schedules.schedule_restore.assert_called_once_with(
        SCHEDULE.id, SCHEDULE.id, backup=None, dry_run=True
    )


@pytest.mark.parametrize("chosen", [f"backup={OLD}", "execution=e"])
def test_a_run_and_a_backup_lead_to_it_with_theirs_chosen(
    client: Any, schedules: Any, chosen: str
) -> None:
    schedules.execution_show.return_value = execution(backup_id=OLD)
    schedules.schedule_restore.return_value = planned(OLD)
    form = client.get(f"{FORM}?{chosen}").context["form"]
    assert form["backup"].value() == OLD
    assert OLD in dict(form.fields["backup"].choices), "older than those that are listed"
    schedules.schedule_restore.assert_called_once_with(
        SCHEDULE.id, SCHEDULE.id, backup=OLD, dry_run=True
    )


def test_it_is_restored_as_the_form_says(client: Any, schedules: Any) -> None:
    response = client.post(FORM, given(volume_size="9", flavor=""))
    assert response.status_code == 302
    assert response.url == "/project/databases/"
    schedules.schedule_restore.assert_called_with(
        SCHEDULE.id,
        "orders-restored",
        backup=BACKUP,
        flavor=None,
        datastore_version="18.6",
        network=NETWORK,
        configuration=None,
        volume_size=9,
    )


@pytest.mark.parametrize(("typed", "asked"), [("", None), ("0", 0)])
def test_an_empty_volume_is_that_of_the_source_and_zero_is_none(
    client: Any, schedules: Any, typed: str, asked: int | None
) -> None:
    client.post(FORM, given(volume_size=typed))
    assert schedules.schedule_restore.call_args.kwargs["volume_size"] == asked


def test_it_says_what_is_made_of_which_backup_and_what_to_know(client: Any, schedules: Any) -> None:
    schedules.schedule_restore.return_value = planned(remark="Retention may delete it")
    client.post(FORM, given())
    # The page that it leads to asks services that are not here.
    assert texts(client.get(INDEX)) == [
        "Instance again is being made from the backup of 2030-01-01 12:00:00 UTC.",
        "Retention may delete it",
    ]


@pytest.mark.parametrize("missing", ["name", "backup"])
def test_what_the_form_needs_is_asked_for_at_its_field(
    client: Any, schedules: Any, missing: str
) -> None:
    response = client.post(FORM, given(**{missing: ""}))
    assert missing in response.context["form"].errors
    assert all(call.kwargs.get("dry_run") for call in schedules.schedule_restore.mock_calls)


def test_what_the_product_refuses_stays_in_the_form_with_its_words(
    client: Any, schedules: Any
) -> None:
    refusal = InvalidScheduleError("there is an instance 'orders' already")
    schedules.schedule_restore.side_effect = lambda *_, dry_run=False, **__: (
        planned() if dry_run else _raise(refusal)
    )
    response = client.post(FORM, given(name="orders"))
    assert response.context["form"].non_field_errors() == [str(refusal)]
    assert response.context["form"]["name"].value() == "orders"


def _raise(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BackupNotFoundError("it has no completed backup"), "it has no completed backup"),
        (
            ServiceUnavailableError("no answer", service="Trove", operation="list backups"),
            "Trove does not answer now.",
        ),
    ],
)
def test_without_a_backup_the_list_is_shown_with_the_reason(
    client: Any, schedules: Any, error: Exception, told: str
) -> None:
    schedules.schedule_restore.side_effect = error
    response = client.get(FORM, follow=True)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response)[0].startswith(told)


def test_a_schedule_and_its_successful_runs_offer_it(client: Any, schedules: Any) -> None:
    schedules.schedule_list.return_value = [SCHEDULE]
    assert f'href="{FORM}"' in client.get(INDEX).content.decode()
    skipped = execution(backup_id=None)
    runs = [execution("ERROR"), execution(), skipped, execution(), execution("RUNNING")]
    schedules.execution_list.return_value = runs
    page = client.get(f"{INDEX}{SCHEDULE.id}/executions/").content.decode()
    assert page.count(f'href="{FORM}') == 2
    for run in (runs[1], runs[3]):
        assert f'href="{FORM}?execution={run.id}"' in page


# trove-dashboard's own list


def listed(**changes: Any) -> Any:
    usual = {"id": BACKUP, "status": "COMPLETED", "description": marker(SCHEDULE.id)}
    return SimpleNamespace(**usual | changes)


def test_a_backup_of_a_schedule_offers_it(user: Any) -> None:
    action = RestoreBackup()
    request = SimpleNamespace(user=user)
    assert action.allowed(request, listed())
    assert action.get_link_url(listed()) == f"{FORM}?backup={BACKUP}"
    for other in ({"status": "FAILED"}, {"description": None}, {"description": "by hand"}):
        assert not action.allowed(request, listed(**other))
    user.service_catalog = [each for each in CATALOG if each["type"] != "workflowv2"]
    assert not action.allowed(request, listed())


def test_the_action_of_backups_is_added_once() -> None:
    apps.get_app_config("trove_schedules_dashboard").ready()
    assert BackupsTable._meta.row_actions.count(RestoreBackup) == 1
    assert BackupsTable.base_actions[RestoreBackup.name]
