# SPDX-License-Identifier: Apache-2.0
"""What the `instance` and `restore` commands do: ask Trove, or change what is wanted, and wait."""

from collections.abc import Callable
from dataclasses import replace

from trove_minicloud.clients import schedules
from trove_minicloud.clients.administrator import Administrator
from trove_minicloud.clients.user import User
from trove_minicloud.errors import MiniCloudError, ScheduledError
from trove_minicloud.guest import copy_check, datastores, instances, names, proving, stopping
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root

# A server that was killed replays its log first; a restored one replays what its backup holds.
_HEALTHY_TIMEOUT = 300.0

Report = Callable[[str], None]


def create(root: Root, name: str, kind: str, report: Report) -> Instance:
    """A new, empty server of the user, healthy when this returns.

    :raises ProgramsMissingError: there is no such database on this machine.
    """
    user = User(root)
    names.check(root, name)
    datastores.named(kind).newest_version(root)
    return user.make_instance(name, kind, report)


def add(
    root: Root, name: str, kind: str, dsn: str, password: str | None, report: Report
) -> Instance:
    """A server that runs already, as an instance of the user.

    The one instance that Trove isn't asked for, because it makes none from an address.
    """
    user = User(root)
    names.check(root, name)
    instance = datastores.named(kind).add_server(root, name, user.project_id, dsn, password)
    user.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def restore(root: Root, backup: str, name: str, report: Report) -> Instance:
    """A new server with the rows of the backup (its id or name), healthy when this returns.

    :raises MiniCloudError: it can't be made, or the source's check fails on it: then it stays.
    """
    user = User(root)
    names.check(root, name)
    found = user.find_backup(backup)
    report(f"restoring backup {found['id']}")
    instance = user.make_instance(name, found["datastore"]["type"], report, found["id"])
    for line in proving.proof(root, instance):
        report(line)
    return instance


def start(root: Root, name_or_id: str, report: Report) -> Instance:
    """Start a managed server that was stopped.

    :raises InstanceBusyError: it is being stopped or deleted.
    """
    user = User(root)
    instance = _managed(root, name_or_id)
    if instance.wanted != "running":
        with instances.backup_lock(root, instance.id, "its start", stopping.LOCK_WAIT):
            instance = replace(instance, wanted="running")
            instances.save(root, instance)
    user.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def stop(root: Root, name_or_id: str) -> Instance:
    """Stop a managed server; it stays stopped, also over the cloud's next start.

    :raises InstanceBusyError: a backup of it is running.
    """
    return stopping.stop(root, _managed(root, name_or_id))


def delete(root: Root, name_or_id: str, *, force: bool = False) -> Instance:
    """Have Trove delete the instance, and with it the server's folder. Its backups stay.

    :param force: although schedules back it up, or Mistral can't say whether any do.
    :raises ScheduledError: without `force`, it is so.
    :raises InstanceBusyError: a backup of it is running.
    """
    instance = instances.find(root, name_or_id)
    administrator = Administrator(root)
    if not force:
        _require_unscheduled(root, instance)
    # Trove's task manager takes the lock for itself; what is refused is better refused here.
    with instances.backup_lock(root, instance.id, "its deletion", stopping.LOCK_WAIT):
        pass
    administrator.delete_instance(instance)
    return instance


def check(root: Root, name_or_id: str, wanted: Check | None, clear: bool) -> Check | None:
    """The check of the instance's restored copies, after the change if one is asked for."""
    instance = instances.find(root, name_or_id)
    if clear:
        copy_check.clear(root, instance)
    if wanted is not None:
        copy_check.store(root, instance, wanted)
    return copy_check.load(root, instance.id)


def _require_unscheduled(root: Root, instance: Instance) -> None:
    try:
        found = schedules.backing_up(root, instance)
    except MiniCloudError as error:
        raise ScheduledError(
            f"Schedules may back up instance {instance.name}, and Mistral can't be asked:"
            f" {error}\nTry again when it answers, or delete the instance without that check: add"
            " --force."
        ) from error
    if found:
        listed = "".join(f"\n  {each} ({name})" for each, name in sorted(found.items()))
        raise ScheduledError(
            f"Schedules back up instance {instance.name}, and would fail without it:"
            f"{listed}\nDelete them first (openstack database backup schedule delete ID), or delete"
            " the instance only: add --force."
        )


def _managed(root: Root, name_or_id: str) -> Instance:
    instance = instances.find(root, name_or_id)
    if not instance.managed:
        raise MiniCloudError(
            f"Instance {instance.name} runs outside the mini cloud; start and stop it there."
        )
    return instance
