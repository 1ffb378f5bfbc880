# SPDX-License-Identifier: Apache-2.0
"""The catalogs are in step with the panels' texts, and the panels speak what they hold."""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.dashboard.examples import INDEX, schedule
from tools import messages
from trove_schedules_dashboard.content.backup_policies.forms import (
    CreateForm as CreatePolicyForm,
    EditForm as EditPolicyForm,
)
from trove_schedules_dashboard.content.backup_schedules.forms import CreateForm, EditForm

CATALOGS = sorted(messages.LOCALE.glob("*/LC_MESSAGES/django.po"))
_OUT_OF_STEP = "'make messages' brings the catalogs in step with the code"


def _ids(catalog: Any) -> set[Any]:
    return {(message.context, message.id) for message in catalog if message.id}


def test_there_is_a_language() -> None:
    assert [file.parts[-3] for file in CATALOGS] == ["de"]


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: file.parts[-3])
def test_a_catalog_has_each_text_and_no_other(file: Path) -> None:
    assert _ids(messages.read(file)) == _ids(messages.template()), _OUT_OF_STEP


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: file.parts[-3])
def test_every_text_is_translated_with_the_same_values_in_it(file: Path) -> None:
    catalog = messages.read(file)
    assert [each.id for each in catalog if each.id and not messages.done(each.string)] == []
    assert [each.id for each in catalog if each.fuzzy] == []
    assert [str(error) for _, errors in catalog.check() for error in errors] == []


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: file.parts[-3])
def test_the_compiled_catalog_is_of_the_same_texts(file: Path) -> None:
    with file.with_suffix(".mo").open("rb") as stream:
        compiled = gettext.GNUTranslations(stream)
    for each in messages.read(file):
        if isinstance(each.id, str) and each.id:
            said = (
                compiled.pgettext(each.context, each.id)
                if each.context
                else compiled.gettext(each.id)
            )
            assert said == each.string, _OUT_OF_STEP


def test_a_page_is_in_the_language_of_the_browser(client: Any, trove: Any, schedules: Any) -> None:
    schedules.schedule_list.return_value = [schedule()]
    page = client.get(INDEX, HTTP_ACCEPT_LANGUAGE="de").content.decode()
    for said in ("Geplante Sicherungen", "Zeitplan erstellen", "Nächster Lauf", "Jetzt ausführen"):
        assert said in page
    assert "Create Schedule" not in page
    assert "Create Schedule" in client.get(INDEX, HTTP_ACCEPT_LANGUAGE="fr").content.decode()


@pytest.mark.parametrize("form", [CreateForm, EditForm, CreatePolicyForm, EditPolicyForm])
def test_every_field_of_a_form_is_translated(form: Any) -> None:
    known = {each.id: each.string for each in messages.read(CATALOGS[0])}
    with translation.override("en"):
        texts = [
            str(text) for field in form.base_fields.values() if not field.widget.is_hidden
            for text in (field.label, *str(field.help_text).rstrip(".").split(". Empty: ")) if text
        ]  # fmt: skip
    assert len(texts) > 20
    assert [text for text in texts if not {text, f"{text}."} & known.keys()] == []
