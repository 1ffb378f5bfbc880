# SPDX-License-Identifier: Apache-2.0
"""Horizon's rows, written as quickly as a page of a thousand needs them.

A user of Horizon may have 1,000 rows on a page. For each, Horizon renders a template, one more for
each cell, and for the actions another, with all context processors. What comes out is the same
here; but what differs between two rows by their ids only is rendered for the first one.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from horizon import tables
from horizon.forms import ThemableCheckboxInput
from horizon.tables.base import Cell


class QuickCell(Cell):
    """A cell that takes over what it can from the cells above it."""

    def get_data(self, datum: Any, column: Any, row: Any) -> Any:
        if column.auto not in ("multi_select", "actions"):
            return super().get_data(datum, column, row)
        above = row.table.rendered.setdefault((column, row.table.kind_of(datum)), {})
        if not above:
            own = self._checkbox if column.auto == "multi_select" else row.table.render_row_actions
            above[datum.id] = own(datum)
        ((known, html),) = above.items()
        # Ids are UUIDs: they stand in there for nothing but the row.
        return mark_safe(html.replace(known, datum.id))  # noqa: S308 -- Horizon rendered it

    def _checkbox(self, datum: Any) -> str:
        # Horizon's own, whose label finds it by the row's id instead of a random one.
        widget = ThemableCheckboxInput(check_test=lambda value: False)
        attributes = {"class": "table-row-multi-select", "id": f"select-{datum.id}"}
        return widget.render("object_ids", datum.id, attributes)

    @cached_property
    def url(self) -> str | None:
        return super().url

    @property
    def value(self) -> Any:
        return self.data if self.column.auto else super().value

    @property
    def attr_string(self) -> str:
        known = self.row.table.rendered
        key = (self.column, bool(self.url), self.status)
        if key not in known:
            known[key] = super().attr_string
        return known[key]


class QuickRow(tables.Row):
    """A row that needs no template."""

    def render(self) -> SafeString:
        cells = ((mark_safe(cell.attr_string), cell.value) for cell in self)  # noqa: S308
        row = mark_safe(self.attr_string)  # noqa: S308 -- of Django's flatatt, as those above
        return format_html("<tr{}>{}</tr>", row, format_html_join("", "<td{}>{}</td>", cells))


class QuickTable(tables.DataTable):
    """A table whose ``Meta`` is to be one of `QuickMeta`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: What cells have in common, for as long as the request lasts.
        self.rendered: dict[Hashable, Any] = {}
        super().__init__(*args, **kwargs)

    def kind_of(self, datum: Any) -> Hashable:
        """What the actions of a row depend on, besides its id and the request."""
        return None


class QuickMeta:
    """The options of such a table."""

    cell_class = QuickCell
    row_class = QuickRow
