# SPDX-License-Identifier: Apache-2.0
"""What all the ``openstack`` commands share: the way to the API, errors, deleting several."""

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

    @cached_property
    def schedules(self) -> ScheduledBackups:
        from trove_schedules import manager  # not at import, see the package

        cloud = self.app.client_manager
        return manager.connect(
            session=cloud.session, region_name=cloud.region_name, interface=cloud.interface
        )

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except ScheduledBackupError as error:
            raise CommandError(str(error)) from error

    def delete_each(self, what: str, ids: Iterable[str], delete: Callable[[str], None]) -> None:
        """Delete all that can be deleted, and say of the others why not.

        :param what: the singular of what is deleted, for the messages.
        :raises CommandError: some could not be deleted.
        """
        ids = list(ids)
        failed = 0
        for each in ids:
            try:
                delete(each)
            except ScheduledBackupError as error:
                failed += 1
                self.log.error("Failed to delete %s %r: %s", what, each, error)
        if failed:
            raise CommandError(f"{failed} of {len(ids)} {what}s failed to delete.")


class Lister(Command, command.Lister):
    """A command that prints several objects."""


class ShowOne(Command, command.ShowOne):
    """A command that prints one object."""
