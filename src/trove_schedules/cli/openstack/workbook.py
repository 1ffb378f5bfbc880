# SPDX-License-Identifier: Apache-2.0
"""The workbook that every schedule needs in Mistral: ``load`` and ``show``."""

from __future__ import annotations

import argparse
from typing import Any

from trove_schedules.cli.openstack import base


class LoadWorkbook(base.ShowOne):
    _description = "Load the workbook of backup schedules into Mistral, or bring it up to date"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--public",
            action="store_true",
            help="Load it for all projects (administrators only; default: for this project)",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        loaded = self.schedules.workbook_load(public=parsed_args.public)
        return ("action", "scope", "version"), (loaded.action, loaded.scope, loaded.version)


class ShowWorkbook(base.Command):
    _description = "Print the workbook's text, as 'openstack workbook create' takes it"

    #: osc-lib's switch: the text is part of this package, so no login is needed.
    auth_required = False

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from trove_schedules import workbook  # not at import, see the package

        self.app.stdout.write(workbook.text())
