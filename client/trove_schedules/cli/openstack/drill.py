# SPDX-License-Identifier: Apache-2.0
"""Drills: ``drill``."""

from __future__ import annotations

import argparse
from typing import Any

from trove_schedules.cli.openstack import base, following
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
        following.add_arguments(parser, "drill", "ends by itself after about 50")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        started = self.schedules.schedule_drill(parsed_args.schedule)
        execution, self.exit_status = following.as_asked(parsed_args, self.schedules, started)
        return properties(execution)


class DrillPolicy(base.ShowOne):
    _description = (
        "Prove that the newest completed backup of one instance of a policy restores: of the one "
        "whose last drill began the longest ago, so that drills get round to all. Exit status "
        "without --wait: 0 if the drill was started. With --wait: 0 if it passed, 1 if it failed, "
        "2 if it was skipped or still runs at the timeout"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("policy", metavar="<policy>", help="Policy to drill (name or ID)")
        parser.add_argument(
            "--instance",
            metavar="<instance>",
            help="Drill this instance of the policy (name or ID; default: whose turn it is)",
        )
        following.add_arguments(parser, "drill", "ends by itself after about 50")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        started = self.schedules.policy_drill(parsed_args.policy, parsed_args.instance)
        execution, self.exit_status = following.as_asked(parsed_args, self.schedules, started)
        return properties(execution)
