# SPDX-License-Identifier: Apache-2.0
"""The options of a schedule, or of a policy, as ``create``, ``set`` and ``unset`` take them.

They take them from a table: that of a schedule, unless it is said.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, NoReturn

from trove_schedules.schedules.options import OPTIONS, Option
from trove_schedules.words import counted, plural

#: What a schedule can't be without: arguments of ``create``, options of ``set``.
_NEEDED = ("pattern", "name")
#: What each backup builds on: one or the other.
_BASES = ("parent_id", "incremental")


def add_needed(parser: argparse.ArgumentParser, *names: str) -> None:
    """The pattern and the name, in this order, as arguments of a new schedule."""
    for name in names or _NEEDED:
        option = OPTIONS[name]
        parser.add_argument(name, metavar=f"<{option.unit}>", help=option.help)


def add_all(
    parser: argparse.ArgumentParser,
    *,
    of_a_new_schedule: bool,
    table: Mapping[str, Option] = OPTIONS,
) -> None:
    """The options; the pattern and the name only to change a schedule."""
    bases = parser.add_mutually_exclusive_group()
    for option in table.values():
        if option.name not in _NEEDED or not of_a_new_schedule:
            group = bases if option.name in _BASES else parser
            default = option.otherwise if of_a_new_schedule else ""
            _add(group, option, f" (default: {default})" if default else "")


def _add(group: Any, option: Option, default: str) -> None:
    names = {"dest": option.name, "help": option.help + default}
    if option.kind is bool:
        group.add_argument(option.argument, action="store_true", **names)
    else:
        several = option.kind is tuple
        group.add_argument(
            option.argument,
            metavar=f"<{option.unit}>",
            type=str if several else option.kind,
            action="append" if several else "store",
            choices=option.choices or None,
            **names,
        )


def given(parsed: argparse.Namespace, table: Mapping[str, Option] = OPTIONS) -> dict[str, Any]:
    """The options as the API's arguments, without those that ``create`` takes by position."""
    return {name: getattr(parsed, name) for name in table if name not in _NEEDED}


def changes(parsed: argparse.Namespace, table: Mapping[str, Option] = OPTIONS) -> dict[str, Any]:
    """The options as the API's changes. A switch that isn't given changes nothing."""
    values = {name: getattr(parsed, name) for name in table}
    return {name: None if value is False else value for name, value in values.items()}


def add_unsettable(parser: argparse.ArgumentParser, table: Mapping[str, Option] = OPTIONS) -> None:
    """What a schedule can be without, as switches that fill ``names``."""
    for name, option in table.items():
        if option.can_be_unset:
            parser.add_argument(
                option.argument,
                dest="names",
                action="append_const",
                const=name,
                help=f"Remove {option.argument}",
            )


def add_force(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--force",
        action="store_true",
        help=f"{what} even while a run is in progress. That run loses its rights: its execution "
        "may fail although the backup is made",
    )


def for_several(
    parser: argparse.ArgumentParser, verb: str, noun: str = "schedule"
) -> argparse.ArgumentParser:
    """Have the parser take schedules, and ``--force`` to do it while they run."""
    nouns = plural(noun)
    parser.add_argument(
        nouns,
        metavar=f"<{noun}>",
        nargs="+",
        help=f"{nouns.capitalize()} to {verb.lower()} (name or ID)",
    )
    add_force(parser, f"{verb} a {noun}")
    return parser


def expecting_quotes(parser: argparse.ArgumentParser, *patterns: str) -> argparse.ArgumentParser:
    """Have the parser say that a pattern belongs in quotes, where its fields came one by one.

    :param patterns: the names of the arguments that are patterns.
    """
    error = parser.error

    def parse_args(args: Any = None, namespace: Any = None) -> Any:
        parsed, left = parser.parse_known_args(args, namespace)
        values = [value for name in patterns if (value := getattr(parsed, name)) is not None]
        for value in values:
            if left and len(value.split()) == 1:
                error(
                    f"put the pattern in quotes, such as '0 2 * * *': {value!r} was taken for all "
                    f"of it, and {counted(len(left), 'argument')} too many came after it (without "
                    "quotes the shell replaces * by the names of files)"
                )
        if left:
            error(f"unrecognized arguments: {' '.join(left)}")
        return parsed

    def say_more(message: str) -> NoReturn:
        too_few = "arguments are required" in message or "expected one argument" in message
        error(f"{message}; the pattern is one argument, put it in quotes" if too_few else message)

    parser.parse_args = parse_args  # type: ignore[method-assign]
    parser.error = say_more  # type: ignore[method-assign]
    return parser
