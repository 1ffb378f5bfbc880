# SPDX-License-Identifier: Apache-2.0
"""What is added to trove-dashboard's own pages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest
from django.apps import apps
from trove_dashboard.api import trove as trove_dashboard_api
from trove_dashboard.content.databases.tables import InstancesTable
from trove_dashboard.content.databases.tabs import InstanceDetailTabs

from tests.dashboard.examples import CATALOG, INDEX, ORDERS, schedule
from trove_schedules_dashboard.content.backup_schedules.actions import ViewSchedules
from trove_schedules_dashboard.content.backup_schedules.tabs import InstanceSchedulesTab


class _Instances(list[Any]):
    next = None


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = SimpleNamespace(
        id=ORDERS,
        name="orders",
        status="ACTIVE",
        operating_status="HEALTHY",
        flavor={"id": "1"},
        datastore={"type": "postgresql", "version": "18"},
        volume={"size": 1},
        replicas=[],
    )
    for name, value in (
        ("instance_list", _Instances([found])),
        ("instance_get", found),
        ("flavor_list", [SimpleNamespace(id="1", name="local", ram=1)]),
        ("flavor_get", SimpleNamespace(id="1", name="local", ram=1)),
        ("root_show", SimpleNamespace(rootEnabled=False)),
    ):
        mocked = create_autospec(getattr(trove_dashboard_api, name), return_value=value)
        monkeypatch.setattr(trove_dashboard_api, name, mocked)
    return found


def test_the_pulldown_of_an_instance_leads_to_its_schedules(client: Any, instance: Any) -> None:
    page = client.get("/project/databases/").content.decode()
    assert f'href="{INDEX}?instance={ORDERS}"' in page


def test_without_mistral_the_pulldown_doesn_t_offer_them(
    client: Any, user: Any, instance: Any
) -> None:
    user.service_catalog = [each for each in CATALOG if each["type"] != "workflowv2"]
    page = client.get("/project/databases/").content.decode()
    assert "orders" in page
    assert f'href="{INDEX}' not in page


def test_the_row_action_is_added_once() -> None:
    apps.get_app_config("trove_schedules_dashboard").ready()
    assert InstancesTable._meta.row_actions.count(ViewSchedules) == 1


def test_the_page_of_an_instance_has_a_tab_with_its_schedules(
    client: Any, instance: Any, schedules: Any
) -> None:
    schedules.schedule_list.return_value = [schedule("nightly")]
    tab = f"instance_details__{InstanceSchedulesTab.slug}"
    page = client.get(f"/project/databases/{ORDERS}/?tab={tab}").content.decode()
    assert InstanceDetailTabs.slug == "instance_details"
    assert "nightly" in page
    assert f"{INDEX}create/?instance={ORDERS}" in page
    schedules.schedule_list.assert_called_once_with(ORDERS)
