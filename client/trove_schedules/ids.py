# SPDX-License-Identifier: Apache-2.0
"""Ids, as OpenStack services write them, and what has one."""

from __future__ import annotations

import re
from typing import Protocol

#: A regular expression for one: lower case, with hyphens.
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class HasId(Protocol):
    """Anything with an ``id``: a Schedule, an execution, a troveclient instance or backup."""

    @property
    def id(self) -> str: ...


def is_uuid(text: object) -> bool:
    """Whether this is a UUID as OpenStack services write them: lower case, with hyphens."""
    return isinstance(text, str) and re.fullmatch(UUID, text) is not None


def id_of(given: str | HasId) -> str:
    """The id or name that was given, or the id of the object that was given."""
    return given if isinstance(given, str) else given.id


def id_if_any(given: str | HasId | None) -> str | None:
    """The same of what may be left out."""
    return None if given is None else id_of(given)
