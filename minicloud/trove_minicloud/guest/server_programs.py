# SPDX-License-Identifier: Apache-2.0
"""The programs of the managed databases that should be running now."""

import logging
import time
from dataclasses import replace

from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.supervision.program import DATABASE_VARIABLES, Program

LOG = logging.getLogger(__name__)

# Seconds after which it is tried again what could not be done: programs may have been installed.
_TRY_AGAIN_AFTER = 10.0


class InstancePrograms:
    """Called again and again by the supervisor; reads what the instances' files say by then."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._programs: dict[Instance, Program | str] = {}
        self._unreadable: dict[str, str] = {}
        self._try_again_at = 0.0

    def __call__(self) -> list[Program]:
        seen = instances.look(self._root)
        wanted = [each for each in seen.instances if each.managed and each.wanted == "running"]
        # One whose file can't be read now is still wanted as it was.
        wanted += [each for each in self._programs if each.id in seen.unreadable]
        # Looking for a database's programs takes a while: once for each state of its file.
        known = self._programs
        if time.monotonic() >= self._try_again_at:
            self._try_again_at = time.monotonic() + _TRY_AGAIN_AFTER
            known = {each: found for each, found in known.items() if isinstance(found, Program)}
        self._programs = {
            instance: known[instance] if instance in known else self._program(instance)
            for instance in wanted
        }
        self._unreadable = seen.unreadable
        return [each for each in self._programs.values() if isinstance(each, Program)]

    def problems(self) -> list[str]:
        """What can't be run, or is run as it was at the last look, and why."""
        without = [each for each in self._programs.values() if isinstance(each, str)]
        return without + [
            f"Instance {instance_id} can't be read: {why}"
            for instance_id, why in self._unreadable.items()
        ]

    def _program(self, instance: Instance) -> Program | str:
        """The program, or why the instance has none: it must not stop the other databases."""
        try:
            program = datastores.named(instance.datastore).server_program(self._root, instance)
        except Exception as error:
            problem = f"Instance {instance.name} ({instance.id}) can't be run: {error}"
            LOG.error("%s", problem)
            return problem
        env = {**program.env, ROOT_VARIABLE: str(self._root.path)}
        # A restart is no cure for a database that is busy or refuses us, and may do harm.
        return replace(program, env=env, inherits=DATABASE_VARIABLES, if_silent="tell")
