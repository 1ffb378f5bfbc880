# SPDX-License-Identifier: Apache-2.0
"""``health`` and ``check``: how schedules are, and whether they can work at all."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, columns, following, looking, nagios

if TYPE_CHECKING:
    from trove_schedules.health import Health


class ScheduleHealth(nagios.Lister):
    _description = (
        "Show the state of backup schedules and why, the worst first; with -f nagios as monitoring "
        "plugins do. " + looking.EXIT_STATUS
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        looking.add_arguments(parser)
        parser.add_argument(
            "--long",
            action="store_true",
            help="Also show the schedule's ID, the age of its newest backup (in seconds for "
            "programs), how many due times brought no backup, how many backups a restore reads, "
            "how many are kept and may still be made, the newest restore that was proven, the size "
            "of the newest backup in gigabytes, and the project; show instance IDs in full",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        found = looking.look(looking.of_projects(self, parsed_args), parsed_args)
        if not found:
            whose = looking.where(parsed_args)
            if parsed_args.instance and whose == looking.HERE:
                whose = f"of instance {parsed_args.instance}"
            self.log.warning("no schedules %s", whose)
        self.exit_status = looking.worst(found).exit_status
        if parsed_args.formatter == nagios.NAME:
            return nagios.rows(found)
        return columns.table(found, _columns(parsed_args))


def _columns(parsed_args: argparse.Namespace) -> list[columns.Column[Health]]:
    project: columns.Column[Health] = ("Project", lambda each: each.project_id)
    shown: list[columns.Column[Health]] = [
        ("State", lambda each: str(each.state)),
        ("Name", lambda each: each.name),
        ("Instance", lambda each: columns.instance(each.instance, whole=parsed_args.long)),
        ("Last Backup", lambda each: columns.relative(each.last_success)),
        ("Next Due", _next_due),
        ("Reason", lambda each: each.reason),
    ]
    if parsed_args.long:
        shown += [
            ("ID", lambda each: each.schedule_id),
            ("Age", lambda each: columns.length(each.age)),
            ("Missed", lambda each: each.missed),
            ("Chain Depth", lambda each: each.chain_depth),
            ("Kept", lambda each: each.kept),
            ("Quota Left", lambda each: each.quota_left),
            ("Last Proven Restore", lambda each: columns.relative(each.last_proven)),
            ("Proven Backup", lambda each: each.proven_backup),
            ("Last Size", lambda each: each.last_size),
        ]
    return [*shown, project] if parsed_args.long or parsed_args.all_projects else shown


def _next_due(health: Health) -> columns.Due:
    return columns.Due(health.next_execution_time, health.state == "PAUSED", columns.Relative)


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
        looking.add_projects(parser)
        parser.add_argument(
            "--prove",
            action="store_true",
            help="Also have Mistral fire a trigger once, by a trust, that asks Trove for its "
            "limits: it takes three to four minutes, needs no schedule, and leaves nothing",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        found = looking.of_projects(self, parsed_args).check(parsed_args.instance)
        if parsed_args.prove:
            progress = following.Progress()
            found += self.schedules.prove(report=progress)
        self.exit_status = int(any(each.ok is False for each in found))
        words = {True: "OK", False: "WRONG", None: "?"}
        return ("Check", "Result", "Detail"), [
            (each.name, words[each.ok], each.said) for each in found
        ]
