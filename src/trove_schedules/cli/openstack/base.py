# SPDX-License-Identifier: Apache-2.0
"""What all the ``openstack`` commands share: the way to the API, errors, several at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from osc_lib.command import command
from osc_lib.exceptions import CommandError

from trove_schedules.errors import ScheduledBackupError

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
            raise CommandError(f"{failed} of {len(ids)} {what}s failed to {verb}.")


class Lister(Command, command.Lister):
    """A command that prints several objects."""


class ShowOne(Command, command.ShowOne):
    """A command that prints one object."""
