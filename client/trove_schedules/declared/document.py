# SPDX-License-Identifier: Apache-2.0
"""The file that declares schedules and policies: what may stand in it, read and written.

All follows the tables of options. Values of secret options are in no error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import yaml

from trove_schedules.errors import AmbiguousNameError, InvalidScheduleError
from trove_schedules.schedules.changing import planned
from trove_schedules.schedules.names import EVERY
from trove_schedules.schedules.options import OPTIONS, Option, Options
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.policy import Policy, PolicyPlan
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.schedules.selection import SELECTING
from trove_schedules.words import shown

#: The options that an entry can't be without.
_NEEDED = tuple(each.name for each in fields(Options) if each.default is MISSING)
_PAUSED = {
    "type": "boolean",
    "description": "Whether it is paused; without this, it stays as it is",
}
_DRILL_EVERY = {
    "type": ["string", "null"],
    "description": "Repeat drills on this pattern (UTC); without this, none are repeated",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A list of the file.

    :ivar plan: what each of its entries says, as a plan.
    :ivar more: what an entry may say besides the options of that, with its JSON Schema.
    :ivar needed: what an entry can't be without.
    """

    plan: type[Plan]
    noun: str
    more: dict[str, dict[str, Any]]
    needed: tuple[str, ...]


_KINDS = {
    "schedules": _Kind(
        Plan,
        "schedule",
        {
            "instance": {"type": "string", "description": "Instance to back up (name or ID)"},
            "paused": _PAUSED,
            "drill_every": _DRILL_EVERY,
        },
        ("instance", *_NEEDED),
    ),
    "policies": _Kind(
        PolicyPlan, "policy", {"paused": _PAUSED, "drill_every": _DRILL_EVERY}, _NEEDED
    ),
}
_JSON_TYPES = {str: "string", int: "integer", bool: "boolean", tuple: "array"}
_SECRETS = [each.name for each in OPTIONS.values() if each.secret]


@dataclass(frozen=True, slots=True)
class Entry:
    """A schedule or policy, as the file has it.

    :ivar place: where it stands, for errors.
    :ivar kind: what its plan is.
    :ivar instance: an id or a name; ``*`` of a policy.
    :ivar options: those that it names; None is the same as to leave one out, but for a secret one,
        which otherwise stays as it is.
    :ivar paused: None: as it is.
    """

    place: str
    kind: type[Plan]
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
            return _planned(self.kind, schedule_id, kept | self.options)
        except InvalidScheduleError as error:
            raise InvalidScheduleError(f"{self.place}: {error}") from None


def schema() -> dict[str, Any]:
    """The file's JSON Schema (2020-12), for editors and other programs."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Backup schedules and policies of a project",
        "type": "object",
        "anyOf": [{"required": [key]} for key in _KINDS],
        "additionalProperties": False,
        "properties": {
            key: {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": list(kind.needed),
                    "additionalProperties": False,
                    "properties": kind.more
                    | {name: _property(each) for name, each in kind.plan.table.items()},
                },
            }
            for key, kind in _KINDS.items()
        },
    }


def is_one(declared: object) -> bool:
    """Whether this has the outer form of such a file: at least one list, and no other thing."""
    if not isinstance(declared, Mapping):
        return False
    lists = [declared[key] for key in _KINDS if key in declared]
    return bool(lists) and all(isinstance(each, list) for each in lists)


def kinds(declared: Mapping[str, Any]) -> list[str]:
    """The kinds of triggers that the file says all of. A list that isn't there says nothing."""
    return [kind.plan.kind for key, kind in _KINDS.items() if key in declared]


def read(declared: Mapping[str, Any]) -> list[Entry]:
    """The entries, each by itself of the right form.

    :raises InvalidScheduleError: what is wrong, of all entries; no value of a secret is told.
    """
    wrong = [f"unknown key {key!r}" for key in declared if key not in _KINDS]
    entries = list[Entry]()
    for key, kind in _KINDS.items():
        for number, given in enumerate(declared.get(key, [])):
            place = f"{key}[{number}]"
            problems = list(_problems(given, kind))
            if not problems:
                entries.append(_entry(place, kind, given))
            wrong += [f"{place}: {each}" for each in problems]
    if wrong:
        raise InvalidScheduleError("\n".join(wrong))
    return entries


def _entry(place: str, kind: _Kind, given: Mapping[str, Any]) -> Entry:
    of = f" of {given['instance']}" if "instance" in given else ""
    return Entry(
        # Told by words from here on.
        shown(f"{place} ({given['name']}{of})"),
        kind.plan,
        given.get("instance", EVERY),
        {name: given[name] for name in kind.plan.table if name in given},
        given.get("paused"),
        given.get("drill_every"),
    )


def options_of(what: Plan | Schedule) -> dict[str, Any]:
    """The options of a schedule or policy, or of a plan of one, as a file has them."""
    if not isinstance(what, Policy | PolicyPlan):
        return {name: getattr(what, name) for name in OPTIONS}
    found: dict[str, Any] = {}
    for name in PolicyPlan.table:
        value = getattr(what.selection if name in SELECTING else what, name)
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def written(
    schedules: Iterable[Schedule],
    instance_names: Mapping[str, str],
    drills: Mapping[str, str],
    *,
    secrets: bool,
) -> str:
    """A file that declares these schedules and policies as they are.

    :param instance_names: by id; a name that two have is not written.
    :param drills: the patterns of repeated drills, by the ids of their schedules.
    :param secrets: whether secret options are written.
    :raises AmbiguousNameError: an instance has two schedules of a name, or two policies have one.
    """
    lists: dict[str, list[str]] = {key: [] for key in _KINDS}
    left_out = list[str]()
    of_name = Counter(instance_names.values())
    seen = set[tuple[str, str]]()
    for schedule in sorted(schedules, key=lambda each: (each.instance, each.name)):
        if (schedule.instance, schedule.name) in seen:
            raise AmbiguousNameError(_twice(schedule))
        seen.add((schedule.instance, schedule.name))
        key, kind = next(row for row in _KINDS.items() if row[1].plan.kind == schedule.kind)
        name = instance_names.get(schedule.instance, "")
        instance = name if of_name[name] == 1 else schedule.instance
        try:
            options = _least(schedule, kind)
        except InvalidScheduleError as error:
            why = " ".join(str(error).split())
            left_out.append(
                f"# {kind.noun.capitalize()} {schedule.id} is left out, because it can't be "
                f"applied: {why}\n"
            )
            continue
        entry = {
            "name": schedule.name,
            **({"instance": instance} if "instance" in kind.more else {}),
            **options,
            **({"paused": True} if schedule.paused else {}),
            **({"drill_every": drills[schedule.id]} if schedule.id in drills else {}),
        }
        hidden = [] if secrets else [each for each in _SECRETS if each in entry]
        told = {key: value for key, value in entry.items() if key not in hidden}
        lists[key].append(yaml.safe_dump([told], sort_keys=False, allow_unicode=True, width=1000))
        lists[key] += [f"  # {each} is left out: apply leaves it as it is.\n" for each in hidden]
    text = "".join(left_out)
    for key, entries in lists.items():
        # A file that has no word of policies leaves them as they are.
        if entries or key == "schedules":
            text += "".join([f"{key}:\n" if entries else f"{key}: []\n", *entries])
    return text


def _twice(schedule: Schedule) -> str:
    if schedule.instance == EVERY:
        return (
            f"the project has several policies named {schedule.name!r}; a file tells policies by "
            "name, so rename one"
        )
    return (
        f"instance {schedule.instance} has several schedules named {schedule.name!r}; "
        "a file tells schedules by instance and name, so rename one"
    )


def _planned(kind: type[Plan], schedule_id: str, options: Mapping[str, Any]) -> Plan:
    more: Any = dict(options)
    pattern, name = more.pop("pattern"), more.pop("name")
    description, parent_id = more.pop("description", None), more.pop("parent_id", None)
    return planned(schedule_id, pattern, name, description, parent_id, more, kind)


def _least(schedule: Schedule, kind: _Kind) -> dict[str, Any]:
    """The options that differ from those of a schedule that is told nothing else, if that says all.

    :raises InvalidScheduleError: it can't be made as it is.
    """
    every = {name: value for name, value in options_of(schedule).items() if value is not None}
    plain = {"pattern": schedule.pattern, "name": schedule.name}
    usual = options_of(_planned(kind.plan, schedule.id, plain))
    least = {
        name: value for name, value in every.items() if name in kind.needed or value != usual[name]
    }
    return least if _planned(kind.plan, schedule.id, least) == schedule.plan else every


def _property(option: Option) -> dict[str, Any]:
    """The JSON Schema of an option."""
    kind = _JSON_TYPES[option.kind]
    bounds: dict[str, Any] = {"items": {"type": "string"}} if option.kind is tuple else {}
    if option.most is not None:
        numeric = option.kind is int
        bounds = {"minimum": 1, "maximum": option.most} if numeric else {"maxLength": option.most}
    if option.choices:
        bounds = {"enum": [*option.choices, *([] if option.name in _NEEDED else [None])]}
    otherwise = f" (default: {option.otherwise})" if option.otherwise else ""
    return {
        "type": kind if option.name in _NEEDED else [kind, "null"],
        # A command repeats what a file has as a list.
        "description": option.help.replace("repeat for several", "a list") + otherwise,
        **bounds,
    }


def _problems(given: object, kind: _Kind) -> Iterable[str]:
    """What is wrong with an entry, in its form."""
    if not isinstance(given, Mapping):
        yield f"a {type(given).__name__} is no {kind.noun}; give keys and values"
        return
    yield from (f"{name} is missing" for name in kind.needed if given.get(name) is None)
    for name, value in given.items():
        if name not in kind.more and name not in kind.plan.table:
            yield f"unknown key {name!r}"
        elif value is None:
            continue
        elif name in kind.plan.table:
            option = kind.plan.table[name]
            if not _takes(option, value):
                told = f"a {type(value).__name__}" if option.secret else repr(value)
                yield f"{name} can't be {told}; give {_wanted(option)}"
        elif name == "paused" and type(value) is not bool:
            yield f"{name} can't be {value!r}; give true or false"
        elif name != "paused" and not isinstance(value, str):
            yield f"{name} can't be {value!r}; give a text, in quotes"


def _takes(option: Option, value: object) -> bool:
    if option.kind is tuple:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return option.takes(value)


def _wanted(option: Option) -> str:
    if option.choices:
        return " or ".join(option.choices)
    if option.kind is bool:
        return "true or false"
    if option.kind is int:
        return f"a number from 1 to {option.most}"
    return "a list of texts" if option.kind is tuple else "a text, in quotes"
