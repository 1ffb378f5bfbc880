# SPDX-License-Identifier: Apache-2.0
"""The page of what broke: each row has a test that exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import REPOSITORY

_PAGE = REPOSITORY / "docs" / "what-broke.md"
_ROWS = {
    cells[0]: cells[-1]
    for line in _PAGE.read_text(encoding="utf-8").splitlines()
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 5
    and re.fullmatch(r"[A-Z]\d+", cells[0])
}


def test_no_row_is_left_out() -> None:
    counts = {"D": 10, "E": 13, "N": 3}
    assert list(_ROWS) == [f"{kind}{n + 1}" for kind, count in counts.items() for n in range(count)]


@pytest.mark.parametrize("row", _ROWS)
def test_the_tests_of_a_row_exist(row: str) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", _ROWS[row])
    assert named
    for file, name in named:
        module = ast.parse((REPOSITORY / "tests" / file).read_text(encoding="utf-8"))
        assert name in [each.name for each in module.body if isinstance(each, ast.FunctionDef)]
