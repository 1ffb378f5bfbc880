# SPDX-License-Identifier: Apache-2.0
"""Rows that are written quickly are the rows that Horizon would write."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.template.backends.django import Template
from django.test.html import Element, parse_html
from horizon import tables
from horizon.tables.base import Cell

from tests.dashboard.examples import CATALOG, INDEX, execution, schedule, service
from trove_schedules_dashboard.content.backup_schedules import text
from trove_schedules_dashboard.content.backup_schedules.tables import (
    ExecutionsTable,
    SchedulesTable,
    UpdateExecution,
)

RUNS = f"{INDEX}{schedule().id}/executions/"


@pytest.fixture
def rows(
    client: Any, trove: Any, user: Any, schedules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of every kind, where the catalog makes a link of a backup's id.

    Time stands still: a page that is made a second later would tell of another second.
    """
    time = text.now()
    monkeypatch.setattr(text, "now", lambda: time)
    user.service_catalog = [*CATALOG, service("object-store", "http://swift.test")]
    schedules.schedule_list.return_value = [
        schedule("nightly"),
        schedule("<script>alert('&')</script>", description="x"),
        schedule("paused", paused=True, next_execution_time=None),
        schedule("weekly", incremental=True, full_every=7),
        schedule("paused too", paused=True, next_execution_time=None),
    ]
    schedules.schedule_show.return_value = schedule()
    schedules.execution_list.return_value = [
        execution("SUCCESS", 1),
        execution("SUCCESS", 2, output={"status": "<b>Backup complete</b>"}),
        execution("RUNNING", 3),
        execution("ERROR", 4),
        execution("CANCELLED", 5),
    ]


@pytest.fixture
def as_horizon_does(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Takes what is quick away."""

    class UpdatingRow(tables.Row):
        ajax = True
        get_data = UpdateExecution.get_data

    def apply() -> None:
        for table, row in ((SchedulesTable, tables.Row), (ExecutionsTable, UpdatingRow)):
            monkeypatch.setattr(table._meta, "row_class", row)
            monkeypatch.setattr(table._meta, "cell_class", Cell)

    return apply


def _body(page: str) -> Element:
    start, end = page.index("<tbody>"), page.index("</tbody>")
    return parse_html(page[start:end] + "</tbody>")


def _checkboxes(page: str) -> list[tuple[str, str, str]]:
    """The id, the row's id and the label's target of each checkbox of a row."""
    found = re.findall(
        r'<input type="checkbox" name="object_ids" value="([^"]+)"[^>]* id="([^"]+)">'
        r'<label for="([^"]+)">',
        page,
    )
    return [(box, row, label) for row, box, label in found]


def _without_their_ids(page: str) -> str:
    for box, row, _ in _checkboxes(page):
        page = page.replace(box, f"box of {row}")
    return page


@pytest.mark.parametrize("address", [INDEX, RUNS])
def test_a_quick_row_is_the_one_that_horizon_writes(
    client: Any, rows: None, as_horizon_does: Any, address: str
) -> None:
    quick = _body(_without_their_ids(client.get(address).content.decode()))
    as_horizon_does()
    horizons = _body(_without_their_ids(client.get(address).content.decode()))
    assert len(quick.children) == 5
    assert str(quick) == str(horizons)


@pytest.mark.parametrize("address", [INDEX, RUNS])
def test_each_checkbox_is_its_rows_and_has_its_label(client: Any, rows: None, address: str) -> None:
    page = client.get(address).content.decode()
    boxes = _checkboxes(page)
    assert [row for _, row, _ in boxes] == re.findall('data-object-id="([^"]+)"', page)
    assert all(box == label for box, _, label in boxes)
    assert len({box for box, _, _ in boxes}) == 5


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that are rendered."""
    names: list[str] = []
    render = Template.render

    def counted(self: Template, *args: Any, **kwargs: Any) -> Any:
        names.append(self.template.name)
        return render(self, *args, **kwargs)

    monkeypatch.setattr(Template, "render", counted)
    return names


@pytest.mark.parametrize("address", [INDEX, RUNS])
def test_more_rows_take_no_more_templates(
    client: Any, rows: None, schedules: Any, rendered: list[str], address: str
) -> None:
    client.get(address)
    before = len(rendered)
    schedules.schedule_list.return_value *= 3
    schedules.execution_list.return_value *= 3
    assert client.get(address).status_code == 200
    assert len(rendered) == 2 * before
