# SPDX-License-Identifier: Apache-2.0
"""The schedule commands of the ``trove`` program: ours in the place of its own.

``trove`` has commands of these names already and fails on a second one, so the functions behind
them are replaced, through its extension point, before it builds its parser.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keystoneauth1.identity.generic import BaseGenericPlugin, Password, Token
from prettytable import PrettyTable

from trove_schedules import bridge
from trove_schedules.cli import text
from trove_schedules.errors import ScheduledBackupError
from trove_schedules.words import shown

if TYPE_CHECKING:
    from trove_schedules.manager import ScheduledBackups
    from trove_schedules.schedules.schedule import Schedule

LOG = logging.getLogger(__name__)

Command = Callable[["ScheduledBackups", argparse.Namespace], None]
ShellCommand = Callable[[Any, argparse.Namespace], None]


class Extension:
    """What the entry point names; ``trove`` calls its hooks."""

    @staticmethod
    def __pre_parse_args__() -> None:
        from troveclient import shell
        from troveclient.v1 import shell as commands

        for command in (
            do_schedule_create,
            do_schedule_list,
            do_schedule_show,
            do_schedule_delete,
            do_execution_list,
            do_execution_delete,
        ):
            setattr(commands, command.__name__, command)
        shell.OpenStackTroveShell._get_keystone_auth = _get_keystone_auth

    @staticmethod
    def __post_parse_args__(parsed: argparse.Namespace) -> None:
        if parsed.os_auth_token:  # the host insists on these, although a token is login enough
            parsed.os_username = parsed.os_username or "unused"
            parsed.os_password = parsed.os_password or "unused"


def _get_keystone_auth(
    shell: Any, session: Any, auth_url: str, auth_token: str | None = None, **login: Any
) -> BaseGenericPlugin:
    """Log in as the host's method of this name does, but by ``--os-auth-token`` too.

    The host hands the user's name and password to the token plugin, which ends in a TypeError.
    """
    if not auth_token:
        return Password(auth_url, **login)
    project = {key: value for key, value in login.items() if key.startswith("project_")}
    return Token(auth_url, auth_token, **project)


def _command(*arguments: tuple[str, dict[str, Any]]) -> Callable[[Command], ShellCommand]:
    """Make a function that takes our API into one as ``trove`` calls and describes it."""

    def decorate(command: Command) -> ShellCommand:
        @functools.wraps(command)
        def run(client: Any, parsed: argparse.Namespace) -> None:
            try:
                command(bridge.from_trove_client(client), parsed)
            except ScheduledBackupError as error:
                LOG.debug("%s failed", command.__name__, exc_info=True)
                # What reaches the host as an exception is printed as bytes: ERROR: b'…'
                raise SystemExit(f"ERROR: {error}") from error

        run.arguments = [((name,), options) for name, options in arguments]  # type: ignore[attr-defined]
        return run

    return decorate


def _argument(name: str, help: str, **options: Any) -> tuple[str, dict[str, Any]]:
    return name, {"help": help, **options}


_SCHEDULE = _argument("id", "ID or name of the schedule.", metavar="<schedule>")


@_command(
    _argument("instance", "ID or name of the instance.", metavar="<instance>"),
    _argument(
        "pattern",
        "Cron pattern in UTC, in quotes: minute, hour, day of month, month, day of week.",
        metavar="<pattern>",
    ),
    _argument("name", "Name of the backups.", metavar="<name>"),
    _argument("--description", "Description of the backups.", metavar="<description>"),
    _argument(
        "--parent",
        "ID of a completed backup. Every backup is an increment of this one.",
        metavar="<backup>",
    ),
    _argument(
        "--incremental",
        "Every backup is an increment of the schedule's newest completed one.",
        action="store_true",
    ),
)
def do_schedule_create(schedules: ScheduledBackups, parsed: argparse.Namespace) -> None:
    """Schedules backups of an instance. Times are UTC."""
    schedule = schedules.schedule_create(
        parsed.instance,
        parsed.pattern,
        parsed.name,
        description=parsed.description,
        parent_id=parsed.parent,
        incremental=parsed.incremental,
    )
    _print_properties(schedule, parsed.json)


@_command(
    _argument(
        "instance",
        "ID or name of the instance (default: every instance of the project).",
        metavar="<instance>",
        nargs="?",
    )
)
def do_schedule_list(schedules: ScheduledBackups, parsed: argparse.Namespace) -> None:
    """Lists scheduled backups for an instance. Times are UTC."""
    _print_list(
        ("id", "name", "pattern", "next_execution_time"),
        ("ID", "Name", "Pattern", "Next Execution Time"),
        (
            (each.id, each.name, each.pattern, each.next_execution_time)
            for each in schedules.schedule_list(parsed.instance)
        ),
        parsed.json,
    )


@_command(_SCHEDULE)
def do_schedule_show(schedules: ScheduledBackups, parsed: argparse.Namespace) -> None:
    """Shows details of a schedule. Times are UTC."""
    _print_properties(schedules.schedule_show(parsed.id), parsed.json)


@_command(
    _SCHEDULE,
    _argument("--force", "Delete it even while a run is in progress.", action="store_true"),
)
def do_schedule_delete(schedules: ScheduledBackups, parsed: argparse.Namespace) -> None:
    """Deletes a schedule. The backups that it made stay."""
    schedules.schedule_delete(parsed.id, force=parsed.force)


@_command(
    _SCHEDULE,
    _argument(
        "--limit", "Return up to N of the most recent executions.", metavar="<limit>", type=int
    ),
    _argument(
        "--marker",
        "Return executions older than this one. To page, give the first ID of the previous list, "
        "which is its oldest.",
        metavar="<ID>",
        default="",
    ),
)
def do_execution_list(schedules: ScheduledBackups, parsed: argparse.Namespace) -> None:
    """Lists executions of a scheduled backup of an instance. Times are UTC."""
    found = schedules.execution_list(parsed.id, marker=parsed.marker, limit=parsed.limit)
    _print_list(
        ("id", "created_at", "state", "output"),
        ("ID", "Execution Time", "State", "Output"),
        # The newest come first from the API, but last in this program's tables.
        ((each.id, each.created_at, each.state, each.output) for each in reversed(found)),
        parsed.json,
    )


@_command(_argument("execution", "ID of the execution to delete.", metavar="<execution>"))
def do_execution_delete(schedules: ScheduledBackups, parsed: argparse.Namespace) -> None:
    """Deletes the record of an execution. The backup that it made stays."""
    schedules.execution_delete(parsed.execution)


def _print_properties(schedule: Schedule, as_json: bool) -> None:
    properties: dict[str, Any] = {
        "created_at": schedule.created_at,
        "id": schedule.id,
        "input": schedule.input,
        "instance": schedule.instance,
        "name": schedule.name,
        "next_execution_time": schedule.next_execution_time,
        "parent_id": schedule.parent_id,
        "pattern": schedule.pattern,
    }
    if schedule.updated_at is not None:
        properties["updated_at"] = schedule.updated_at
    if as_json:
        _print_json(properties)
    else:
        _print_table(("Property", "Value"), properties.items())


def _print_list(
    keys: Sequence[str], headers: Sequence[str], rows: Iterable[Sequence[Any]], as_json: bool
) -> None:
    if as_json:
        _print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        _print_table(headers, rows)


def _print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    table = PrettyTable(list(headers))
    table.align = "l"
    for row in rows:
        table.add_row([_cell(value) for value in row])
    text.write(sys.stdout, f"{table}\n", for_people=True)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return str(value.replace(tzinfo=None))
    return shown(text.output_text(value) if isinstance(value, dict) else str(value))


def _print_json(value: Any) -> None:
    text.write(sys.stdout, json.dumps(value, indent=2, default=datetime.isoformat) + "\n")
