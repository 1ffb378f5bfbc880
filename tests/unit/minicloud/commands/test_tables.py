# SPDX-License-Identifier: Apache-2.0
import pytest

from trove_minicloud.commands import tables


def test_the_table_is_aligned_and_empty_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show([])
    tables.show([{"a": "long value", "b": None}, {"a": 1, "b": "x"}])
    assert capsys.readouterr().out == "A           B\nlong value\n1           x\n"
