# SPDX-License-Identifier: Apache-2.0
"""Restore drills: ``drill``."""

from __future__ import annotations

import argparse
from typing import Any

from trove_schedules.cli.openstack import base, columns, following, options
from trove_schedules.cli.openstack.execution import properties


class DrillSchedule(base.ShowOne):
    _description = (
        "Prove that the newest completed backup of a schedule restores: create a temporary "
        "instance from it, wait until that is ready, and delete it. The instance counts in the "
        "quota. Exit status without --wait: 0 if the drill was started. With --wait: 0 if it "
        "passed, 1 if it failed, 2 if it was skipped or still runs at the timeout"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("schedule", metavar="<schedule>", help="Schedule to drill (name or ID)")
        when = parser.add_mutually_exclusive_group()
        when.add_argument(
            "--every",
            metavar="<pattern>",
            help="Repeat the drill on this pattern (UTC): five cron fields in quotes, as "
            "'create' takes them. Nothing runs now",
        )
        when.add_argument("--no-every", action="store_true", help="Stop repeating drills")
        parser.add_argument(
            "--force",
            action="store_true",
            help="Change or remove the pattern even while a drill that it started is in progress: "
            "that drill loses its rights and leaves its temporary instance behind",
        )
        following.add_arguments(parser, "drill", "ends by itself after about 50", group=when)
        return options.expecting_quotes(parser, "every")

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        if parsed_args.every is not None or parsed_args.no_every:
            schedule = self.schedules.schedule_show(parsed_args.schedule)
            drill = self.schedules.schedule_drill_every(
                schedule, parsed_args.every, force=parsed_args.force
            )
            values = {
                "next_execution_time": columns.time(drill.next_execution_time if drill else None),
                "pattern": drill and drill.pattern,
                "schedule_id": schedule.id,
            }
            return tuple(values), tuple(values.values())
        started = self.schedules.schedule_drill(parsed_args.schedule)
        execution, self.exit_status = following.as_asked(parsed_args, self.schedules, started)
        return properties(execution)
