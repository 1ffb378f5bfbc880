# SPDX-License-Identifier: Apache-2.0
"""The examples in the workbook's comments are true: Mistral's own evaluator computes them.

An example stands above the expression that it explains::

    # given {now: 2026-03-02T12:00:00, schedule: {id: s}, result: [...]}
    # gives "..."
    key: <% ... %>

``given`` is the context, with ``result`` in the place of ``task().result``, and the time. A line
that begins with three blanks goes on with the one before it.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from mistral import expressions
from yaql.standard_library import date_time

from tests.mistral_api import MistralApi
from trove_schedules import workbook

LINES = workbook.text().splitlines()
COMMENT = re.compile(r"\s+# (given|gives|  )(.*)")
#: Nested deeper than this, an expression has to be explained by an example.
DEEPEST = 3


class Loader(yaml.SafeLoader):
    """Takes times for text, as JSON and the workbook do."""


Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> Any:
    return yaml.load(text, Loader)


@dataclass
class Example:
    line: int
    given: dict[str, Any]
    gives: Any
    expression: str


def below(line: int) -> str:
    """The expression of the next key."""
    while LINES[line].lstrip().startswith("#"):
        line += 1
    indent = len(LINES[line]) - len(LINES[line].lstrip())
    block = [LINES[line]]
    for each in LINES[line + 1 :]:
        if len(each) - len(each.lstrip()) <= indent:
            break
        block.append(each)
    [expression] = load(textwrap.dedent("\n".join(block))).values()
    return str(expression)


def examples() -> list[Example]:
    found: list[Example] = []
    said: list[tuple[str, str]] = []
    for number, line in enumerate(LINES):
        comment = COMMENT.match(line)
        if comment is None:
            if said:
                texts = [text for _, text in said]
                expression = below(number)
                found += [
                    Example(number + 1, load(given), load(gives), expression)
                    for given, gives in zip(texts[::2], texts[1::2], strict=True)
                ]
                said = []
        elif comment[1].strip():
            said.append((comment[1], comment[2]))
        elif said:
            said[-1] = (said[-1][0], f"{said[-1][1]} {comment[2]}")
    return found


EXAMPLES = examples()


@pytest.fixture(scope="module", autouse=True)
def _options(_mistral_api: MistralApi) -> None:
    """Mistral's options are there, with their defaults."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"line {each.line}")
def test_an_example_is_true(monkeypatch, example):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromisoformat(example.given["now"]).replace(tzinfo=tz or UTC)

    if "now" in example.given:
        monkeypatch.setattr(date_time, "DATETIME_TYPE", Clock)
    expression = re.sub(r"task\(\w*\)\??\.result", "$.result", example.expression)
    assert expressions.evaluate(expression, example.given) == example.gives


def test_what_is_nested_deeply_has_an_example():
    explained = {each.expression for each in EXAMPLES}

    def expressions_in(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for each in value.values() for text in expressions_in(each)]
        if isinstance(value, list):
            return [text for each in value for text in expressions_in(each)]
        return [value] if isinstance(value, str) and "<%" in value else []

    everything = expressions_in(load(workbook.text()))
    deep = [text for text in everything if len(re.findall(r"\b(let|switch)\(", text)) > DEEPEST]
    assert deep
    assert [text for text in deep if text not in explained] == []
