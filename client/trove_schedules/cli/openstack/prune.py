# SPDX-License-Identifier: Apache-2.0
"""``prune``: delete by hand what a schedule, or a policy, no longer keeps."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, columns

if TYPE_CHECKING:
    from trove_schedules.backups.retention import Verdict


class PruneSchedule(base.Lister):
    _description = (
        "Delete the backups that are past a schedule's retention, and show for each backup whether "
        "it is kept, by which rules, and why. Trove deletes in the background"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedule",
            metavar="<schedule>",
            help="Schedule whose backups to delete (name or ID)",
        )
        _add_dry_run(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        verdicts = self.schedules.schedule_prune(parsed_args.schedule, dry_run=parsed_args.dry_run)
        return columns.table(verdicts, _COLUMNS)


class PrunePolicy(base.Lister):
    _description = (
        "Delete the backups of each instance that are past a policy's retention, and show for each "
        "backup whether it is kept, by which rules, and why. Trove deletes in the background"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "policy", metavar="<policy>", help="Policy whose backups to delete (name or ID)"
        )
        _add_dry_run(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        verdicts = self.schedules.policy_prune(parsed_args.policy, dry_run=parsed_args.dry_run)
        instance: columns.Column[Verdict] = (
            "Instance",
            lambda each: columns.instance(each.backup.instance_id, whole=False),
        )
        return columns.table(verdicts, [instance, *_COLUMNS])


_COLUMNS: list[columns.Column[Verdict]] = [
    ("Backup", lambda each: each.backup.id),
    ("Created", lambda each: columns.time(each.backup.created)),
    ("Status", lambda each: each.backup.status),
    ("Verdict", lambda each: "delete" if each.expired else "keep"),
    ("Kept By", lambda each: ", ".join(each.kept_by) or None),
    ("Reason", lambda each: each.reason),
]


def _add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="Show what would be deleted; delete nothing"
    )
