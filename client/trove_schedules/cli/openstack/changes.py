# SPDX-License-Identifier: Apache-2.0
"""Changes of schedules: ``set``, ``unset``, ``pause`` and ``resume``."""

from __future__ import annotations

import argparse

from trove_schedules.cli.openstack import base, options


class SetSchedule(base.Command):
    _description = (
        "Change a schedule. Its ID, executions and backups stay. The change itself starts no run, "
        "and doesn't clear missed backups"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedule", metavar="<schedule>", help="Schedule to change (name or ID)"
        )
        options.add_all(parser, of_a_new_schedule=False)
        options.add_force(parser, "Change the schedule")
        return options.expecting_quotes(parser, "pattern")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.schedules.schedule_set(
            parsed_args.schedule, force=parsed_args.force, **options.changes(parsed_args)
        )


class UnsetSchedule(base.Command):
    _description = "Remove options from a schedule"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedule", metavar="<schedule>", help="Schedule to change (name or ID)"
        )
        options.add_unsettable(parser)
        options.add_force(parser, "Change the schedule")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.schedules.schedule_set(
            parsed_args.schedule, unset=parsed_args.names or [], force=parsed_args.force
        )


class PauseSchedule(base.Command):
    _description = "Pause schedules: they make no backups until they are resumed"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _for_several(super().get_parser(prog_name), "Pause")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each(
            "pause",
            "schedule",
            parsed_args.schedules,
            lambda schedule: self.schedules.schedule_pause(schedule, force=parsed_args.force),
        )


class ResumeSchedule(base.Command):
    _description = "Resume paused schedules. Each next runs at its next due time"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _for_several(super().get_parser(prog_name), "Resume")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each(
            "resume",
            "schedule",
            parsed_args.schedules,
            lambda schedule: self.schedules.schedule_resume(schedule, force=parsed_args.force),
        )


def _for_several(parser: argparse.ArgumentParser, verb: str) -> argparse.ArgumentParser:
    parser.add_argument(
        "schedules",
        metavar="<schedule>",
        nargs="+",
        help=f"Schedules to {verb.lower()} (name or ID)",
    )
    options.add_force(parser, f"{verb} a schedule")
    return parser
