# SPDX-License-Identifier: Apache-2.0
"""``coverage``: what protects each instance."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, columns, looking
from trove_schedules.schedules.names import schedule_of

if TYPE_CHECKING:
    from trove_schedules.coverage import Coverage


class ListCoverage(base.MonitoringLister):
    _description = (
        "List the database instances and what protects each: those first that no schedule or "
        "policy backs up. Exit status, as monitoring plugins have it: 0: all are protected, "
        "replicas or excluded. 1: all schedules of one are paused. 2: one is unprotected, or its "
        "newest backup is too old. 3: there are no instances, or nothing could be read"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        looking.add_projects(parser, "the instances")
        parser.add_argument(
            "--max-age",
            metavar="<span>",
            type=looking.span,
            help="Call an instance STALE when its newest completed backup, whoever made it, is "
            "older than this, such as 26h or 2d (default: whatever its age)",
        )
        looking.add_exclude(parser)
        parser.add_argument(
            "--long",
            action="store_true",
            help="Also list the reason, the newest backup and who made it, its age (in seconds for "
            "programs), the newest backup that was proven to restore, the instance that a replica "
            "is of, and the project; show instance IDs in full",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        found = looking.of_projects(self, parsed_args).coverage(
            exclude=parsed_args.exclude, max_age=parsed_args.max_age
        )
        if not found:
            self.log.warning("no database instances")
        self.exit_status = max((each.state.exit_status for each in found), default=3)
        return columns.table(found, _columns(parsed_args))


def _columns(parsed_args: argparse.Namespace) -> list[columns.Column[Coverage]]:
    project: columns.Column[Coverage] = ("Project", lambda each: each.project_id)
    shown: list[columns.Column[Coverage]] = [
        ("State", lambda each: str(each.state)),
        ("Name", lambda each: each.name),
        ("Instance", lambda each: columns.instance(each.instance, whole=parsed_args.long)),
        ("Protected By", lambda each: columns.Schedules([*each.schedules, *each.policies])),
        (
            "Last Backup",
            lambda each: columns.relative(each.backup.created if each.backup else None),
        ),
        ("Last Proven Restore", lambda each: columns.relative(each.last_proven)),
    ]
    if parsed_args.long:
        shown += [
            ("Reason", lambda each: each.reason),
            ("Backup", lambda each: each.backup and each.backup.id),
            ("Made By", _maker),
            ("Age", lambda each: columns.length(each.age)),
            ("Proven Backup", lambda each: each.proven_backup),
            ("Replica Of", lambda each: each.replica_of),
        ]
    return [*shown, project] if parsed_args.long or parsed_args.all_projects else shown


def _maker(coverage: Coverage) -> str | None:
    """Who made the newest backup."""
    if coverage.backup is None:
        return None
    maker = schedule_of(coverage.backup.description)
    if maker is None:
        return "by hand"
    return f"{'policy' if maker in {each.id for each in coverage.policies} else 'schedule'} {maker}"
