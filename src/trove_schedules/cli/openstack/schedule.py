# SPDX-License-Identifier: Apache-2.0
"""Schedules: ``create``, ``delete``, ``list`` and ``show``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, columns

if TYPE_CHECKING:
    from trove_schedules.model import Schedule


class CreateSchedule(base.ShowOne):
    _description = "Create a schedule that backs a database instance up"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "instance", metavar="<instance>", help="Instance to back up (name or ID)"
        )
        parser.add_argument(
            "pattern",
            metavar="<pattern>",
            help="When to make a backup, in UTC: the five cron fields minute, hour, day of month, "
            "month and day of week, in quotes; '0 2 * * *' is every night at two",
        )
        parser.add_argument("name", metavar="<name>", help="Name of the backups")
        parser.add_argument(
            "--description", metavar="<description>", help="Description of the backups"
        )
        base_of_increments = parser.add_mutually_exclusive_group()
        base_of_increments.add_argument(
            "--parent",
            metavar="<backup>",
            help="Make every backup an increment of this same completed backup (ID)",
        )
        base_of_increments.add_argument(
            "--incremental",
            action="store_true",
            help="Make every backup an increment of the newest completed backup of the instance, "
            "or a full one where there is none",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        schedule = self.schedules.schedule_create(
            parsed_args.instance,
            parsed_args.pattern,
            parsed_args.name,
            description=parsed_args.description,
            parent_id=parsed_args.parent,
            incremental=parsed_args.incremental,
        )
        return _properties(schedule)


class DeleteSchedule(base.Command):
    _description = "Delete schedules; the backups that they made stay"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedules", metavar="<schedule>", nargs="+", help="Schedules to delete (ID)"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="Delete a schedule while a run of it is in progress too: the run loses its "
            "rights, and its execution may end in error though the backup is made",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.delete_each(
            "schedule",
            parsed_args.schedules,
            lambda schedule: self.schedules.schedule_delete(schedule, force=parsed_args.force),
        )


class ListSchedule(base.Lister):
    _description = "List backup schedules, the next to run first"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "instance",
            metavar="<instance>",
            nargs="?",
            help="Instance to list the schedules of (name or ID; default: those of every instance "
            "of the project)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        return ("ID", "Name", "Pattern", "Next Execution Time"), [
            (each.id, each.name, each.pattern, columns.time(each.next_execution_time))
            for each in self.schedules.schedule_list(parsed_args.instance)
        ]


class ShowSchedule(base.ShowOne):
    _description = "Show a backup schedule"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("schedule", metavar="<schedule>", help="Schedule to show (ID)")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        return _properties(self.schedules.schedule_show(parsed_args.schedule))


def _properties(schedule: Schedule) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    properties: dict[str, Any] = {
        "created_at": columns.time(schedule.created_at),
        "description": schedule.description,
        "id": schedule.id,
        "incremental": schedule.incremental,
        "input": columns.Object(schedule.input),
        "instance": schedule.instance,
        "name": schedule.name,
        "next_execution_time": columns.time(schedule.next_execution_time),
        "parent_id": schedule.parent_id,
        "pattern": schedule.pattern,
    }
    if schedule.updated_at is not None:
        properties["updated_at"] = columns.time(schedule.updated_at)
    return tuple(properties), tuple(properties.values())
