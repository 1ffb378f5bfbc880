# SPDX-License-Identifier: Apache-2.0
"""``health -f nagios``: what monitoring plugins print."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from cliff.formatters.base import ListFormatter
from osc_lib.exceptions import CommandError
from stevedore import ExtensionManager
from stevedore.extension import Extension

from trove_schedules.cli import text
from trove_schedules.cli.openstack import base
from trove_schedules.words import counted, plural, shown

if TYPE_CHECKING:
    from trove_schedules.health import Health, PolicyHealth

NAME = "nagios"
#: The plugins' words for their exit statuses.
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


class Nagios(ListFormatter):
    """``STATE - words | perfdata``, then the schedules that are not fine, the worst first.

    It prints one command's rows only, those of :func:`rows` or :func:`rows_of_policies`.

    :param noun: what a row is of.
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """It has no options."""

    def emit_list(
        self,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        found = list(data)
        if not found:
            stdout.write(f"{line(_WORDS.index('UNKNOWN'), f'no {plural(self._noun)}')}\n")
            return
        troubles = [said for status, said, _ in found if status]
        said = troubles[0] if troubles else counted(len(found), self._noun)
        more = f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        counts = Counter(_WORDS[status] for status, *_ in found)
        figures = " ".join(f"{word.lower()}={counts[word]}" for word in _WORDS)
        missed = sum(missed for *_, missed in found)
        worst, *_ = found[0]
        stdout.write(f"{line(worst, said + more)} | {figures} missed={missed}\n")
        stdout.writelines(f"{_harmless(trouble)}\n" for trouble in troubles)


class Lister(base.Lister):
    """A list that has this format too.

    :cvar noun: what a row is of.
    """

    noun: ClassVar[str] = "schedule"

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except CommandError as error:
            status = base.unknown(self.log, error)
            if parsed_args.formatter == NAME:
                text.write(self.app.stdout, line(status, str(error)) + "\n")
            return status

    def _load_formatter_plugins(self) -> ExtensionManager[ListFormatter]:
        """Those of all commands, and one for this."""
        found = super()._load_formatter_plugins()
        where = EntryPoint(NAME, f"{__name__}:Nagios", self.formatter_namespace)
        found.extensions.append(Extension(NAME, where, Nagios, Nagios(self.noun)))
        return found


def rows(found: Iterable[Health]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """What the formatter prints, of states with the worst first."""
    return ("Status", "Trouble", "Missed"), [
        (
            each.state.exit_status,
            f"{each.name} ({each.schedule_id}) is {each.state}: {each.reason}",
            each.missed,
        )
        for each in found
    ]


def rows_of_policies(
    found: Iterable[PolicyHealth],
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The same of policies: the reason of each names the instances that need help."""
    return ("Status", "Trouble", "Missed"), [
        (
            each.state.exit_status,
            f"{each.name} ({each.policy_id}) is {each.state}: {each.reason}",
            sum(one.missed for one in each.instances),
        )
        for each in found
    ]


def line(status: int, said: str) -> str:
    """The first line, as far as the figures."""
    return f"{_WORDS[status]} - {_harmless(said)}"


def _harmless(said: str) -> str:
    """A text in one line; what follows a ``|`` in a plugin's output are figures."""
    return shown(said).replace("|", "/")
