# SPDX-License-Identifier: Apache-2.0
"""One point of what a cloud and project need for schedules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One point.

    :ivar ok: None where it can't be told yet.
    :ivar said: what was found and, where that is wrong, what to do.
    """

    name: str
    ok: bool | None
    said: str
