# SPDX-License-Identifier: Apache-2.0
"""Changes of schedules: ``set``, ``unset``, ``pause`` and ``resume``."""

from __future__ import annotations

import argparse

from trove_schedules.cli.openstack import base, options, remarks


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
        parser.add_argument(
            "--drill-every",
            metavar="<pattern>",
            help="Repeat drills on this pattern (UTC): five cron fields in quotes, as for "
            "--pattern. With --force even while a repeated drill is in progress, which then leaves "
            "its temporary instance behind",
        )
        options.add_force(parser, "Change the schedule")
        return options.expecting_quotes(parser, "pattern", "drill_every")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = options.changes(parsed_args)
        schedule, drill_every = parsed_args.schedule, parsed_args.drill_every
        if drill_every is not None:
            from trove_schedules.schedules import pattern  # not at import, see the package

            # A wrong one is refused before anything is changed.
            pattern.validate(pattern.freeze(drill_every, schedule))
        if drill_every is None or any(value is not None for value in changes.values()):
            schedule = self.schedules.schedule_set(schedule, force=parsed_args.force, **changes)
            remarks.say(self.schedules, schedule)
        if drill_every is not None:
            self.schedules.schedule_drill_every(schedule, drill_every, force=parsed_args.force)


class UnsetSchedule(base.Command):
    _description = "Remove options from a schedule"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedule", metavar="<schedule>", help="Schedule to change (name or ID)"
        )
        options.add_unsettable(parser)
        parser.add_argument(
            "--drill-every",
            action="store_true",
            help="Stop repeating drills, also those of a schedule that is gone (by its ID)",
        )
        options.add_force(parser, "Change the schedule")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        schedule, names, force = parsed_args.schedule, parsed_args.names or [], parsed_args.force
        if names or not parsed_args.drill_every:
            schedule = self.schedules.schedule_set(schedule, unset=names, force=force)
            remarks.say(self.schedules, schedule)
        if parsed_args.drill_every:
            self.schedules.schedule_drill_every(schedule, None, force=force)


class PauseSchedule(base.Command):
    _description = "Pause schedules: they make no backups until they are resumed"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return options.for_several(super().get_parser(prog_name), "Pause")

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
        return options.for_several(super().get_parser(prog_name), "Resume")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each(
            "resume",
            "schedule",
            parsed_args.schedules,
            lambda schedule: self.schedules.schedule_resume(schedule, force=parsed_args.force),
        )
