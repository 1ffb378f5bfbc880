# SPDX-License-Identifier: Apache-2.0
"""Restore drills: ``drill``."""

from __future__ import annotations

import argparse
from typing import Any

from trove_schedules.cli.openstack import base, columns, following, options
from trove_schedules.cli.openstack.execution import properties


class DrillSchedule(base.ShowOne):
    _description = (
        "Prove that the newest completed backup of a schedule restores: a temporary instance is "
        "made from it, which counts in the quota, and deleted when it serves. Exit status: without "
        "--wait, 0 if the drill was started; with --wait, 0 if it passed, 1 if it failed, 2 if it "
        "was skipped or is still in progress when the time is over"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("schedule", metavar="<schedule>", help="Schedule to drill (ID)")
        when = parser.add_mutually_exclusive_group()
        when.add_argument(
            "--every",
            metavar="<pattern>",
            help=f"Do it not now but again and again, instead of by a pattern before. "
            f"{options.PATTERN}",
        )
        when.add_argument("--no-every", action="store_true", help="Do it no more by a pattern")
        parser.add_argument(
            "--force",
            action="store_true",
            help="Change the pattern while a drill that it started is in progress too: the drill "
            "loses its rights, and leaves its temporary instance behind",
        )
        following.add_arguments(parser, "drill", "50 by itself", group=when)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        if parsed_args.every is not None or parsed_args.no_every:
            drill = self.schedules.schedule_drill_every(
                parsed_args.schedule, parsed_args.every, force=parsed_args.force
            )
            values = {
                "next_execution_time": columns.time(drill.next_execution_time if drill else None),
                "pattern": drill and drill.pattern,
                "schedule_id": parsed_args.schedule,
            }
            return tuple(values), tuple(values.values())
        started = self.schedules.schedule_drill(parsed_args.schedule)
        execution, self.exit_status = following.as_asked(parsed_args, self.schedules, started)
        return properties(execution)
