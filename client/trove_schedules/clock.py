# SPDX-License-Identifier: Apache-2.0
"""The time, for all rules: tests have a time of their own."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
