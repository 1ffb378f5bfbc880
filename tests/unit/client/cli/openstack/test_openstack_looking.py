# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
from datetime import timedelta

import pytest

from trove_schedules.cli.openstack.looking import span


@pytest.mark.parametrize(
    ("text", "length"), [("90m", {"minutes": 90}), ("26h", {"hours": 26}), ("2d", {"days": 2})]
)
def test_a_span_has_a_unit(text, length) -> None:
    assert span(text) == timedelta(**length)


@pytest.mark.parametrize("text", ["26", "h", "0h", "1.5h", "-1h", "1w", ""])
def test_a_span_that_is_none_is_refused(text) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="26h"):
        span(text)
