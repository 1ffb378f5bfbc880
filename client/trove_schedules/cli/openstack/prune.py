# SPDX-License-Identifier: Apache-2.0
"""``prune``: delete by hand what a schedule no longer keeps."""

from __future__ import annotations

import argparse
from typing import Any

from trove_schedules.cli.openstack import base, columns


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
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what would be deleted; delete nothing"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        verdicts = self.schedules.schedule_prune(parsed_args.schedule, dry_run=parsed_args.dry_run)
        return ("Backup", "Created", "Status", "Verdict", "Kept By", "Reason"), [
            (
                each.backup.id,
                columns.time(each.backup.created),
                each.backup.status,
                "delete" if each.expired else "keep",
                ", ".join(each.kept_by) or None,
                each.reason,
            )
            for each in verdicts
        ]
