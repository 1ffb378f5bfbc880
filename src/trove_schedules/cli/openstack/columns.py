# SPDX-License-Identifier: Apache-2.0
"""Values that people and programs read differently: the table's form and that of ``-f``."""

from __future__ import annotations

from datetime import datetime
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
