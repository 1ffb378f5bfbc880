# SPDX-License-Identifier: Apache-2.0
"""A policy takes the same instances by the workbook's expression as by ours."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings, strategies as st
from mistral import expressions

from tests.mistral_api import MistralApi
from trove_schedules import workbook
from trove_schedules.clients.instances import listed_instance
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.selection import ABLE, Choice, Selection

AN_ID = "2b1df1e6-52e2-48ac-affb-49ef33319758"
_TASK = yaml.safe_load(workbook.text())["workflows"]["backup_policy"]["tasks"]["list"]
EXPRESSION = re.sub(
    r"task\(\)\.result", "$.result", _TASK["on-success"]["publish"]["global"]["found"]
)


@pytest.fixture(scope="module", autouse=True)
def _options(_mistral_api: MistralApi) -> None:
    """Mistral's options are there, with their defaults."""


names = st.text("ab-*[]!.é", max_size=5) | st.just(f"trove-drill-{AN_ID}-{AN_ID}")
globs = st.lists(st.text("ab*?[]!-.é", min_size=1, max_size=5), max_size=2, unique=True).map(tuple)
datastores = st.sampled_from(["mysql", "postgresql", "MySQL"])
rows = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "name": names,
        "status": st.sampled_from([*ABLE, "SHUTDOWN", "BUILD", "ERROR"]),
        "datastore": st.builds(lambda name: {"type": name, "version": "1"}, datastores),
    },
    optional={"replica_of": st.just({"id": AN_ID, "links": []})},
)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(Selection, globs, globs, st.lists(datastores, max_size=1).map(tuple), st.booleans()),
    st.lists(rows, max_size=6),
)
@example(
    Selection(match=("a*b*",), exclude=("*[!b]",)),
    [{"id": AN_ID, "name": "aXbX\n", "status": "ACTIVE", "datastore": {"type": "mysql"}}],
)
@example(
    Selection(match=(AN_ID,)),
    [{"id": AN_ID, "name": "m", "status": "BUILD", "datastore": {"type": "mysql"}}],
)
def test_the_workbook_takes_what_the_selection_takes(
    selection: Selection, found: list[dict[str, Any]]
) -> None:
    try:
        selection.check()
    except InvalidScheduleError:
        return
    given = {
        "selection": json.loads(json.dumps(selection.written())),
        "found": [],
        "result": found,
    }
    by_us = [
        [candidate.instance, candidate.name, candidate.reason]
        for candidate in map(selection.candidate, map(listed_instance, found))
        if candidate.choice != Choice.LEFT
    ]
    assert expressions.evaluate(EXPRESSION, given) == by_us
