# SPDX-License-Identifier: Apache-2.0
"""``health`` and ``check``: for people, and for monitoring by exit status or text file."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import Any

from osc_lib.exceptions import CommandError

from trove_schedules.cli.openstack import base, columns


class ScheduleHealth(base.Lister):
    _description = (
        "Show the state of backup schedules and why, the worst first. Exit status as monitoring "
        "plugins have it: 0 if all are fine, 1 if one is paused, 2 if one needs help, 3 if one "
        "can't be told, or nothing can"
    )

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except CommandError as error:
            # The host's status for an error is 1, which monitoring plugins take for a warning.
            self.log.error("%s", error)
            self.log.debug("The health can't be told", exc_info=True)
            from trove_schedules.health import State

            return State.UNKNOWN.exit_status

    @property
    def formatter_namespace(self) -> str:
        # The usual formats, and Prometheus' text format, which fits no other command.
        return "trove_schedules.formatter.health"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "schedules",
            metavar="<schedule>",
            nargs="*",
            default=[],
            help="Schedules to look at (ID; default: every one of the project)",
        )
        which.add_argument(
            "--instance",
            metavar="<instance>",
            help="Look at the schedules of this instance (name or ID)",
        )
        which.add_argument(
            "--all",
            action="store_true",
            help="Look at every schedule of the project, which is the default",
        )
        parser.add_argument(
            "--max-age",
            metavar="<span>",
            type=span,
            help="A newest backup older than this, such as 26h or 2d, is STALE (default: as the "
            "pattern has it)",
        )
        parser.add_argument(
            "--blocked-after",
            metavar="<span>",
            type=span,
            help="A backup that runs longer than this, such as 90m or 6h, is stuck (default: 6h)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        from trove_schedules import health

        limits = health.Limits(
            max_age=parsed_args.max_age,
            blocked_after=parsed_args.blocked_after or health.BLOCKED_AFTER,
        )
        found = self.schedules.schedule_health(
            parsed_args.schedules, instance=parsed_args.instance, limits=limits
        )
        states = [each.state for each in found] or [health.State.OK]
        self.exit_status = max(states, key=lambda state: state.severity).exit_status
        headers = (
            "ID", "Name", "State", "Reason", "Last Success", "Age", "Next Execution Time",
            "Missed", "Chain Depth", "Kept", "Quota Left", "Instance", "Last Proven Restore",
            "Proven Backup",
        )  # fmt: skip
        rows = [
            (
                each.schedule_id,
                each.name,
                str(each.state),
                each.reason,
                columns.time(each.last_success),
                None if each.age is None else int(each.age),
                columns.time(each.next_execution_time),
                each.missed,
                each.chain_depth,
                each.kept,
                each.quota_left,
                each.instance,
                columns.time(each.last_proven),
                each.proven_backup,
            )
            for each in found
        ]
        return headers, rows


_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """Read a span of time such as 90m, 26h or 2d."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a span of time such as 90m (minutes), 26h (hours) or 2d (days)"
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


class CheckSchedule(base.Lister):
    _description = (
        "Check whether backup schedules can work in this cloud and project, point by point; exit "
        "status 1 if something has to be done"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "instance",
            metavar="<instance>",
            nargs="?",
            help="Check whether this instance can be backed up too (name or ID)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        found = self.schedules.check(parsed_args.instance)
        self.exit_status = int(any(each.ok is False for each in found))
        words = {True: "OK", False: "WRONG", None: "?"}
        return ("Check", "Result", "Said"), [
            (each.name, words[each.ok], each.said) for each in found
        ]
