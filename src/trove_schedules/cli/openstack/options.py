# SPDX-License-Identifier: Apache-2.0
"""The options of a schedule, as ``create`` and ``set`` take them."""

from __future__ import annotations

import argparse
from typing import Any

PATTERN = (
    "When to make a backup, in UTC: the five cron fields minute, hour, day of month, month and day "
    "of week, in quotes; '0 2 * * *' is every night at two. H, or H(1-4), for a field is a value "
    "that the schedule gets for good: 'H H(1-4) * * *' spreads schedules over the small hours"
)
#: Name, unit, what it does, and what a new schedule has without it.
_NUMBERS = (
    ("--full-every", "<number>", "Make the first of so many incremental backups in a row a full "
     "one (with --incremental)", "only the very first is full"),
    ("--keep-last", "<number>", "After each success delete the schedule's backups but the newest "
     "so many, and what they build on", "delete none"),
    ("--keep-days", "<days>", "After each success delete the schedule's backups that are older, "
     "but not the newest, nor what a kept one builds on; with --keep-last too, a backup is kept "
     "that either keeps", "delete none"),
    ("--attempts", "<number>", "Fire so many times for each due time, until there is a backup; 1 "
     "turns this off", "3 where the pattern leaves room for it"),
    ("--retry-every", "<minutes>", "Minutes between these firings", "20, or what fits"),
    ("--deadline", "<minutes>", "Skip a run that starts more than so many minutes after its due "
     "time", "none"),
)  # fmt: skip
#: The options for each signal, when it is given, and what is put behind the URL by default.
_SIGNALS = {
    "--notify-start": ("a run starts", "/start"),
    "--notify-success": ("a backup is completed", "nothing"),
    "--notify-fail": ("a run fails, or is too late", "/fail"),
}


def add_description(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--description", metavar="<description>", help="Description of the backups")


def add_base(parser: argparse.ArgumentParser) -> None:
    """What each backup builds on."""
    base_of_increments = parser.add_mutually_exclusive_group()
    base_of_increments.add_argument(
        "--parent",
        metavar="<backup>",
        help="Make every backup an increment of this same completed backup (ID)",
    )
    base_of_increments.add_argument(
        "--incremental",
        action="store_true",
        help="Make every backup an increment of the schedule's own newest completed backup, or a "
        "full one where there is none",
    )


def add_numbers(parser: argparse.ArgumentParser, *, of_a_new_schedule: bool) -> None:
    for name, metavar, text, default in _NUMBERS:
        end = f" (default: {default})" if of_a_new_schedule else ""
        parser.add_argument(name, metavar=metavar, type=int, help=text + end)


def add_notify(parser: argparse.ArgumentParser) -> None:
    """Whom the runs tell, see :mod:`trove_schedules.notify`."""
    parser.add_argument(
        "--notify-url",
        metavar="<url>",
        help="URL that Mistral pings when a run starts, has its backup, or fails, such as a check "
        "of healthchecks.io; a ping that fails changes nothing. It is kept in the schedule, where "
        "everybody of the project can read it, and stands in Mistral's log",
    )
    for name, (signal, default) in _SIGNALS.items():
        parser.add_argument(
            name,
            metavar="<suffix>",
            help=f"What is put behind that URL when {signal}; it begins with / or ?, '' is the URL "
            f"itself, - is no ping (default: {default})",
        )


def notify(parsed: argparse.Namespace) -> dict[str, Any]:
    """The same as the API's arguments."""
    names = ["notify_url", *(_name(option) for option in _SIGNALS)]
    return {name: getattr(parsed, name) for name in names}


def add_force(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--force",
        action="store_true",
        help=f"{what} while a run is in progress too: the run loses its rights, and its execution "
        "may end in error though the backup is made",
    )


def numbers(parsed: argparse.Namespace) -> dict[str, Any]:
    """The numbers as the API's arguments."""
    names = [_name(option) for option, *_ in _NUMBERS]
    return {name: getattr(parsed, name) for name in names}


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")
