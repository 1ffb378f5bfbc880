# SPDX-License-Identifier: Apache-2.0
"""Looking at the health of schedules: what ``health`` and ``metrics`` share."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trove_schedules.cli.openstack.base import Command
    from trove_schedules.health import Health, Limits, PolicyHealth, State
    from trove_schedules.manager import ScheduledBackups
    from trove_schedules.overview import Overview, Snapshot

#: How the commands describe their exit status, which is that of monitoring plugins.
EXIT_STATUS = (
    "The exit status is that of the worst schedule, as monitoring plugins have it. 0: all are "
    "fine. 1: one is paused. 2: one needs help. 3: a state is unknown, there are no schedules, or "
    "nothing could be read"
)
#: Where the schedules of the login are.
HERE = "in this project"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The schedules to look at, and when they are taken for ill."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "schedules",
        metavar="<schedule>",
        nargs="*",
        default=[],
        help="Schedules to look at (name or ID; default: all of the project)",
    )
    which.add_argument(
        "--instance",
        metavar="<instance>",
        help="Look at the schedules of this instance only (name or ID)",
    )
    add_limits(parser)
    add_projects(parser)


def add_limits(parser: argparse.ArgumentParser, what: str = "a schedule") -> None:
    """When a schedule, or whatever else, is taken for ill."""
    parser.add_argument(
        "--max-age",
        metavar="<span>",
        type=span,
        help=f"Call {what} STALE when its newest backup is older than this, such as 26h or 2d "
        "(default: when a due backup is missing)",
    )
    parser.add_argument(
        "--blocked-after",
        metavar="<span>",
        type=span,
        help="Call a backup stuck when it runs longer than this, such as 90m or 6h (default: 6h)",
    )


def add_projects(parser: argparse.ArgumentParser, what: str = "the schedules") -> None:
    """Whose schedules, or whatever else, are looked at, for administrators."""
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument(
        "--all-projects",
        action="store_true",
        help=f"Look at {what} of all projects (administrators only)",
    )
    whose.add_argument(
        "--project",
        metavar="<project>",
        help=f"Look at {what} of this project (name or ID; administrators only)",
    )


def add_exclude(parser: argparse.ArgumentParser) -> None:
    """Instances that need no backups."""
    parser.add_argument(
        "--exclude",
        metavar="<glob>",
        action="append",
        default=[],
        help="Call instances EXCLUDED whose name or ID fits this pattern, such as 'test*' in "
        "quotes (repeat for several)",
    )


def of_projects(command: Command, parsed: argparse.Namespace) -> ScheduledBackups | Overview:
    """The schedules of the projects that those arguments ask for.

    :raises CommandError: Keystone knows no such project, or doesn't say.
    """
    if parsed.all_projects:
        return command.schedules.overview()
    if parsed.project is None:
        return command.schedules
    project_id, _ = command.project(parsed.project)
    return command.schedules.overview(project=project_id)


def where(parsed: argparse.Namespace) -> str:
    """In which projects those arguments look, in words."""
    if parsed.all_projects:
        return "at all"
    return HERE if parsed.project is None else f"in project {parsed.project}"


def project_names(command: Command, parsed: argparse.Namespace) -> dict[str, str]:
    """The names of the projects that those arguments ask for, by their ids.

    :raises CommandError: Keystone doesn't say.
    """
    if parsed.all_projects:
        return command.project_names()
    if parsed.project is not None:
        return dict([command.project(parsed.project)])
    # Of the token that all of this was asked with.
    login: Any = command.app.client_manager.auth_ref
    return {login.project_id: login.project_name} if login else {}


def look(
    schedules: ScheduledBackups | Overview | Snapshot, parsed: argparse.Namespace
) -> list[Health]:
    """What those arguments ask for, the worst first."""
    return schedules.schedule_health(
        parsed.schedules, instance=parsed.instance, limits=limits(parsed)
    )


def limits(parsed: argparse.Namespace) -> Limits:
    """What those arguments take for ill."""
    from trove_schedules import health  # not at import, see the package

    return health.Limits(
        max_age=parsed.max_age, blocked_after=parsed.blocked_after or health.BLOCKED_AFTER
    )


def worst(found: Collection[Health] | Collection[PolicyHealth]) -> State:
    """The state that tells the exit status; where no schedule was looked at, it is unknown."""
    from trove_schedules.health import State

    return max((each.state for each in found), key=lambda state: state.severity,
               default=State.UNKNOWN)  # fmt: skip


def span(given: str) -> timedelta:
    """Read a span of time such as 90m, 26h or 2d."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", given)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{given!r} is not a span of time such as 90m (minutes), 26h (hours) or 2d (days)"
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
