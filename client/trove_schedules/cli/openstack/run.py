# SPDX-License-Identifier: Apache-2.0
"""A run that somebody asks for: ``run`` of a schedule or policy, and ``create --trial``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, following
from trove_schedules.cli.openstack.execution import properties
from trove_schedules.runs.reason import reason

if TYPE_CHECKING:
    from trove_schedules.manager import ScheduledBackups
    from trove_schedules.schedules.schedule import Schedule

#: Three minutes until it fires, at most, and two for a small backup.
_TRIAL_SECONDS = 300


class RunSchedule(base.ShowOne):
    _description = (
        "Run a schedule now, with your own rights, whether or not a backup is due. Exit status "
        "without --wait: 0 if the run was started. With --wait: 0 if its backup is completed, 1 if "
        "it failed, 2 if it was skipped or still runs at the timeout"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("schedule", metavar="<schedule>", help="Schedule to run (name or ID)")
        following.add_arguments(
            parser, "run", "ends by itself after about 45; its backup may take longer"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        started = self.schedules.schedule_run(parsed_args.schedule)
        execution, self.exit_status = following.as_asked(parsed_args, self.schedules, started)
        return properties(execution)


class RunPolicy(base.ShowOne):
    _description = (
        "Run a policy now, with your own rights: back up each instance that it takes, whether or "
        "not a backup is due. Exit status without --wait: 0 if the run was started. With --wait: 0 "
        "if all are backed up, 1 if one failed, 2 if some were skipped, not reached, or are still "
        "in progress"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("policy", metavar="<policy>", help="Policy to run (name or ID)")
        following.add_arguments(
            parser, "run", "ends by itself after about 55; its last backups may take longer"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        started = self.schedules.policy_run(parsed_args.policy)
        execution, self.exit_status = following.as_asked(parsed_args, self.schedules, started)
        return properties(execution)


def try_out(schedules: ScheduledBackups, schedule: Schedule) -> int:
    """Run a schedule once by the trust, follow that, say how it went; return the exit status."""
    trial = schedules.schedule_trial(schedule)
    try:
        execution = following.follow(
            lambda: schedules.trial_execution(trial),
            _TRIAL_SECONDS,
            f"trial: waiting for Mistral to fire at {trial.due_at:%H:%M} UTC",
            following.standing,
        )
    finally:
        # Whatever ended the wait: a trial that nobody follows has no business firing later.
        waiting = schedules.trial_end(trial)
    if execution is None:
        from trove_schedules.triggers.trial import why_not_run  # not at import, see the package

        following.say(f"trial failed: {why_not_run(trial.due_at, fired=not waiting)}")
        return following.FAILED
    status = following.exit_status(execution)
    told = reason(execution.state_info) or execution.output.get("status") or execution.state
    verdict = {following.COMPLETED: "passed", following.FAILED: "failed"}.get(status, "undecided")
    following.say(f"trial {verdict}: {told}")
    return status
