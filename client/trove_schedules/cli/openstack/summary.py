# SPDX-License-Identifier: Apache-2.0
"""``summary``: the line that monitoring plugins print, and one per schedule that is not fine."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from osc_lib.exceptions import CommandError

from trove_schedules.cli import text
from trove_schedules.cli.openstack import base, looking
from trove_schedules.words import counted, shown

if TYPE_CHECKING:
    from trove_schedules.health import Health

#: The plugins' words for their exit statuses.
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


class ScheduleSummary(base.Command):
    _description = (
        "Print the health of backup schedules as a plugin of Nagios or Icinga does: one line for "
        "all, then one for each schedule that is not fine. " + looking.EXIT_STATUS
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        looking.add_arguments(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except CommandError as error:
            status = looking.unknown(self.log, error)
            text.write(self.app.stdout, _line(status, str(error)) + "\n")
            return status

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        found = looking.look(self.schedules, parsed_args)
        self.exit_status = looking.worst(found).exit_status
        text.write(self.app.stdout, "".join(f"{line}\n" for line in _lines(found)))


def _lines(found: Sequence[Health]) -> list[str]:
    """``BACKUPS STATUS: text | figures``, then the schedules that are not fine, the worst first."""
    status = looking.worst(found).exit_status
    if not found:
        return [_line(status, "no schedules")]
    troubles = [
        f"{each.name} ({each.schedule_id}) is {each.state}: {each.reason}"
        for each in found
        if each.state.exit_status
    ]
    said = troubles[0] if troubles else counted(len(found), "schedule")
    more = f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""
    counts = Counter(_WORDS[each.state.exit_status] for each in found)
    figures = " ".join(f"{word.lower()}={counts[word]}" for word in _WORDS)
    missed = sum(each.missed for each in found)
    return [
        f"{_line(status, said + more)} | {figures} missed={missed}",
        *(_harmless(trouble) for trouble in troubles),
    ]


def _line(status: int, said: str) -> str:
    return f"BACKUPS {_WORDS[status]}: {_harmless(said)}"


def _harmless(said: str) -> str:
    """A text in one line; what follows a ``|`` in a plugin's output are figures."""
    return shown(said).replace("|", "/")
