# SPDX-License-Identifier: Apache-2.0
"""The file that declares schedules: what may stand in it, read and written.

All follows the table of options. Values of secret options are in no error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import yaml

from trove_schedules.errors import AmbiguousNameError, InvalidScheduleError
from trove_schedules.schedules.changing import planned
from trove_schedules.schedules.options import OPTIONS, Option, Options
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.words import shown

#: What an entry can't be without.
NEEDED = ("instance", *(each.name for each in fields(Options) if each.default is MISSING))
#: What an entry may say that is no option of a schedule, with its JSON Schema.
_MORE: dict[str, dict[str, Any]] = {
    "instance": {"type": "string", "description": "Instance to back up (name or ID)"},
    "paused": {
        "type": "boolean",
        "description": "Whether it is paused; without this, it stays as it is",
    },
    "drill_every": {
        "type": ["string", "null"],
        "description": "Repeat drills on this pattern (UTC); without this, none are repeated",
    },
}
_JSON_TYPES = {str: "string", int: "integer", bool: "boolean"}
_SECRETS = [each.name for each in OPTIONS.values() if each.secret]


@dataclass(frozen=True, slots=True)
class Entry:
    """A schedule, as the file has it.

    :ivar place: where it stands, for errors.
    :ivar instance: an id or a name.
    :ivar options: those that it names; None is the same as to leave one out, but for a secret one,
        which otherwise stays as it is.
    :ivar paused: None: as it is.
    """

    place: str
    instance: str
    options: dict[str, Any]
    paused: bool | None
    drill_every: str | None

    @property
    def name(self) -> str:
        return str(self.options["name"])

    def plan(self, schedule_id: str, before: Schedule | None) -> Plan:
        """What the schedule is to do, checked.

        :param before: as it is, which has the secrets that the file leaves out.
        :raises InvalidScheduleError: an option is wrong, or excludes another.
        """
        kept = {each: getattr(before, each) for each in _SECRETS} if before else {}
        try:
            return _planned(schedule_id, kept | self.options)
        except InvalidScheduleError as error:
            raise InvalidScheduleError(f"{self.place}: {error}") from None


def schema() -> dict[str, Any]:
    """The file's JSON Schema (2020-12), for editors and other programs."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Backup schedules of a project",
        "type": "object",
        "required": ["schedules"],
        "additionalProperties": False,
        "properties": {
            "schedules": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": list(NEEDED),
                    "additionalProperties": False,
                    "properties": _MORE | {name: _property(each) for name, each in OPTIONS.items()},
                },
            }
        },
    }


def read(declared: Mapping[str, Any]) -> list[Entry]:
    """The entries, each by itself of the right form.

    :raises InvalidScheduleError: what is wrong, of all entries; no value of a secret is told.
    """
    wrong = [f"unknown key {key!r}" for key in declared if key != "schedules"]
    entries = list[Entry]()
    for number, given in enumerate(declared["schedules"]):
        place = f"schedules[{number}]"
        problems = list(_problems(given))
        if not problems:
            options = {name: given[name] for name in OPTIONS if name in given}
            # Told by words from here on.
            place = shown(f"{place} ({given['name']} of {given['instance']})")
            entries.append(
                Entry(
                    place, given["instance"], options, given.get("paused"), given.get("drill_every")
                )
            )
        wrong += [f"{place}: {each}" for each in problems]
    if wrong:
        raise InvalidScheduleError("\n".join(wrong))
    return entries


def written(
    schedules: Iterable[Schedule],
    instance_names: Mapping[str, str],
    drills: Mapping[str, str],
    *,
    secrets: bool,
) -> str:
    """A file that declares these schedules as they are.

    :param instance_names: by id; a name that two have is not written.
    :param drills: the patterns of repeated drills, by the ids of their schedules.
    :param secrets: whether secret options are written.
    :raises AmbiguousNameError: an instance has two schedules of a name.
    """
    entries, left_out = list[str](), list[str]()
    of_name = Counter(instance_names.values())
    seen = set[tuple[str, str]]()
    for schedule in sorted(schedules, key=lambda each: (each.instance, each.name)):
        if (schedule.instance, schedule.name) in seen:
            raise AmbiguousNameError(
                f"instance {schedule.instance} has several schedules named {schedule.name!r}; "
                "a file tells schedules by instance and name, so rename one"
            )
        seen.add((schedule.instance, schedule.name))
        name = instance_names.get(schedule.instance, "")
        try:
            options = _least(schedule)
        except InvalidScheduleError as error:
            why = " ".join(str(error).split())
            left_out.append(
                f"# Schedule {schedule.id} is left out, because it can't be applied: {why}\n"
            )
            continue
        entry = {
            "name": schedule.name,
            "instance": name if of_name[name] == 1 else schedule.instance,
            **options,
            **({"paused": True} if schedule.paused else {}),
            **({"drill_every": drills[schedule.id]} if schedule.id in drills else {}),
        }
        hidden = [] if secrets else [each for each in _SECRETS if each in entry]
        told = {key: value for key, value in entry.items() if key not in hidden}
        entries.append(yaml.safe_dump([told], sort_keys=False, allow_unicode=True, width=1000))
        entries += [f"  # {each} is left out: apply leaves it as it is.\n" for each in hidden]
    head = "schedules:\n" if entries else "schedules: []\n"
    return "".join([*left_out, head, *entries])


def _planned(schedule_id: str, options: Mapping[str, Any]) -> Plan:
    more: Any = dict(options)
    pattern, name = more.pop("pattern"), more.pop("name")
    description, parent_id = more.pop("description", None), more.pop("parent_id", None)
    return planned(schedule_id, pattern, name, description, parent_id, more)


def _least(schedule: Schedule) -> dict[str, Any]:
    """The options that differ from those of a schedule that is told nothing else, if that says all.

    :raises InvalidScheduleError: it can't be made as it is.
    """
    every = {name: value for name in OPTIONS if (value := getattr(schedule, name)) is not None}
    usual = _planned(schedule.id, {"pattern": schedule.pattern, "name": schedule.name})
    least = {
        name: value
        for name, value in every.items()
        if name in NEEDED or value != getattr(usual, name)
    }
    return least if _planned(schedule.id, least) == schedule.plan else every


def _property(option: Option) -> dict[str, Any]:
    """The JSON Schema of an option."""
    kind = _JSON_TYPES[option.kind]
    bounds: dict[str, Any] = {}
    if option.most is not None:
        numeric = option.kind is int
        bounds = {"minimum": 1, "maximum": option.most} if numeric else {"maxLength": option.most}
    if option.choices:
        bounds = {"enum": [*option.choices, *([] if option.name in NEEDED else [None])]}
    otherwise = f" (default: {option.otherwise})" if option.otherwise else ""
    return {
        "type": kind if option.name in NEEDED else [kind, "null"],
        "description": option.help + otherwise,
        **bounds,
    }


def _problems(given: object) -> Iterable[str]:
    """What is wrong with an entry, in its form."""
    if not isinstance(given, Mapping):
        yield f"a {type(given).__name__} is no schedule; give keys and values"
        return
    yield from (f"{name} is missing" for name in NEEDED if given.get(name) is None)
    for name, value in given.items():
        if name not in _MORE and name not in OPTIONS:
            yield f"unknown key {name!r}"
        elif value is None:
            continue
        elif name in OPTIONS:
            option = OPTIONS[name]
            if not option.takes(value):
                told = f"a {type(value).__name__}" if option.secret else repr(value)
                yield f"{name} can't be {told}; give {_wanted(option)}"
        elif name == "paused" and type(value) is not bool:
            yield f"{name} can't be {value!r}; give true or false"
        elif name != "paused" and not isinstance(value, str):
            yield f"{name} can't be {value!r}; give a text, in quotes"


def _wanted(option: Option) -> str:
    if option.choices:
        return " or ".join(option.choices)
    if option.kind is bool:
        return "true or false"
    if option.kind is int:
        return f"a number from 1 to {option.most}"
    return "a text, in quotes"
