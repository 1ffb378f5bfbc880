# SPDX-License-Identifier: Apache-2.0
"""``report``: what schedules promised and what became of it, for people who sign."""

from __future__ import annotations

import argparse

from trove_schedules import clock
from trove_schedules.cli import text
from trove_schedules.cli.openstack import base, looking

_USUAL_SPAN = "30d"


class ReportSchedule(base.Command):
    _description = (
        "Print a report on backup schedules: what each promised, what became of each due time, why "
        "a backup is missing and, unless some are chosen, which instances no schedule backs up "
        "now. An HTML page holds its pictures and needs nothing else"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "schedules",
            metavar="<schedule>",
            nargs="*",
            default=[],
            help="Schedules to report on (name or ID; default: all of the project)",
        )
        parser.add_argument(
            "--since",
            metavar="<span>",
            type=looking.span,
            default=_USUAL_SPAN,
            help=f"How far back the report begins, such as 36h or 90d (default: {_USUAL_SPAN})",
        )
        parser.add_argument(
            "-f",
            "--format",
            choices=("html", "json", "csv"),
            default="html",
            help="A page, one JSON object, or a row for each due time and for each instance that "
            "no schedule backs up (default: html)",
        )
        looking.add_exclude(parser)
        looking.add_projects(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        # Not at import, see the package.
        from trove_schedules.report.formats import as_csv, as_json
        from trove_schedules.report.page import page

        asked = looking.of_projects(self, parsed_args)
        found = asked.report(
            parsed_args.schedules,
            since=clock.now() - parsed_args.since,
            exclude=parsed_args.exclude,
        )
        made = {"html": page, "json": as_json, "csv": as_csv}[parsed_args.format]
        text.write(self.app.stdout, made(found, looking.project_names(self, parsed_args)))
