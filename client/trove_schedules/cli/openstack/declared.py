# SPDX-License-Identifier: Apache-2.0
"""Schedules and policies in a file: ``apply`` and ``export``."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from osc_lib.exceptions import CommandError

from trove_schedules.cli import text
from trove_schedules.cli.openstack import base, following
from trove_schedules.errors import ScheduledBackupError
from trove_schedules.words import counted, shown

if TYPE_CHECKING:
    from trove_schedules.declared import Difference, Step

_SIGNS = {"create": "+", "change": "~", "delete": "-"}
_PAST = {"create": "created", "change": "changed", "delete": "deleted"}


class ApplySchedule(base.Command):
    _description = (
        "Make the project's schedules and policies as a file declares them: show what differs, "
        "then create and change them until nothing does. Exit status: 0 if all is as declared, or "
        "with --dry-run could be read. 1 if something failed: run it again"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "-f",
            "--file",
            metavar="<file>",
            help="File in YAML that declares the schedules and policies (-: standard input)",
        )
        what.add_argument(
            "--schema",
            action="store_true",
            help="Print the JSON Schema of such a file, and do nothing else",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what would be done; change nothing"
        )
        parser.add_argument(
            "--prune",
            action="store_true",
            help="Also delete schedules and policies that an earlier file declared and this one "
            "does not. What no file has ever declared stays, and so do all backups",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.schema:
            from trove_schedules.declared import schema  # not at import, see the package

            text.write(self.app.stdout, json.dumps(schema(), ensure_ascii=False, indent=2) + "\n")
            return
        found = self.schedules.schedule_steps(_read(parsed_args.file), prune=parsed_args.prune)
        plan = "".join(f"{line}\n" for line in lines(found))
        text.write(self.app.stdout, plan, for_people=True)
        if not parsed_args.dry_run:
            self._apply([each for each in found if each.action != "keep"])

    def _apply(self, found: Sequence[Step]) -> None:
        """Do the steps.

        :raises CommandError: some failed; then nothing is deleted, which may be what a failed one
            was to replace.
        """
        failed = 0
        for number, step in enumerate(found, 1):
            if failed and step.action == "delete":
                left = ", ".join(_subject(each) for each in found[number - 1 :])
                self.log.error("Not deleted because something failed: %s", left)
                break
            try:
                self.schedules.schedule_apply(step)
            except ScheduledBackupError as error:
                failed += 1
                self.log.error("Failed to %s %s: %s", step.action, _subject(step), error)
            else:
                following.say(f"{number} of {len(found)}: {_PAST[step.action]} {_subject(step)}")
        if failed:
            raise CommandError(f"{failed} of {counted(len(found), 'change')} failed; when what is "
                               "said above is put right, apply the file again")  # fmt: skip


class ExportSchedule(base.Command):
    _description = (
        "Print a file, in YAML, that declares the project's schedules and policies as they are"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--secrets",
            action="store_true",
            help="Also print secret options, such as URLs that everybody may ping who knows them. "
            "Without this they are left out, and apply leaves them as they are",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        written = self.schedules.schedule_export(secrets=parsed_args.secrets)
        text.write(self.app.stdout, written)


def lines(found: Sequence[Step]) -> Iterator[str]:
    """What is going to be done, for people, as a diff."""
    for step in found:
        if step.action == "keep":
            continue
        yield f"{_SIGNS[step.action]} {_subject(step)}"
        yield from (f"    {_line(step, each)}" for each in step.differences)
    counts = Counter(str(step.action) for step in found)
    told = [f"{counts[action]} to {action}" for action in _SIGNS]
    yield f"{', '.join(told)}, {counts['keep']} unchanged"


def _subject(step: Step) -> str:
    given = f" ({step.schedule_id})" if step.action != "create" else ""
    if step.is_of_policy:
        return shown(f"policy {step.name}{given}")
    return shown(f"{step.name} of {step.instance_name}{given}")


def _line(step: Step, difference: Difference) -> str:
    before, after = (_value(each) for each in (difference.before, difference.after))
    if step.action == "create":
        return f"{difference.name}: {after}"
    return f"{difference.name}: {before} -> {after}"


def _value(value: object) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return shown(", ".join(value))
    if isinstance(value, bool):
        return str(value).lower()
    return shown(str(value))


def _read(name: str) -> Any:
    """What a file holds.

    :raises CommandError: it can't be read, or is no YAML. No part of it is told: it may hold
        secrets.
    """
    try:
        given = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"can't read {name}: {error.strerror}") from error
    try:
        return yaml.safe_load(given)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        where = f" in line {at.line + 1}, column {at.column + 1}" if at else ""
        raise CommandError(
            f"{name} is no YAML{where}; a pattern that begins with * must be in quotes"
        ) from None
    except (yaml.YAMLError, UnicodeError):
        raise CommandError(f"{name} is no YAML: it holds characters that are no text") from None
