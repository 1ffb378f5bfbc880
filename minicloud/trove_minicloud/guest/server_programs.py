# SPDX-License-Identifier: Apache-2.0
"""The programs of the managed databases that should be running now."""

import logging
from dataclasses import replace

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.supervision.program import DATABASE_VARIABLES, Program

LOG = logging.getLogger(__name__)


class InstancePrograms:
    """Called again and again by the supervisor; reads what the instances' files say by then."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._programs: dict[Instance, list[Program]] = {}

    def __call__(self) -> list[Program]:
        wanted = [
            instance
            for instance in instances.all_instances(self._root)
            if instance.managed and instance.wanted == "running"
        ]
        # Looking for a database's programs takes a while: once for each state of its file.
        known = self._programs
        self._programs = {
            instance: known[instance] if instance in known else self._program(instance)
            for instance in wanted
        }
        return [program for programs in self._programs.values() for program in programs]

    def _program(self, instance: Instance) -> list[Program]:
        try:
            program = datastores.named(instance.datastore).server_program(self._root, instance)
        except MiniCloudError as error:
            # One database that can't be run must not stop the others.
            LOG.error("instance %s (%s) can't be run: %s", instance.name, instance.id, error)
            return []
        env = {**program.env, ROOT_VARIABLE: str(self._root.path)}
        return [replace(program, env=env, inherits=DATABASE_VARIABLES)]
