# SPDX-License-Identifier: Apache-2.0
"""What the `instance` and `restore` commands do: change what is wanted, and wait until it is so."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from trove_minicloud import state
from trove_minicloud.errors import MiniCloudError, WaitTimeoutError
from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.restore import restore as restore_backup
from trove_minicloud.guest.storage.local import LocalStore
from trove_minicloud.root import Root
from trove_minicloud.tenant import Tenant

# A server that was killed replays its log first; a restored one replays what its backup holds.
_HEALTHY_TIMEOUT = 300.0
_STOP_TIMEOUT = 90.0
_POLL_INTERVAL = 0.1

Report = Callable[[str], None]


def create(root: Root, name: str, kind: str, report: Report) -> Instance:
    """A new, empty server of the tenant, healthy when this returns."""
    tenant = Tenant(root)
    instance = datastores.module(kind).create_server(root, name, tenant.project_id)
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def add(
    root: Root, name: str, kind: str, dsn: str, password: str | None, report: Report
) -> Instance:
    """A server that runs already, as an instance of the tenant."""
    tenant = Tenant(root)
    instance = datastores.module(kind).add_server(root, name, tenant.project_id, dsn, password)
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def restore(root: Root, backup: str, name: str, report: Report) -> Instance:
    """A new server with the rows of the backup (its id or name), healthy when this returns."""
    tenant = Tenant(root)
    backup_id = tenant.find_backup(backup)
    report(f"restoring backup {backup_id}")
    instance = restore_backup(root, LocalStore(root.backups), backup_id, name)
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def start(root: Root, name_or_id: str, report: Report) -> Instance:
    """Start a managed server that was stopped."""
    tenant = Tenant(root)
    instance = _want(root, name_or_id, "running")
    tenant.wait_until_healthy(instance, _HEALTHY_TIMEOUT, report)
    return instance


def stop(root: Root, name_or_id: str) -> Instance:
    """Stop a managed server; it stays stopped, also over the cloud's next start."""
    instance = _want(root, name_or_id, "stopped")
    _wait_until_stopped(root, instance)
    return instance


def delete(root: Root, name_or_id: str) -> Instance:
    """Stop the server if it is ours, and remove its folder. Its backups stay."""
    instance = instances.find(root, name_or_id)
    if instance.managed:
        stop(root, instance.id)
    instances.remove(root, instance.id)
    return instance


def _want(root: Root, name_or_id: str, wanted: Literal["running", "stopped"]) -> Instance:
    instance = instances.find(root, name_or_id)
    if not instance.managed:
        raise MiniCloudError(
            f"Instance {instance.name} runs outside the mini cloud; start and stop it there."
        )
    changed = replace(instance, wanted=wanted)
    instances.save(root, changed)
    return changed


def _wait_until_stopped(root: Root, instance: Instance) -> None:
    deadline = time.monotonic() + _STOP_TIMEOUT
    while state.supervisor_pid(root) is not None:
        status = state.load(root)
        if status and not any(item.name.endswith(instance.id) for item in status.programs):
            return
        if time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"The server of {instance.name} still runs after {_STOP_TIMEOUT:.0f} s;"
                f" see {instance.log(root)}."
            )
        time.sleep(_POLL_INTERVAL)
