# SPDX-License-Identifier: Apache-2.0
"""The options of a schedule, as ``create`` and ``set`` take them."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from trove_schedules.words import counted

PATTERN = (
    "When to make backups (UTC). Five cron fields in quotes: minute, hour, day of month, month, "
    "day of week. '0 2 * * *' is every day at 02:00. H, or H(1-4), is a value chosen once for each "
    "schedule: 'H H(1-4) * * *' spreads schedules over the hours from 1 to 4"
)
#: Name, unit, what it does, and what a new schedule has without it.
_NUMBERS = (
    ("--full-every", "<N>", "Start a new full backup every N backups (with --incremental)",
     "only the first backup is full"),
    ("--keep-last", "<N>", "Keep the newest N backups and what they depend on; delete older ones "
     "after each success", "delete none"),
    ("--keep-days", "<days>", "Keep the backups of this many days, the newest one, and what they "
     "depend on; delete older ones after each success. With --keep-last too, a backup is kept if "
     "either rule keeps it", "delete none"),
    ("--attempts", "<N>", "Try up to N times for each due time, until there is a backup; 1: don't "
     "retry", "3 if the pattern leaves room for it, else 1"),
    ("--retry-every", "<minutes>", "Minutes between attempts", "20, or what fits the pattern"),
    ("--deadline", "<minutes>", "Skip a run that starts more than this many minutes after its due "
     "time", "none"),
)  # fmt: skip
#: The options for each signal: which ping it is, and its default suffix.
_SIGNALS = {
    "--notify-start": ("start", "/start"),
    "--notify-success": ("success", "empty"),
    "--notify-fail": ("failure", "/fail"),
}


def add_description(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--description", metavar="<description>", help="Description of the backups")


def add_base(parser: argparse.ArgumentParser) -> None:
    """What each backup builds on."""
    base_of_increments = parser.add_mutually_exclusive_group()
    base_of_increments.add_argument(
        "--parent",
        metavar="<backup>",
        help="Make every backup an increment of this one completed backup (ID)",
    )
    base_of_increments.add_argument(
        "--incremental",
        action="store_true",
        help="Make every backup an increment of the schedule's newest completed backup; the first "
        "one is full",
    )


def add_numbers(parser: argparse.ArgumentParser, *, of_a_new_schedule: bool) -> None:
    for name, metavar, text, default in _NUMBERS:
        end = f" (default: {default})" if of_a_new_schedule else ""
        parser.add_argument(name, metavar=metavar, type=int, help=text + end)


def add_notify(parser: argparse.ArgumentParser) -> None:
    """Whom the runs tell, see :mod:`trove_schedules.schedules.notify`."""
    parser.add_argument(
        "--notify-url",
        metavar="<url>",
        help="URL that Mistral pings when a run starts, succeeds or fails, such as a check of "
        "healthchecks.io. A failed ping changes nothing. Everybody in the project can read the "
        "URL, and it appears in Mistral's log",
    )
    for name, (ping, default) in _SIGNALS.items():
        parser.add_argument(
            name,
            metavar="<suffix>",
            help=f"Suffix added to the URL for the {ping} ping; it begins with / or ? (default: "
            f"{default}; empty: no suffix; -: no ping)",
        )


def notify(parsed: argparse.Namespace) -> dict[str, Any]:
    """The same as the API's arguments."""
    names = ["notify_url", *(_name(option) for option in _SIGNALS)]
    return {name: getattr(parsed, name) for name in names}


def add_force(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--force",
        action="store_true",
        help=f"{what} even while a run is in progress. That run loses its rights: its execution "
        "may fail although the backup is made",
    )


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


def numbers(parsed: argparse.Namespace) -> dict[str, Any]:
    """The numbers as the API's arguments."""
    names = [_name(option) for option, *_ in _NUMBERS]
    return {name: getattr(parsed, name) for name in names}


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")
