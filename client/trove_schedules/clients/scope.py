# SPDX-License-Identifier: Apache-2.0
"""Whose objects services are asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The projects whose objects are asked for; as a rule it is the one that is logged in to.

    Others' may only be seen by administrators: services refuse it otherwise.

    :ivar all_projects: those of all projects.
    :ivar project_id: those of this other project.
    """

    all_projects: bool = False
    project_id: str | None = None

    @property
    def is_own(self) -> bool:
        return self == OWN


#: The project that is logged in to.
OWN = Scope()
