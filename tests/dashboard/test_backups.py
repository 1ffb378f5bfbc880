# SPDX-License-Identifier: Apache-2.0
"""The backups on the page of a schedule, and the way from a backup to its schedule."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from trove_dashboard.content.database_backups.tables import BackupsTable

from tests.dashboard.examples import (
    BACKUP,
    CATALOG,
    FAILED_BACKUP,
    INDEX,
    NOW,
    ORDERS,
    TROVE,
    backup,
    execution,
    schedule,
    service,
    texts,
)
from trove_schedules.errors import ScheduleConflictError
from trove_schedules.schedules.names import marker
from trove_schedules_dashboard.content.backup_schedules import text

SCHEDULE = schedule(pinned=("77777777-7777-4777-8777-777777777777",))
GONE = SCHEDULE.pinned[0]
PAGE = f"{INDEX}{SCHEDULE.id}/"
NEWEST, OLDEST = execution(minutes_ago=1, backup_id=None), execution(minutes_ago=9)


@pytest.fixture(autouse=True)
def shown(trove: Any, schedules: Any) -> None:
    own = {"description": f"x {marker(SCHEDULE.id)}"}
    made = [
        backup(BACKUP, ORDERS, "COMPLETED") | own,
        backup(FAILED_BACKUP, ORDERS, "FAILED") | own,
        backup("88888888-8888-4888-8888-888888888888", ORDERS, "COMPLETED"),
    ]
    trove.get(f"{TROVE}/backups", json={"backups": made})
    schedules.schedule_show.return_value = SCHEDULE
    schedules.execution_list.return_value = [NEWEST, OLDEST]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the time that the examples begin with."""
    monkeypatch.setattr(text, "now", lambda: NOW)


def _rows(client: Any) -> dict[str, Any]:
    return {row.id: row for row in client.get(PAGE).context["backups"].data}


def test_the_page_lists_the_schedules_backups_and_the_pinned_ones(client: Any) -> None:
    rows = _rows(client)
    assert list(rows) == [BACKUP, FAILED_BACKUP, GONE]
    assert [row.pinned for row in rows.values()] == [False, False, True]
    assert [row.status for row in rows.values()] == ["COMPLETED", "FAILED", "Not among the newest"]
    assert [row.size for row in rows.values()] == ["512.0 MB", "512.0 MB", "-"]
    page = client.get(PAGE).content.decode()
    assert f"<dt>Pinned</dt><dd>{GONE}</dd>" in page


def test_a_backup_leads_to_the_run_that_made_it_and_a_run_to_its_backup(
    client: Any, user: Any, schedules: Any
) -> None:
    user.service_catalog = [*CATALOG, service("object-store", "http://swift.test")]
    run = _rows(client)[BACKUP].run_url
    assert run == f"{PAGE}executions/?marker={NEWEST.id}"
    assert run.replace("&", "&amp;") in client.get(PAGE).content.decode()
    schedules.execution_list.return_value = [OLDEST]
    page = client.get(run).content.decode()
    schedules.execution_list.assert_called_with(
        SCHEDULE.id, marker=NEWEST.id, limit=21, drills_only=False, instance=None
    )
    assert f"/project/database_backups/{BACKUP}" in page


def test_each_backup_offers_what_can_be_done_with_it(client: Any) -> None:
    page = client.get(PAGE).content.decode()
    offered = [
        (name, backup_id)
        for name in ("pin", "unpin")
        for backup_id in (BACKUP, FAILED_BACKUP, GONE)
        if f"schedule_backups__{name}__{backup_id}" in page
    ]
    assert offered == [("pin", BACKUP), ("unpin", GONE)]
    assert f"{PAGE}restore/?backup={BACKUP}" in page
    assert f"{PAGE}restore/?backup={FAILED_BACKUP}" not in page


@pytest.mark.parametrize(
    ("action", "backup_id", "said"),
    [
        ("pin", BACKUP, "Pinned Backup: 2029-12-31 02:00:00 UTC"),
        ("unpin", GONE, f"Unpinned Backup: {GONE}"),
    ],
)
def test_a_backup_is_pinned_and_unpinned(
    client: Any, schedules: Any, action: str, backup_id: str, said: str
) -> None:
    asked = {"action": f"schedule_backups__{action}__{backup_id}"}
    response = client.post(PAGE, asked, follow=True)
    getattr(schedules, f"schedule_{action}").assert_called_once_with(SCHEDULE.id, backup_id)
    assert response.redirect_chain == [(PAGE, 302)]
    assert texts(response) == [said]


def test_a_refused_pin_says_why_in_the_products_words(client: Any, schedules: Any) -> None:
    schedules.schedule_pin.side_effect = ScheduleConflictError("it has a run in progress")
    asked = {"action": f"schedule_backups__pin__{BACKUP}"}
    assert texts(client.post(PAGE, asked, follow=True)) == ["it has a run in progress"]


def test_without_backups_the_page_says_what_to_do_first(client: Any, trove: Any) -> None:
    trove.get(f"{TROVE}/backups", json={"backups": []})
    trove.get(f"{TROVE}/instances/{ORDERS}", json={"instance": {"id": ORDERS, "name": "orders"}})
    assert "Not among the newest" in client.get(PAGE).content.decode()


def test_a_backup_in_trove_dashboards_list_leads_to_its_schedule(client: Any, user: Any) -> None:
    action = BackupsTable.base_actions["backup_schedule"]
    assert action.__class__ in BackupsTable._meta.row_actions
    request = SimpleNamespace(user=user)
    made = SimpleNamespace(description=f"x {marker(SCHEDULE.id)}", status="COMPLETED")
    by_hand = SimpleNamespace(description="by hand", status="COMPLETED")
    assert action.allowed(request, made)
    assert not action.allowed(request, by_hand)
    assert action.get_link_url(made) == PAGE


def test_a_run_in_progress_is_shown_and_asked_for_until_it_ends(
    client: Any, schedules: Any, clock: Any
) -> None:
    running = execution("RUNNING", minutes_ago=1, updated_at=None)
    schedules.execution_list.return_value = [running, OLDEST]
    address = f"{INDEX}progress/{running.id}/4/"
    page = client.get(PAGE).content.decode()
    assert f'data-url="{address}"' in page
    assert "A run is in progress, for 1 min 00 s so far. Most take 4 s." in page
    schedules.execution_show.return_value = running
    answer = client.get(address).json()
    assert (answer["ended"], answer["seconds"]) == (False, 60.0)
    assert "for 1 min 00 s so far" in answer["told"]
    schedules.execution_show.return_value = OLDEST
    assert client.get(address).json()["ended"]
    schedules.execution_show.side_effect = ScheduleConflictError("no")
    assert client.get(address).json() == {"error": "no"}


def test_so_is_a_drill_beside_it(client: Any, schedules: Any, clock: Any) -> None:
    running = execution("RUNNING", minutes_ago=2, updated_at=None)
    schedules.drill_in_progress.return_value = running
    schedules.execution_list.side_effect = lambda *_, drills_only, **__: (
        [running, OLDEST] if drills_only else [execution("RUNNING", 1, updated_at=None)]
    )
    address = f"{INDEX}progress/drill/{running.id}/4/"
    page = client.get(PAGE).content.decode()
    assert f'data-url="{address}"' in page
    assert "A run is in progress, for 1 min 00 s so far.<" in page
    assert "A drill is in progress, for 2 min 00 s so far. Most take 4 s." in page
    schedules.execution_show.return_value = running
    told = "A drill is in progress, for 2 min 00 s so far. Most take 4 s."
    assert client.get(address).json() == {"ended": False, "told": told, "seconds": 120.0}


def test_a_run_that_was_lost_is_not_in_progress(client: Any, schedules: Any, clock: Any) -> None:
    lost = execution("RUNNING", minutes_ago=61, updated_at=None)
    schedules.execution_list.return_value = [lost]
    assert client.get(PAGE).context["progress"] == []


def test_without_earlier_runs_nobody_knows_how_long_one_takes(
    client: Any, schedules: Any, clock: Any
) -> None:
    schedules.execution_list.return_value = [execution("RUNNING", 1, updated_at=None)]
    page = client.get(PAGE).content.decode()
    assert "A run is in progress, for 1 min 00 s so far.<" in page
    assert "<progress aria-labelledby" in page
