# SPDX-License-Identifier: Apache-2.0
"""Mistral checks the schemas of a workbook's parts once, and its workbooks as before."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator, SchemaError
from mistral.exceptions import DSLParsingException
from mistral.lang import base, parser

from trove_minicloud.services import workbook_schemas

_WORKBOOK = """
version: '2.0'
name: {name}
workflows:
  flow:
    tasks:
      {task}: {{action: std.noop}}
      second: {{{action}: std.noop}}
"""


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The schemas that jsonschema was asked to check."""
    seen: list[Any] = []
    check = Draft202012Validator.check_schema

    def noted(schema: Any, **options: Any) -> None:
        seen.append(schema)
        check(schema, **options)

    assert base.jsonschema.validators.validator_for({}) is Draft202012Validator
    monkeypatch.setattr(Draft202012Validator, "check_schema", noted)
    workbook_schemas.remember()
    return seen


def _load(name: str, task: str, action: str = "action") -> None:
    text = _WORKBOOK.format(name=name, task=task, action=action)
    parser.get_workbook_spec_from_yaml(text, validate=True)


def test_each_schema_is_checked_once(checked: list[Any]) -> None:
    _load("first", "one")
    assert len(checked) == len({str(schema) for schema in checked}) > 1
    before = list(checked)
    _load("second", "two")
    assert checked == before


def test_a_wrong_workbook_is_refused_as_before(checked: list[Any]) -> None:
    _load("right", "one")
    with pytest.raises(DSLParsingException, match="actoin"):
        _load("wrong", "one", action="actoin")


def test_a_wrong_schema_is_refused_each_time(checked: list[Any]) -> None:
    for _ in range(2):
        with pytest.raises(SchemaError):
            Draft202012Validator.check_schema({"type": "no such type"})
