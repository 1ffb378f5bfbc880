# SPDX-License-Identifier: Apache-2.0
"""Whom runs tell: ``notify test``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, following
from trove_schedules.cli.openstack.execution import properties

if TYPE_CHECKING:
    from trove_schedules.runs.execution import ScheduleExecution

#: What Mistral waits for an answer, and as long again for it to begin.
_SECONDS = 60.0


class NotifyTest(base.ShowOne):
    _description = (
        "Have Mistral send a test to the webhook of a schedule. Exit status: 0 if it is delivered, "
        "1 if it is not, 2 if that is not known after a minute"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedule", metavar="<schedule>", help="Schedule whose webhook to test (name or ID)"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        return _followed(self, self.schedules.webhook_test(parsed_args.schedule))


class NotifyTestPolicy(base.ShowOne):
    _description = (
        "Have Mistral send a test to the webhook of a policy. Exit status: 0 if it is delivered, 1 "
        "if it is not, 2 if that is not known after a minute"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "policy", metavar="<policy>", help="Policy whose webhook to test (name or ID)"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        # A schedule may have the same name.
        policy = self.schedules.policy_show(parsed_args.policy)
        return _followed(self, self.schedules.webhook_test(policy))


def _followed(
    command: base.ShowOne, started: ScheduleExecution
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """What became of a test."""
    seen = following.follow(
        lambda: command.schedules.execution_show(started.id),
        _SECONDS,
        f"execution {started.id} is started",
        following.standing,
    )
    command.exit_status = following.exit_status(seen or started)
    return properties(seen or started)
