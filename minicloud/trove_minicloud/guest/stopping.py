# SPDX-License-Identifier: Apache-2.0
"""Stops and removes database servers: what commands and Trove's own deletion have in common."""

import time
from dataclasses import replace

from trove_minicloud.errors import MiniCloudError, WaitTimeoutError
from trove_minicloud.guest import datastores, folders, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.supervision import state, supervisor

# Trove's start settles the backups of a run before, and an end of a backup isn't far from it.
LOCK_WAIT = 2.0
_STOP_TIMEOUT = 90.0
_POLL_INTERVAL = 0.1


def stop(root: Root, instance: Instance) -> Instance:
    """Stop a managed server.

    :raises InstanceBusyError: a backup of it is running.
    """
    with instances.backup_lock(root, instance.id, "its stop", LOCK_WAIT):
        return _stop(root, instance)


def delete(root: Root, instance: Instance) -> None:
    """Stop the server if it is ours, and remove its folder. Its backups stay.

    :raises InstanceBusyError: a backup of it is running.
    """
    # Before anything else: what is refused must not be half done.
    with instances.backup_lock(root, instance.id, "its deletion", LOCK_WAIT):
        if instance.managed:
            _stop(root, instance)
        folders.remove(root, instance.id)


def _stop(root: Root, instance: Instance) -> Instance:
    instance = replace(instance, wanted="stopped")
    instances.save(root, instance)
    _wait_until_stopped(root, instance)
    return instance


def _wait_until_stopped(root: Root, instance: Instance) -> None:
    deadline = time.monotonic() + _STOP_TIMEOUT
    while True:
        supervised = state.supervisor_pid(root) is not None
        status = state.load(root)
        programs = [item.name for item in status.programs] if status else []
        recorded = [name for name in programs if name.endswith(instance.id)]
        if supervised and status and not recorded:
            return
        if not supervised:
            for name in recorded:
                supervisor.stop_leftover(root, name)
            # One that has come meanwhile stops what it finds, in its own time.
            if state.supervisor_pid(root) is None:
                _require_stopped(root, instance)
                return
        if time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"The server of {instance.name} still runs after {_STOP_TIMEOUT:.0f} s;"
                f" see {instance.log(root)}."
            )
        time.sleep(_POLL_INTERVAL)


def _require_stopped(root: Root, instance: Instance) -> None:
    """:raises MiniCloudError: the server runs though nobody has it on record."""
    if datastores.named(instance.datastore).is_serving(root, instance):
        raise MiniCloudError(
            f"The server of {instance.name} still runs, and the mini cloud that started it is"
            f" gone. Start the mini cloud or take it down first:"
            f" trove-minicloud up --detach --root {root.path}"
        )
