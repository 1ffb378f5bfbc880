# SPDX-License-Identifier: Apache-2.0
"""Schedules: ``create``, ``delete``, ``list`` and ``show``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, columns, following, looking, options, remarks, run
from trove_schedules.schedules.options import OPTIONS, QUALIFIERS
from trove_schedules.words import counted

if TYPE_CHECKING:
    from trove_schedules.health import Health
    from trove_schedules.schedules.schedule import Schedule


class CreateSchedule(base.ShowOne):
    _description = "Create a schedule of backups of a database instance"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "instance", metavar="<instance>", help="Instance to back up (name or ID)"
        )
        options.add_needed(parser)
        options.add_all(parser, of_a_new_schedule=True)
        parser.add_argument(
            "--trial",
            action="store_true",
            help="Then have Mistral run the schedule once, in two to three minutes, and wait at "
            "most five minutes for it. This makes a backup, and shows whether Mistral may act for "
            "you. Exit status: 0 if the backup is completed, 1 if the trial failed, 2 if it was "
            "skipped or still runs. The schedule stays in any case",
        )
        return options.expecting_quotes(parser, "pattern")

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        schedule = self.schedules.schedule_create(
            parsed_args.instance,
            parsed_args.pattern,
            parsed_args.name,
            **options.given(parsed_args),
        )
        remarks.say(self.schedules, schedule)
        if parsed_args.trial:
            following.say(f"schedule {schedule.id} is created")
            self.exit_status = run.try_out(self.schedules, schedule)
        return shown(parsed_args, properties(schedule))


class DeleteSchedule(base.Command):
    _description = "Delete schedules. Their backups stay"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return options.for_several(super().get_parser(prog_name), "Delete")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each(
            "delete",
            "schedule",
            parsed_args.schedules,
            lambda schedule: self.schedules.schedule_delete(schedule, force=parsed_args.force),
        )


class ListSchedule(base.Lister):
    _description = "List backup schedules, the next due first"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--instance",
            metavar="<instance>",
            help="List the schedules of this instance only (name or ID; default: all of the "
            "project)",
        )
        parser.add_argument(
            "--long",
            action="store_true",
            help="Also list the other options, when Mistral last fired each schedule since its "
            "last change, and its health; show instance IDs in full",
        )
        looking.add_projects(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        asked = looking.of_projects(self, parsed_args)
        schedules = asked.schedule_list(parsed_args.instance)
        wanted: list[columns.Column[Schedule]] = [
            ("ID", lambda each: each.id),
            ("Name", lambda each: each.name),
            ("Instance", lambda each: columns.instance(each.instance, whole=parsed_args.long)),
            ("Pattern", lambda each: each.pattern),
            ("Next Due", next_due),
        ]
        if parsed_args.all_projects:
            wanted.append(("Project", lambda each: each.project_id))
        if parsed_args.long:
            # None would mean every schedule there is by then.
            found = asked.schedule_health(schedules) if schedules else []
            wanted += _more({each.schedule_id: each for each in found})
        return columns.table(schedules, wanted)


class ShowSchedule(base.ShowOne):
    _description = "Show a backup schedule and its health"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("schedule", metavar="<schedule>", help="Schedule to show (name or ID)")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        schedule = self.schedules.schedule_show(parsed_args.schedule)
        [health] = self.schedules.schedule_health([schedule])
        drill = self.schedules.schedule_drill_show(schedule)
        return shown(
            parsed_args,
            properties(schedule)
            | _health_properties(health)
            | {
                "drill_every": drill and drill.pattern,
                "next_drill": columns.time(drill.next_execution_time if drill else None),
                "declared": schedule.declared,
            },
        )


def _more(healths: Mapping[str, Health]) -> list[columns.Column[Schedule]]:
    """What a long list shows besides."""
    return [
        ("Description", lambda each: each.description),
        ("Paused", lambda each: each.paused),
        ("Builds On", base_of),
        ("Retention", retention),
        ("Attempts", attempts),
        ("Deadline", lambda each: each.deadline),
        ("Last Firing", lambda each: columns.relative(each.updated_at)),
        ("State", lambda each: str(healths[each.id].state)),
        ("Last Backup", lambda each: columns.relative(healths[each.id].last_success)),
        ("Reason", lambda each: healths[each.id].reason),
        ("Last Proven Restore", lambda each: columns.relative(healths[each.id].last_proven)),
    ]


def next_due(schedule: Schedule) -> columns.Due:
    """The column of when it is due next."""
    when, paused = schedule.next_execution_time, schedule.paused
    return columns.Due(when, paused, columns.Relative, schedule.timezone)


def base_of(schedule: Schedule) -> str:
    """What each backup builds on, in words."""
    if schedule.parent_id is not None:
        return f"backup {schedule.parent_id}"
    if not schedule.incremental:
        return "full"
    return f"full every {schedule.full_every}" if schedule.full_every else "incremental"


def retention(schedule: Schedule) -> str | None:
    """What is kept, in words; None: everything."""
    kept = []
    for rule, number in schedule.rules.items():
        if rule == "keep_last":
            kept.append(f"last {number}")
        elif rule == "keep_days":
            kept.append(counted(number, "day"))
        else:
            kept.append(f"{number} {rule.removeprefix('keep_')}")
    return " or ".join(kept) or None


def attempts(schedule: Schedule) -> str:
    """How often it is tried, in words."""
    if schedule.attempts == 1:
        return "1"
    return f"{schedule.attempts}, every {schedule.retry_every} min"


def shown(
    parsed: argparse.Namespace, values: dict[str, Any]
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """What a schedule is shown by; the workflow's raw input is for programs, or for who asks."""
    if parsed.formatter == "table" and "input" not in parsed.columns:
        del values["input"]
    return tuple(values), tuple(values.values())


def properties(schedule: Schedule) -> dict[str, Any]:
    """A schedule as one object: its options, and where it stands."""
    planned = {name: getattr(schedule, name) for name in OPTIONS}
    for url, usual in QUALIFIERS.items():
        if planned[url] is None:
            planned |= dict.fromkeys(usual)
    standing = {
        "created_at": columns.time(schedule.created_at),
        "id": schedule.id,
        "input": columns.Object(schedule.input),
        "instance": schedule.instance,
        "next_execution_time": columns.Due(
            schedule.next_execution_time, schedule.paused, columns.Time, schedule.timezone
        ),
        "paused": schedule.paused,
        "pinned": columns.Several(schedule.pinned) if schedule.pinned else None,
    }
    values: dict[str, Any] = dict(sorted({**planned, **standing}.items()))
    if schedule.updated_at is not None:
        values["updated_at"] = columns.time(schedule.updated_at)
    return values


def _health_properties(health: Health) -> dict[str, Any]:
    return {
        "health": str(health.state),
        "health_reason": health.reason,
        "last_success": columns.time(health.last_success),
        "last_proven_restore": columns.time(health.last_proven),
        "proven_backup": health.proven_backup,
        "missed": health.missed,
        "chain_depth": health.chain_depth,
        "backups_kept": health.kept,
        "quota_left": health.quota_left,
    }
