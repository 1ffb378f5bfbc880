# SPDX-License-Identifier: Apache-2.0
"""What all the ``openstack`` commands share: the way to the API, errors, output, many at once."""

from __future__ import annotations

import argparse
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from cliff.columns import FormattableColumn
from cliff.formatters import base as formatters
from osc_lib.command import command
from osc_lib.exceptions import CommandError
from stevedore import ExtensionManager
from stevedore.extension import Extension

from trove_schedules.cli import text
from trove_schedules.cli.openstack import fitting, nagios
from trove_schedules.errors import ScheduledBackupError
from trove_schedules.words import plural, shown

if TYPE_CHECKING:
    from trove_schedules.manager import ScheduledBackups


class Command(command.Command):
    """A command that uses the schedules of the cloud that ``openstack`` is logged in to."""

    #: The exit status where no error is raised; an action may set it.
    exit_status = 0

    @cached_property
    def schedules(self) -> ScheduledBackups:
        from trove_schedules import manager  # not at import, see the package
        from trove_schedules.clients.session import bound

        cloud = self.app.client_manager
        return manager.connect(
            session=bound(cloud.session), region_name=cloud.region_name, interface=cloud.interface
        )

    def project(self, name_or_id: str) -> tuple[str, str]:
        """The id and the name of a project, for which Keystone is asked once.

        :raises CommandError: Keystone knows none, or several, or doesn't say.
        """
        if name_or_id not in self._projects:
            with _keystone(f"tell of project {name_or_id!r}"):
                found = self._identity.find_project(name_or_id)
            if found is None:
                raise CommandError(f"no project has the ID or name {name_or_id!r}")
            self._projects[name_or_id] = str(found.id), str(found.name)
        return self._projects[name_or_id]

    def project_names(self) -> dict[str, str]:
        """The names of all projects, by id; administrators only."""
        with _keystone("list projects"):
            return {str(each.id): str(each.name) for each in self._identity.projects()}

    @cached_property
    def _projects(self) -> dict[str, tuple[str, str]]:
        return {}

    @property
    def _identity(self) -> Any:
        return self.app.client_manager.sdk_connection.identity

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args) or self.exit_status
        except ScheduledBackupError as error:
            raise CommandError(str(error)) from error

    def do_each(
        self, verb: str, what: str, ids: Iterable[str], do: Callable[[str], object]
    ) -> None:
        """Do it to all that it can be done to, and say of the others why not.

        :param verb: what is done, for the messages.
        :param what: the singular of what it is done to.
        :raises CommandError: it failed for some.
        """
        ids = list(ids)
        failed = 0
        for each in ids:
            try:
                do(each)
            except ScheduledBackupError as error:
                failed += 1
                self.log.error("Failed to %s %s %r: %s", verb, what, each, error)
        if failed:
            raise CommandError(f"{failed} of {len(ids)} {plural(what)} failed to {verb}.")


@contextmanager
def _keystone(operation: str) -> Iterator[None]:
    from openstack.exceptions import SDKException  # not at import, see the package

    try:
        yield
    except SDKException as error:
        raise CommandError(f"Keystone doesn't {operation}: {error}") from error


class Lister(Command, command.Lister):
    """A command that prints several objects."""

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Iterable[Any]
    ) -> int:
        self.formatter = _Whole(self.formatter, parsed_args.formatter)
        return int(super().produce_output(parsed_args, column_names, data))


class MonitoringLister(Lister):
    """A list whose exit status is that of monitoring plugins, if it can't be read too."""

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except CommandError as error:
            return unknown(self.log, error)


class PluginLister(Lister):
    """The same, which also prints what monitoring plugins do.

    :cvar noun: what a row is of.
    """

    noun: ClassVar[str] = "schedule"

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except CommandError as error:
            status = unknown(self.log, error)
            if parsed_args.formatter == nagios.NAME:
                text.write(self.app.stdout, nagios.line(status, str(error)) + "\n")
            return status

    def _load_formatter_plugins(self) -> ExtensionManager[formatters.ListFormatter]:
        """Those of all commands, and one for this."""
        found = super()._load_formatter_plugins()
        made = nagios.Nagios(self.noun)
        where = EntryPoint(nagios.NAME, f"{nagios.__name__}:Nagios", self.formatter_namespace)
        found.extensions.append(Extension(nagios.NAME, where, nagios.Nagios, made))
        return found


def unknown(log: logging.Logger, error: CommandError) -> int:
    """Say what kept the health from being read; return the exit status.

    The host's own status for an error is 1, which monitoring plugins take for a warning.
    """
    from trove_schedules.health import State  # not at import, see the package

    log.error("%s", error)
    log.debug("The health can't be read", exc_info=error)
    return State.UNKNOWN.exit_status


class ShowOne(Command, command.ShowOne):
    """A command that prints one object."""

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Sequence[Any]
    ) -> int:
        self.formatter = _Whole(self.formatter, parsed_args.formatter)
        return int(super().produce_output(parsed_args, column_names, data))


class _Whole(formatters.ListFormatter, formatters.SingleFormatter):
    """One of the host's formatters, whose text is made first and written only then.

    A letter that the locale lacks, or an error, would otherwise leave half of it.
    """

    def __init__(self, formatter: Any, name: str) -> None:
        self._formatter, self._name = formatter, name

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """The host has asked the formatter itself."""

    def emit_list(
        self,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        rows = [[_cell(each, self._name) for each in row] for row in data]
        if self._name == "table":
            rows = fitting.fitted(column_names, rows, parsed_args)
        with self._written_whole(stdout) as whole:
            self._formatter.emit_list(column_names, rows, whole, parsed_args)

    def emit_one(
        self,
        column_names: Sequence[str],
        data: Sequence[Any],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        cells = [_cell(each, self._name) for each in data]
        with self._written_whole(stdout) as whole:
            self._formatter.emit_one(column_names, cells, whole, parsed_args)

    @contextmanager
    def _written_whole(self, stdout: TextIO) -> Iterator[TextIO]:
        whole = io.StringIO()
        yield whole
        text.write(stdout, whole.getvalue(), for_people=self._name == "table")


def _cell(value: Any, format_name: str) -> Any:
    """A value as a format is to have it."""
    if format_name == "table":
        said = value.human_readable() if isinstance(value, FormattableColumn) else value
        return shown(said) if isinstance(said, str) else said
    if format_name in ("csv", "value", "shell"):
        # These know texts only, and would write None as the text "None".
        machine = value.machine_readable() if isinstance(value, FormattableColumn) else value
        return "" if machine is None else value
    return value
