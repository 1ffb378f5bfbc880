# SPDX-License-Identifier: Apache-2.0
"""The servers that Trove asks for: a new, empty one, or one from a backup.

It is done in the thread in which Trove's task manager then waits for the server. A failure becomes
the instance's fault and its state, as Trove does it for a virtual machine that can't be had.
"""

from typing import Any

from oslo_log import log as logging
from trove.datastore.models import DatastoreVersion
from trove.instance.models import DBInstance, InstanceServiceStatus, save_instance_fault
from trove.instance.service_status import ServiceStatuses
from trove.instance.tasks import InstanceTasks

from trove_minicloud.guest import datastores, proving
from trove_minicloud.guest.chain import chain
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.restoring import needed_room, restore
from trove_minicloud.root import Root
from trove_minicloud.stores import room
from trove_minicloud.stores.finding import store_of
from trove_minicloud.stores.store import key_of

LOG = logging.getLogger(__name__)


def make(
    root: Root, instance_id: str, backup_info: dict[str, Any] | None, token: str | None
) -> None:
    """Make the server of an instance that Trove knows; the supervisor then starts it.

    One from a backup serves, and has shown that its rows came back, when this returns.

    :param token: of the request, for a backup in Swift.
    :raises Exception: there is no server, or not with these rows; Trove shows why.
    """
    row = DBInstance.find_by(id=instance_id)
    try:
        made = _make(root, row, backup_info, token)
    except Exception as error:
        # Trove's own report of the error to the instance's fault follows.
        fail(row, str(error))
        raise
    LOG.info("Server %s of instance %s is made.", made.name, made.id)


def _make(root: Root, row: Any, backup_info: dict[str, Any] | None, token: str | None) -> Instance:
    if backup_info is not None:
        location = backup_info["location"]
        store, key = store_of(root, location, token), key_of(location)
        manifest = store.head(key)
        links = chain(store, manifest)
        with room.promised(root, root.instances, needed_room(links), "The restore"):
            made = restore(root, store, key, row.name, project_id=row.tenant_id, instance_id=row.id)
        proving.prove(root, made, manifest, LOG.info)
        return made
    version = DatastoreVersion.load_by_uuid(row.datastore_version_id)
    kind = datastores.named(version.manager)
    return kind.create_server(root, row.name, row.tenant_id, instance_id=row.id)


def fail(row: Any, cause: str) -> None:
    """Let Trove show that there is no server for an instance, and why."""
    LOG.error("Instance %s: %s", row.id, cause)
    save_instance_fault(row.id, cause, cause)
    status = InstanceServiceStatus.find_by(instance_id=row.id)
    status.set_status(ServiceStatuses.FAILED)
    status.save()
    row.update(task_status=InstanceTasks.BUILDING_ERROR_SERVER)
