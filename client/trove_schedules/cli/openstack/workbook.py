# SPDX-License-Identifier: Apache-2.0
"""The workbook that every schedule needs in Mistral: ``load`` and ``show``."""

from __future__ import annotations

import argparse
from typing import Any

from trove_schedules.cli import text
from trove_schedules.cli.openstack import base


class LoadWorkbook(base.ShowOne):
    _description = (
        "Load the workbook of backup schedules into Mistral, or update it. Where a public one "
        "serves the project already, nothing is loaded"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--public",
            action="store_true",
            help="Load it for all projects (administrators only; default: this project)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        loaded = self.schedules.workbook_load(public=parsed_args.public)
        return ("action", "detail", "scope", "version"), (
            loaded.action, loaded.detail, loaded.scope, loaded.version,
        )  # fmt: skip


class ShowWorkbook(base.Command):
    _description = (
        "Print the text of the workbook, for 'openstack workbook create'. Mistral refuses a second "
        "one where a public workbook serves the project already"
    )

    #: osc-lib's switch: the text is part of this package, so no login is needed.
    auth_required = False

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from trove_schedules import workbook  # not at import, see the package

        text.write(self.app.stdout, workbook.text())
