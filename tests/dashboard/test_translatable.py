# SPDX-License-Identifier: Apache-2.0
"""Every word of the panels can be translated. Patterns, states and errors are the product's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils.functional import Promise

import trove_schedules_dashboard
from trove_schedules_dashboard.content.backup_policies.forms import (
    CreateForm as CreatePolicyForm,
    EditForm as EditPolicyForm,
)
from trove_schedules_dashboard.content.backup_policies.tables import (
    PoliciesTable,
    PolicyExecutionsTable,
)
from trove_schedules_dashboard.content.backup_schedules.actions import (
    RestoreBackup,
    ViewSchedule,
    ViewSchedules,
)
from trove_schedules_dashboard.content.backup_schedules.forms import (
    CreateForm,
    EditForm,
    RepeatForm,
)
from trove_schedules_dashboard.content.backup_schedules.restoring import RestoreForm
from trove_schedules_dashboard.content.backup_schedules.tables import (
    BackupsTable,
    DrillsTable,
    ExecutionsTable,
    SchedulesTable,
)

FORMS = (CreateForm, EditForm, RepeatForm, RestoreForm, CreatePolicyForm, EditPolicyForm)
TABLES = (
    SchedulesTable,
    ExecutionsTable,
    DrillsTable,
    BackupsTable,
    PoliciesTable,
    PolicyExecutionsTable,
)
TEMPLATES = sorted(Path(trove_schedules_dashboard.__file__).parent.rglob("*.html"))
#: What is translated or no text: a block of this name is a CSS class.
_MARKED = re.compile(
    r"{% blocktrans.*?{% endblocktrans %}|{% block form_class %}.*?{% endblock %}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)
_SAID = re.compile(r'\b(?:alt|aria-label|placeholder|title|data-(?:failure|local|utc))="([^"]*)"')


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_marks_each_of_its_words(template: Path) -> None:
    text = _MARKED.sub("", template.read_text())
    said = [*_SAID.findall(text), re.sub("<[^>]*>", "", text)]
    assert re.findall("[A-Za-z]+", " ".join(said)) == []


def _labels() -> Iterator[tuple[str, Any]]:
    for form in FORMS:
        for name, field in form.base_fields.items():
            if not field.widget.is_hidden:
                yield f"{form.__module__}.{form.__name__}.{name}", field.label
                yield (
                    f"{form.__module__}.{form.__name__}.{name} help",
                    field.help_text or field.label,
                )
    for table in TABLES:
        yield table.__name__, table._meta.verbose_name
        for name, column in table._columns.items():
            if not column.auto:
                yield f"{table.__name__}.{name}", column.verbose_name
    for action in (each for table in TABLES for each in table.base_actions.values()):
        called = action.verbose_name
        yield f"{action.name}", called() if callable(called) else called
    for link in (ViewSchedules, ViewSchedule, RestoreBackup):
        yield link.name, link.verbose_name


@pytest.mark.parametrize(("name", "label"), _labels())
def test_a_label_is_looked_up_when_it_is_shown(name: str, label: Any) -> None:
    assert isinstance(label, Promise)
    assert str(label)
