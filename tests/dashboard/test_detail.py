# SPDX-License-Identifier: Apache-2.0
"""The details of a schedule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.dashboard.examples import (
    BACKUP,
    INDEX,
    NOW,
    ORDERS,
    TROVE,
    drill,
    execution,
    health,
    schedule,
    texts,
)
from trove_schedules.errors import ScheduleNotFoundError, ServiceUnavailableError
from trove_schedules.health import State

_DOWN = ServiceUnavailableError("no answer", service="Mistral", operation="list executions")


def test_the_page_tells_what_the_schedule_does_and_draws_its_newest_runs(
    client: Any, trove: Any, schedules: Any
) -> None:
    shown = schedule(incremental=True, description="for <b>us</b>", keep_last=7, deadline=90)
    shown = replace(
        shown,
        notify_url="https://ping.test/x",
        webhook_url="https://chat.test/x",
        webhook_on="always",
        swift_container="nightly",
        storage_driver="swift",
    )
    schedules.schedule_health.return_value = [health(State.FAILED, "no <i>space</i>")]
    schedules.schedule_show.return_value = shown
    schedules.execution_list.return_value = [execution("ERROR", 1), execution("SUCCESS", 61)]
    page = client.get(f"{INDEX}{shown.id}/").content.decode()
    for words in ("0 2 * * *", "orders", "Incremental", "2030-01-02 12:00:00 UTC", "FAILED"):
        assert words in page
    for words in (
        "the newest 7",
        "90 minutes",
        "https://ping.test/x",
        "https://chat.test/x (always, json)",
        "<dt>Swift container</dt><dd>nightly</dd>",
        "<dt>Storage driver</dt><dd>swift</dd>",
        "no &lt;i&gt;space&lt;/i&gt;",
        "label-danger",
    ):
        assert words in page
    assert "for &lt;b&gt;us&lt;/b&gt;" in page
    assert page.count('class="run run-') == 2
    assert "Trove said no" in page
    assert "512.0 MB" in page, "the size of the backup"
    schedules.schedule_health.assert_called_once_with([shown])
    schedules.execution_list.assert_called_once_with(
        shown.id, marker="", limit=30, drills_only=False, instance=None
    )


def test_a_schedule_that_is_gone_leads_back_to_the_list_with_the_reason(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.side_effect = ScheduleNotFoundError("no backup schedule has this id")
    schedules.schedule_list.return_value = []
    response = client.get(f"{INDEX}{schedule().id}/", follow=True)
    assert response.redirect_chain == [(INDEX, 302)]
    assert texts(response) == ["no backup schedule has this id"]


def test_without_a_history_the_rest_of_the_page_is_there(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.return_value = schedule()
    schedules.execution_list.side_effect = _DOWN
    response = client.get(f"{INDEX}{schedule().id}/")
    assert response.status_code == 200
    assert "schedule-runs" not in response.content.decode()
    assert len(texts(response)) == 1
    assert texts(response)[0].startswith("Mistral does not answer now.")
    assert str(_DOWN) in texts(response)[0], "the details"


def test_without_a_state_the_rest_of_the_page_is_there(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.return_value = schedule()
    schedules.schedule_health.side_effect = _DOWN
    schedules.execution_list.return_value = [execution()]
    response = client.get(f"{INDEX}{schedule().id}/")
    assert response.status_code == 200
    assert "schedule_health" not in response.content.decode()
    assert response.content.decode().count('class="run run-') == 1
    assert texts(response)[0].startswith("Mistral does not answer now.")


def test_a_proven_restore_is_told_with_its_time_and_backup_and_the_next_drill(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.return_value = shown = schedule()
    schedules.execution_list.return_value = []
    proven = replace(health(), last_proven=NOW, proven_backup=BACKUP)
    schedules.schedule_health.return_value = [proven]
    schedules.schedule_drill_show.return_value = drill()
    page = client.get(f"{INDEX}{shown.id}/").content.decode()
    assert f"2030-01-01 12:00:00 UTC, backup {BACKUP}</dd>" in page
    assert "<code>7 4 * * 0</code>, the next at 2030-01-06 12:00:00 UTC</dd>" in page


def test_what_was_never_proven_is_not_called_proven(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.return_value = shown = schedule()
    schedules.execution_list.return_value = []
    page = client.get(f"{INDEX}{shown.id}/").content.decode()
    assert '<dd id="last_proven">Not known</dd>' in page
    assert 'id="drill"' not in page


def test_without_the_drills_the_rest_of_the_page_is_there(
    client: Any, trove: Any, schedules: Any
) -> None:
    schedules.schedule_show.return_value = shown = schedule()
    schedules.execution_list.return_value = [execution()]
    schedules.schedule_drill_show.side_effect = _DOWN
    response = client.get(f"{INDEX}{shown.id}/")
    assert response.content.decode().count('class="run run-') == 1
    assert texts(response)[0].startswith("Mistral does not answer now.")


def test_an_instance_that_is_gone_is_shown_by_its_id(
    client: Any, services: Any, schedules: Any
) -> None:
    gone = {"itemNotFound": {"code": 404, "message": f"Resource {ORDERS} cannot be found."}}
    services.get(
        f"{TROVE}/instances/{ORDERS}",
        status_code=404,
        json=gone,
        headers={"content-type": "application/json"},
    )
    services.get(f"{TROVE}/backups", json={"backups": []})
    schedules.schedule_show.return_value = schedule()
    schedules.execution_list.return_value = []
    response = client.get(f"{INDEX}{schedule().id}/")
    assert response.context["instance_name"] == ORDERS
    assert not [text for text in texts(response) if "Trove" in text]


@pytest.mark.parametrize("status", [404, 503])
def test_without_trove_the_runs_are_drawn_without_sizes(
    client: Any, services: Any, schedules: Any, status: int
) -> None:
    services.get(f"{TROVE}/instances/{ORDERS}", status_code=status, text="gone")
    services.get(f"{TROVE}/backups", status_code=503, text="busy")
    schedules.schedule_show.return_value = schedule()
    schedules.execution_list.return_value = [execution()]
    response = client.get(f"{INDEX}{schedule().id}/")
    assert response.status_code == 200
    assert response.context["instance_name"] == ORDERS
    assert response.content.decode().count('class="run run-') == 1
    assert "Trove knows none of their backups." in response.content.decode()
