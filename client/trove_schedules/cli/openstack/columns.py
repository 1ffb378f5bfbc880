# SPDX-License-Identifier: Apache-2.0
"""Values that people and programs read differently: the table's form and that of ``-f``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from cliff.columns import FormattableColumn

from trove_schedules.cli import text

if TYPE_CHECKING:
    from trove_schedules.schedules.schedule import Schedule


T = TypeVar("T")
#: A column of a list: its header, and how its value is read from an object.
Column = tuple[str, Callable[[T], Any]]


def table(
    found: Iterable[T], columns: Sequence[Column[T]]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The headers and rows of a list of objects, as cliff takes them."""
    headers = tuple(header for header, _ in columns)
    return headers, [tuple(read(each) for _, read in columns) for each in found]


class Time(FormattableColumn[Any]):
    """An aware UTC time: to the second and with its zone, or ISO 8601."""

    def human_readable(self) -> str:
        return f"{self._value:%Y-%m-%d %H:%M:%S} UTC"

    def machine_readable(self) -> str:
        return str(self._value.isoformat())


def time(value: datetime | None) -> Time | None:
    """The column of a time that may be missing."""
    return None if value is None else Time(value)


class Relative(Time):
    """A time as people read it among others, by its distance from now: ``3 h ago``, ``in 3 h``."""

    def human_readable(self) -> str:
        now = datetime.now(UTC)
        if self._value > now:
            return f"in {_span(self._value - now)}"
        return f"{_span(now - self._value)} ago"


def relative(value: datetime | None) -> Relative | None:
    """The column of a time that may be missing, for a table of several objects."""
    return None if value is None else Relative(value)


class Age(FormattableColumn[int]):
    """Seconds, told to people in the unit that fits."""

    def human_readable(self) -> str:
        return _span(timedelta(seconds=self._value))


def age(seconds: float | None) -> Age | None:
    """The column of an age that may be missing."""
    return None if seconds is None else Age(int(seconds))


class Length(FormattableColumn[int]):
    """Seconds, told to people in the two largest units."""

    def human_readable(self) -> str:
        from trove_schedules.backups.restore import span  # not at import, see the package

        return span(timedelta(seconds=self._value))


def length(value: timedelta) -> Length:
    """The column of a length of time."""
    return Length(int(value.total_seconds()))


def _span(length: timedelta) -> str:
    """A length in whole minutes, from an hour on in hours, from two days on in days."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    # "1 d" would not say whether last night's backup is there.
    return f"{minutes // 60} h" if minutes < 2 * 1440 else f"{minutes // 1440} d"


class Due(FormattableColumn[Any]):
    """When a schedule is due next: programs read null where people read why there is no time.

    :param form: how people read a time.
    :param zone: the name of the schedule's time zone, whose time people read too.
    """

    def __init__(
        self, value: datetime | None, paused: bool, form: type[Time], zone: str = "UTC"
    ) -> None:
        super().__init__(value)
        self._paused, self._form, self._zone = paused, form, zone

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Due):
            return NotImplemented
        never = datetime.max.replace(tzinfo=UTC)
        return bool((self._value or never) < (other._value or never))

    def human_readable(self) -> str:
        if self._value is None:
            return "paused" if self._paused else "—"
        from trove_schedules.schedules import zones  # not at import, see the package

        local = zones.told(self._zone, self._value)
        return self._form(self._value).human_readable() + (f" ({local})" if local else "")

    def machine_readable(self) -> str | None:
        return None if self._value is None else Time(self._value).machine_readable()


class ShortId(FormattableColumn[str]):
    """An instance's ID, of which people read the first part, so that a table fits a terminal."""

    def human_readable(self) -> str:
        from trove_schedules.ids import is_uuid  # not at import, see the package

        return self._value.partition("-")[0] if is_uuid(self._value) else self._value


def instance(instance_id: str, *, whole: bool) -> ShortId | str:
    """The column of an instance's ID."""
    return instance_id if whole else ShortId(instance_id)


class Several(FormattableColumn[Any]):
    """Texts: one after another for people, a list for programs."""

    def human_readable(self) -> str:
        return ", ".join(self._value)

    def machine_readable(self) -> list[str]:
        return list(self._value)


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


class _JsonList(list[Any]):
    """A list that ``-f csv`` and ``-f value``, which know texts only, write as JSON."""

    def __str__(self) -> str:
        return text.json_text(self)


yaml.SafeDumper.add_representer(_JsonList, yaml.SafeDumper.represent_list)


class Schedules(FormattableColumn[Any]):
    """Schedules and policies of an instance: their names, or a list of objects."""

    def __init__(self, value: Sequence[Schedule]) -> None:
        super().__init__(value)

    def human_readable(self) -> str:
        return ", ".join(map(self._said, self._value)) or "—"

    @staticmethod
    def _said(schedule: Schedule) -> str:
        name = schedule.name if schedule.noun == "schedule" else f"policy {schedule.name}"
        return f"{name} (paused)" if schedule.paused else name

    def machine_readable(self) -> list[dict[str, Any]]:
        return _JsonList(
            {"id": each.id, "kind": each.noun, "name": each.name, "paused": each.paused}
            for each in self._value
        )


class Output(Object):
    """The output of an execution."""

    def human_readable(self) -> str:
        return text.output_text(self._value)
