# SPDX-License-Identifier: Apache-2.0
"""Which of a project's instances a policy takes, and why it leaves the others.

The workbook selects by the same rules. It can't read a glob, so it is given a regular expression.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import count
from typing import Any, Protocol

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.names import is_temporary
from trove_schedules.schedules.options import OPTIONS, Option, row, table_of
from trove_schedules.words import is_control

#: In bytes of JSON: Mistral's databases keep a trigger's whole input in 64 KB.
MAX_SIZE = 40_000
#: The statuses in which a run of an instance makes its backup, or says itself why not.
ABLE = ("ACTIVE", "HEALTHY", "RESTART_REQUIRED", "BACKUP")


class Subject(Protocol):
    """What a selection looks at of an instance."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str | None: ...
    @property
    def datastore(self) -> str | None: ...
    @property
    def replica_of(self) -> str | None: ...


class Choice(StrEnum):
    """What a policy does with an instance.

    ``unable`` is one that it would take, but for its status.
    """

    TAKEN = "taken"
    UNABLE = "unable"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instance of the project, and what a policy does with it now.

    :ivar instance: its id.
    :ivar reason: why it is left or unable; None where it is taken.
    """

    instance: str
    name: str
    choice: Choice
    reason: str | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which instances are taken, by option; without any, all but replicas."""

    match: tuple[str, ...] = field(
        default=(),
        metadata=row(
            "Match",
            "Take the instances whose name or ID fits this pattern, such as 'orders*' in quotes: * "
            "is any text, ? is one character, [ab] is one of these (repeat for several)",
            unit="glob",
            otherwise="all",
        ),
    )
    exclude: tuple[str, ...] = field(
        default=(),
        metadata=row(
            "Exclude",
            "Leave out the instances whose name or ID fits this pattern, whatever else they fit "
            "(repeat for several)",
            unit="glob",
            otherwise="none",
        ),
    )
    datastores: tuple[str, ...] = field(
        default=(),
        metadata=row(
            "Datastores",
            "Take the instances of this datastore only, such as mysql (repeat for several)",
            unit="datastore",
            otherwise="all",
            argument="--datastore",
        ),
    )
    replicas: bool = field(
        default=False,
        metadata=row("Replicas", "Take replicas too, which have the data of their source"),
    )
    max_parallel: int = field(
        default=5,
        metadata=row(
            "At a time",
            "Back up at most N instances at a time",
            unit="N",
            most=50,
            otherwise="5",
        ),
    )

    @classmethod
    def read(cls, given: object) -> Selection:
        """The selection in a workflow's input. What is out of bounds is taken for not there."""
        kept = given if isinstance(given, dict) else {}
        known: dict[str, Any] = {}
        for name, option in SELECTING.items():
            value = kept.get(name)
            if option.kind is tuple and isinstance(value, list):
                known[name] = [each for each in value if isinstance(each, str)]
            elif option.takes(value):
                known[name] = value
        return USUAL.with_options(known)

    def with_options(self, values: Mapping[str, Any]) -> Selection:
        """The same with some options changed; several texts become a tuple, each once."""
        changed: dict[str, Any] = {
            name: tuple(dict.fromkeys(value)) if SELECTING[name].kind is tuple else value
            for name, value in values.items()
        }
        return replace(self, **changed)

    def written(self) -> dict[str, Any]:
        """The selection as the workflow's input has it; what is as usual is left out."""
        chosen = {
            name: list(value) if isinstance(value, tuple) else value
            for name, option in SELECTING.items()
            if (value := getattr(self, name)) != option.default
        }
        regexes = {"takes": self.match, "leaves": self.exclude}
        return chosen | {name: regex(globs) for name, globs in regexes.items() if globs}

    def check(self) -> None:
        """Refuse a selection that can't be meant, or that no trigger can hold.

        :raises InvalidScheduleError: a pattern is empty, has no end of a set or a control
            character, or all of it is too long; or a number is out of bounds.
        """
        for name in ("match", "exclude"):
            for glob in getattr(self, name):
                _check_glob(name, glob)
        for each in self.datastores:
            if not each or any(map(is_control, each)):
                raise InvalidScheduleError(f"datastore {each!r} is not the name of a datastore")
        SELECTING["max_parallel"].check_number(self.max_parallel)
        size = len(json.dumps(self.written()))
        if size > MAX_SIZE:
            raise InvalidScheduleError(
                f"the patterns to match and exclude take {size} bytes in Mistral's trigger, and "
                f"{MAX_SIZE} fit; use fewer or shorter ones"
            )

    def candidate(self, instance: Subject) -> Candidate:
        """What is done with an instance now, and why."""
        left, unable = self._left_on_purpose(instance), _unable(instance)
        choice = Choice.LEFT if left else Choice.UNABLE if unable else Choice.TAKEN
        return Candidate(instance.id, instance.name, choice, left or unable)

    def candidates(self, instances: Iterable[Subject]) -> list[Candidate]:
        """The same of several: the taken first, then the unable, in each part by name."""
        order = list(Choice)
        return sorted(
            map(self.candidate, instances),
            key=lambda each: (order.index(each.choice), each.name, each.instance),
        )

    def takes(self, instances: Iterable[Subject]) -> list[Candidate]:
        """Those of several that are not left on purpose, in the same order."""
        return [each for each in self.candidates(instances) if each.choice != Choice.LEFT]

    def _left_on_purpose(self, instance: Subject) -> str | None:
        if is_temporary(instance.name):
            return "temporary instance of a drill"
        if self.match and not _fits(self.match, instance):
            return "no match"
        if self.exclude and _fits(self.exclude, instance):
            return "excluded"
        if self.datastores and instance.datastore not in self.datastores:
            return f"datastore {instance.datastore}"
        if instance.replica_of is not None and not self.replicas:
            return f"replica of {instance.replica_of}"
        return None


#: All instances but replicas.
USUAL = Selection()
#: The options of a selection.
SELECTING = table_of(Selection)
_FIRST = ("pattern", "name", "description")
#: The options of a policy, by name, in the order in which people read them. A parent is one
#: instance's.
POLICY_OPTIONS: dict[str, Option] = {
    **{name: OPTIONS[name] for name in _FIRST},
    **SELECTING,
    **{name: each for name, each in OPTIONS.items() if name not in (*_FIRST, "parent_id")},
}


@lru_cache(maxsize=256)
def regex(globs: Sequence[str]) -> str:
    r"""A regular expression for what fits one of several globs, as fnmatch.fnmatchcase has them.

    Any Python of Mistral's reads it: no atomic groups, and no ``\z``.
    """
    numbers = count()
    return rf"^(?s:{'|'.join(_translated(each, numbers) for each in globs)})\Z"


def _translated(glob: str, numbers: count[int]) -> str:
    first, *others = map(_fixed, _between_stars(glob))
    if not others:
        return first
    *middle, last = others
    # A star takes as little as it can, and never again more: else a few of them take for ever.
    stars = [
        f"(?=(?P<g{number}>.*?{part}))(?P=g{number})"
        for part, number in zip(filter(None, middle), numbers, strict=False)
    ]
    return f"{first}{''.join(stars)}.*{last}"


def _fixed(glob: str) -> str:
    """A regular expression for a glob without stars."""
    return fnmatch.translate(glob).removeprefix("(?s:")[: -len(r")\Z")]


def _between_stars(glob: str) -> list[str]:
    """The parts of a glob between its stars. In a set, ``*`` is a character and no star."""
    parts, start, at = [], 0, 0
    while at < len(glob):
        if glob[at] == "[":
            at = max(at, _end_of_set(glob, at))
        elif glob[at] == "*":
            parts.append(glob[start:at])
            start = at + 1
        at += 1
    return [*parts, glob[start:]]


def _end_of_set(glob: str, start: int) -> int:
    """Where a set that begins there ends; -1 where it has no end, and the bracket is itself."""
    first = start + 2 if glob[start + 1 : start + 2] == "!" else start + 1
    return glob.find("]", first + 1)


def _fits(globs: tuple[str, ...], instance: Subject) -> bool:
    fits = re.compile(regex(globs)).match
    return bool(fits(instance.name) or fits(instance.id))


def _unable(instance: Subject) -> str | None:
    return None if instance.status in ABLE else f"status {instance.status}"


def _check_glob(name: str, glob: str) -> None:
    if not glob or any(map(is_control, glob)):
        raise InvalidScheduleError(
            f"{name} {glob!r} is no pattern of instances' names: give a single line, such as 'db-*'"
        )
    at = 0
    while (at := glob.find("[", at)) >= 0:
        at = _end_of_set(glob, at)
        if at < 0:
            raise InvalidScheduleError(
                f"{name} {glob!r} has a [ without its ]; write [[] for the bracket itself"
            )
