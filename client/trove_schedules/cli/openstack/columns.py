# SPDX-License-Identifier: Apache-2.0
"""Values that people and programs read differently: the table's form and that of ``-f``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import yaml
from cliff.columns import FormattableColumn

from trove_schedules.cli import text


class Time(FormattableColumn[Any]):
    """An aware UTC time: to the second and with its zone, or ISO 8601."""

    def human_readable(self) -> str:
        return f"{self._value:%Y-%m-%d %H:%M:%S} UTC"

    def machine_readable(self) -> str:
        return str(self._value.isoformat())


def time(value: datetime | None) -> Time | None:
    """The column of a time that may be missing."""
    return None if value is None else Time(value)


class Due(FormattableColumn[Any]):
    """When a schedule is due next: programs read null where people read why there is no time."""

    def __init__(self, value: datetime | None, paused: bool) -> None:
        super().__init__(value)
        self._paused = paused

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Due):
            return NotImplemented
        never = datetime.max.replace(tzinfo=UTC)
        return bool((self._value or never) < (other._value or never))

    def human_readable(self) -> str:
        if self._value is None:
            return "paused" if self._paused else "—"
        return Time(self._value).human_readable()

    def machine_readable(self) -> str | None:
        return None if self._value is None else Time(self._value).machine_readable()


class _JsonObject(dict[str, Any]):
    """An object that ``-f csv`` and ``-f value``, which know texts only, write as JSON."""

    def __str__(self) -> str:
        return text.json_text(self)


yaml.SafeDumper.add_representer(_JsonObject, yaml.SafeDumper.represent_dict)


class Object(FormattableColumn[dict[str, Any]]):
    """A JSON object: one line of text, or the object itself."""

    def human_readable(self) -> str:
        return text.json_text(self._value)

    def machine_readable(self) -> dict[str, Any]:
        return _JsonObject(self._value)


class Output(Object):
    """The output of an execution."""

    def human_readable(self) -> str:
        return text.output_text(self._value)
