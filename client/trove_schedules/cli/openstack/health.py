# SPDX-License-Identifier: Apache-2.0
"""``health`` and ``check``: for people, and for monitoring by exit status or text file."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from osc_lib.exceptions import CommandError

from trove_schedules.cli import text
from trove_schedules.cli.openstack import base, columns, nagios


class ScheduleHealth(base.Lister):
    _description = (
        "Show the state of backup schedules and why, the worst first. The exit status is that of "
        "the worst, as monitoring plugins have it. 0: all are fine. 1: one is paused. 2: one needs "
        "help. 3: a state is unknown, there are no schedules, or nothing could be read"
    )

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except CommandError as error:
            # The host's status for an error is 1, which monitoring plugins take for a warning.
            self.log.error("%s", error)
            self.log.debug("The health can't be told", exc_info=True)
            from trove_schedules.health import State

            status = State.UNKNOWN.exit_status
            if parsed_args.formatter == "nagios":
                text.write(self.app.stdout, nagios.line(status, str(error)) + "\n")
            return status

    @property
    def formatter_namespace(self) -> str:
        # The usual formats, and those of Prometheus and monitoring plugins, for no other command.
        return "trove_schedules.formatter.health"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
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
            help="Look at the schedules of this instance (name or ID)",
        )
        parser.add_argument(
            "--max-age",
            metavar="<span>",
            type=span,
            help="Call a schedule STALE when its newest backup is older than this, such as 26h or "
            "2d (default: when a due backup is missing)",
        )
        parser.add_argument(
            "--blocked-after",
            metavar="<span>",
            type=span,
            help="Call a backup stuck when it runs longer than this, such as 90m or 6h (default: "
            "6h)",
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
        if not found:
            whose = (
                f"of instance {parsed_args.instance}" if parsed_args.instance else "in this project"
            )
            self.log.warning("no schedules %s", whose)
        # No schedule was looked at, so the status is unknown.
        states = [each.state for each in found] or [health.State.UNKNOWN]
        self.exit_status = max(states, key=lambda state: state.severity).exit_status
        headers = (
            "ID", "Name", "State", "Reason", "Last Success", "Age", "Next Execution Time",
            "Missed", "Chain Depth", "Kept", "Quota Left", "Instance", "Last Proven Restore",
            "Proven Backup", "Last Size", "Project",
        )  # fmt: skip
        # Of the token that all of this was asked with.
        project_id = self.app.client_manager.session.get_project_id()
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
                each.last_size,
                project_id,
            )
            for each in found
        ]
        return headers, rows

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Iterable[Any]
    ) -> int:
        if parsed_args.formatter in ("nagios", "prometheus"):
            # These are made of all columns.
            parsed_args.columns = []
        return super().produce_output(parsed_args, column_names, data)


_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def span(given: str) -> timedelta:
    """Read a span of time such as 90m, 26h or 2d."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", given)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{given!r} is not a span of time such as 90m (minutes), 26h (hours) or 2d (days)"
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


class CheckSchedule(base.Lister):
    _description = (
        "Check, point by point, whether backup schedules can work in this cloud and project. Exit "
        "status: 1 if something is wrong"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "instance",
            metavar="<instance>",
            nargs="?",
            help="Also check whether this instance can be backed up (name or ID)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        found = self.schedules.check(parsed_args.instance)
        self.exit_status = int(any(each.ok is False for each in found))
        words = {True: "OK", False: "WRONG", None: "?"}
        return ("Check", "Result", "Detail"), [
            (each.name, words[each.ok], each.said) for each in found
        ]
