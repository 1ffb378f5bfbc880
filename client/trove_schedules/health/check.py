# SPDX-License-Identifier: Apache-2.0
"""One point of what a cloud and project need for schedules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One point.

    :ivar ok: whether it is as it must be; None: nobody can know yet.
    :ivar said: what was found and, where that is wrong, what to do.
    """

    name: str
    ok: bool | None
    said: str
