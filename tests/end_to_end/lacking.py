# SPDX-License-Identifier: Apache-2.0
"""What becomes of a test that can't be run for want of a program."""

import os
from typing import NoReturn

import pytest


def lacks(what: str) -> NoReturn:
    """Say that a test can't be run: it fails where nothing may lack, as in CI; else is skipped."""
    reason = f"not run: {what}"
    if os.environ.get("TROVE_SCHEDULES_NOTHING_MAY_LACK"):
        pytest.fail(reason)
    pytest.skip(reason)
