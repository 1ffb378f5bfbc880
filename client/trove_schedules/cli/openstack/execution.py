# SPDX-License-Identifier: Apache-2.0
"""The executions (runs) of schedules and policies: ``delete``, ``list`` and ``show``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, columns
from trove_schedules.runs.reason import reason

if TYPE_CHECKING:
    from trove_schedules.runs.execution import ScheduleExecution


class DeleteExecution(base.Command):
    _description = "Delete the records of finished executions. Their backups stay"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "executions", metavar="<execution>", nargs="+", help="Executions to delete (ID)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each("delete", "execution", parsed_args.executions, self.schedules.execution_delete)


class ListExecution(base.Lister):
    _description = "List the executions of a schedule, newest first"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedule",
            metavar="<schedule>",
            help="Schedule whose executions to list (name or ID)",
        )
        parser.add_argument(
            "--drills",
            action="store_true",
            help="List the schedule's drills instead of its runs",
        )
        _add_list_arguments(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        executions = self.schedules.execution_list(
            parsed_args.schedule,
            marker=parsed_args.marker,
            limit=parsed_args.limit,
            include_all=parsed_args.all,
            drills_only=parsed_args.drills,
        )
        return _listed(executions, long=parsed_args.long)


class ListPolicyExecution(base.Lister):
    _description = "List the executions of a policy, newest first, or the runs of one instance"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "policy", metavar="<policy>", help="Policy whose executions to list (name or ID)"
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--instance",
            metavar="<instance>",
            help="List the runs of this instance, which are parts of the policy's (name or ID)",
        )
        which.add_argument(
            "--drills",
            action="store_true",
            help="List the drills of the policy's instances instead of its runs",
        )
        _add_list_arguments(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        executions = self.schedules.execution_list(
            # A schedule may have the same name.
            self.schedules.policy_show(parsed_args.policy),
            marker=parsed_args.marker,
            limit=parsed_args.limit,
            include_all=parsed_args.all,
            drills_only=parsed_args.drills,
            instance=parsed_args.instance,
        )
        return _listed(executions, long=parsed_args.long, instances=parsed_args.drills)


class ShowExecution(base.ShowOne):
    _description = "Show an execution of a schedule or of a policy"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="<execution>", help="Execution to show (ID)")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        return properties(self.schedules.execution_show(parsed_args.execution))


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """How much of a list is shown."""
    parser.add_argument(
        "--long",
        action="store_true",
        help="Also list when each execution last changed, its backup, whether it was started by "
        "hand and by whom, and why it failed",
    )
    parser.add_argument(
        "--all", action="store_true", help="Also list attempts that had nothing to do"
    )
    parser.add_argument(
        "--limit",
        metavar="<n>",
        type=int,
        help="List at most n executions (default: all that Mistral keeps)",
    )
    parser.add_argument(
        "--marker",
        metavar="<execution>",
        default="",
        help="List executions older than this one, the last of the previous list (ID)",
    )


def _listed(
    executions: list[ScheduleExecution], *, long: bool, instances: bool = False
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The table of executions.

    :param instances: whether they are of different instances.
    """
    shown: list[columns.Column[ScheduleExecution]] = [
        ("ID", lambda each: each.id),
        ("Execution Time", lambda each: columns.time(each.created_at)),
        ("State", lambda each: each.state),
        ("Output", lambda each: columns.Output(each.output)),
    ]
    if instances:
        shown.insert(
            1, ("Instance", lambda each: columns.instance(each.instance or "", whole=long))
        )
    if long:
        shown += [
            ("Updated", lambda each: columns.time(each.updated_at)),
            ("Backup", lambda each: each.backup_id),
            ("Manual", lambda each: each.manual),
            ("Started By", lambda each: each.started_by),
            ("Reason", lambda each: reason(each.state_info)),
        ]
    return columns.table(executions, shown)


def properties(execution: ScheduleExecution) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """An execution as one object."""
    values = {
        "backup_id": execution.backup_id,
        "created_at": columns.time(execution.created_at),
        "id": execution.id,
        "instance": execution.instance,
        "manual": execution.manual,
        "output": columns.Output(execution.output),
        "reason": reason(execution.state_info),
        "schedule_id": execution.schedule_id,
        "started_by": execution.started_by,
        "state": execution.state,
        "state_info": execution.state_info,
        "updated_at": columns.time(execution.updated_at),
    }
    return tuple(values), tuple(values.values())
