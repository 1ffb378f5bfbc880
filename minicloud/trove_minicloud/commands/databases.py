# SPDX-License-Identifier: Apache-2.0
"""What the `instance` and `restore` commands do: change what is wanted, and wait until it is so."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType

from trove_minicloud.clients import schedules
from trove_minicloud.clients.tenant import Tenant
from trove_minicloud.errors import MiniCloudError, ScheduledError
from trove_minicloud.guest import copy_check, datastores, instances, names, proving, stopping
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.restoring import restore as restore_backup
from trove_minicloud.root import Root
from trove_minicloud.stores.finding import store_of
from trove_minicloud.stores.store import key_of

# A server that was killed replays its log first; a restored one replays what its backup holds.
_HEALTHY_TIMEOUT = 300.0

Report = Callable[[str], None]


def create(root: Root, name: str, kind: str, report: Report) -> Instance:
    """A new, empty server of the tenant, healthy when this returns."""
    tenant = Tenant(root)
    names.check(root, name)
    with _cleaned_up_at_sigterm():
        instance = datastores.named(kind).create_server(root, name, tenant.project_id)
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def add(
    root: Root, name: str, kind: str, dsn: str, password: str | None, report: Report
) -> Instance:
    """A server that runs already, as an instance of the tenant."""
    tenant = Tenant(root)
    names.check(root, name)
    with _cleaned_up_at_sigterm():
        server = datastores.named(kind)
        instance = server.add_server(root, name, tenant.project_id, dsn, password)
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def restore(root: Root, backup: str, name: str, report: Report) -> Instance:
    """A new server with the rows of the backup (its id or name), healthy when this returns.

    :raises CheckFailedError: the source's check fails on it; the server stays.
    """
    tenant = Tenant(root)
    names.check(root, name)
    found = tenant.find_backup(backup)
    report(f"restoring backup {found['id']}")
    location = found["locationRef"]
    with _cleaned_up_at_sigterm():
        store, key = store_of(root, location, tenant.token()), key_of(location)
        instance = restore_backup(root, store, key, name)
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    proving.prove(root, instance, store.head(key), report)
    return instance


def start(root: Root, name_or_id: str, report: Report) -> Instance:
    """Start a managed server that was stopped.

    :raises InstanceBusyError: it is being stopped or deleted.
    """
    tenant = Tenant(root)
    instance = _managed(root, name_or_id)
    if instance.wanted != "running":
        with instances.backup_lock(root, instance.id, "its start", stopping.LOCK_WAIT):
            instance = replace(instance, wanted="running")
            instances.save(root, instance)
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def stop(root: Root, name_or_id: str) -> Instance:
    """Stop a managed server; it stays stopped, also over the cloud's next start.

    :raises InstanceBusyError: a backup of it is running.
    """
    return stopping.stop(root, _managed(root, name_or_id))


def delete(root: Root, name_or_id: str, *, force: bool = False) -> Instance:
    """Stop the server if it is ours, and remove its folder. Its backups stay.

    :param force: although backup schedules point at it, or Mistral can't say whether any do.
    :raises ScheduledError: without `force`, it is so.
    :raises InstanceBusyError: a backup of it is running.
    """
    instance = instances.find(root, name_or_id)
    if not force:
        _require_unscheduled(root, instance)
    stopping.delete(root, instance)
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
        found = schedules.pointing_at(root, instance)
    except MiniCloudError as error:
        raise ScheduledError(
            f"Backup schedules may point at instance {instance.name}, and Mistral can't be asked:"
            f" {error}\nStart the mini cloud and try again, or delete the instance without knowing:"
            " add --force."
        ) from error
    if found:
        listed = "".join(f"\n  {each} ({name})" for each, name in sorted(found.items()))
        raise ScheduledError(
            f"Backup schedules point at instance {instance.name}, and would fail without it:"
            f"{listed}\nDelete them first (openstack database backup schedule delete ID), or delete"
            " the instance only: add --force."
        )


@contextlib.contextmanager
def _cleaned_up_at_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as an error would, so that no data are left behind."""

    def end(number: int, _frame: FrameType | None) -> None:
        # A second one must not end the cleaning up.
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _managed(root: Root, name_or_id: str) -> Instance:
    instance = instances.find(root, name_or_id)
    if not instance.managed:
        raise MiniCloudError(
            f"Instance {instance.name} runs outside the mini cloud; start and stop it there."
        )
    return instance
