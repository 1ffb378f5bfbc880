# SPDX-License-Identifier: Apache-2.0
"""Keeps Trove's instance rows true to the instances under the root, and to who of them serves."""

import contextlib
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from typing import Any

from oslo_utils import timeutils
from trove.common import exception
from trove.datastore import models as datastore_models
from trove.instance.models import DBInstance, InstanceServiceStatus
from trove.instance.service_status import ServiceStatus, ServiceStatuses
from trove.instance.tasks import InstanceTasks
from trove.quota.models import QuotaUsage, Resource
from trove.quota.quota import QUOTAS

from trove_minicloud.errors import DatastoreError, InstanceNotFoundError
from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.inside_trove import guest_agent, making
from trove_minicloud.root import Root
from trove_minicloud.settings import FLAVOR_ID, REGION

LOG = logging.getLogger(__name__)

_INTERVAL = 2.0
# Trove takes a guest for dead when its status is 90 seconds old.
_HEARTBEAT = timedelta(seconds=20)
# A server that can't be reached takes 5 seconds to be found so.
_PROBES = 8
# Trove's API shows the time of a status in whole seconds.
_SECOND = timedelta(seconds=1)


def recover() -> None:
    """Settle what a run that ended in the middle of it left of instances; before Trove serves."""
    known = _rows()
    for row in known:
        if row.task_status == InstanceTasks.BUILDING:
            making.fail(row, "The mini cloud ended in the middle of making its server.")
        elif row.task_status == InstanceTasks.DELETING:
            # It is gone, or can be deleted again.
            row.update(task_status=InstanceTasks.NONE)
    owners = Counter(row.tenant_id for row in known)
    for usage in QuotaUsage.find_all(resource=Resource.INSTANCES).all():
        usage.in_use, usage.reserved = owners[usage.tenant_id], 0
        usage.save()


def _rows() -> list[Any]:
    # Rows with another flavor are stand-ins that somebody else put there.
    return list(DBInstance.find_all(deleted=False, flavor_id=FLAVOR_ID).all())


def start(root: Root) -> None:
    """Reconcile once, then every other second in a thread that ends with the process."""
    offered: set[str] = set()
    _offer_datastores(root, offered)
    _reconcile(root)
    threading.Thread(target=_run, args=(root, offered), name="trove-instances", daemon=True).start()


def _run(root: Root, offered: set[str]) -> None:
    wait = threading.Event()
    while not wait.wait(_INTERVAL):
        try:
            _offer_datastores(root, offered)
            _reconcile(root)
        except Exception:
            # Whatever it was (a full disk, a locked database), the next round may succeed; until
            # then the missing heartbeats tell Trove that the guests are out of sight.
            LOG.exception("The instances could not be reconciled")


def _offer_datastores(root: Root, offered: set[str]) -> None:
    """Let Trove make servers of each kind that this machine has the programs for, also later."""
    for name in set(datastores.NAMES) - offered:
        with contextlib.suppress(DatastoreError):
            version = datastores.named(name).newest_version(root)
            datastore_version(name, version)
            datastore_models.update_datastore(name, default_version=version)
            offered.add(name)


def _reconcile(root: Root) -> None:
    # In this order: what Trove has asked for is known to it before it is there.
    seen = instances.look(root)
    present = {instance.id: instance for instance in seen.instances}
    known = {row.id: row for row in _rows()}
    with ThreadPoolExecutor(_PROBES, "trove-instances-probe") as pool:
        # The next server's status must not wait for the answer of one that can't be reached.
        probes = {pool.submit(_probe, root, instance): instance for instance in present.values()}
        for probe in as_completed(probes):
            instance = probes[probe]
            try:
                if instance.id not in known:
                    _register(instance)
                row = known.get(instance.id)
                building = row is not None and row.task_status == InstanceTasks.BUILDING
                _follow(root, instance, *probe.result(), building=building)
            except Exception:
                # As in `_run`, and one instance must not cost the others their heartbeats.
                LOG.exception("instance %s could not be reconciled", instance.id)
    for row in known.values():
        # The task manager sees to what it has not made yet, or is deleting. One that can't be read
        # is there: without heartbeats Trove takes it for out of sight.
        gone = row.id not in present and row.id not in seen.unreadable
        if gone and row.task_status == InstanceTasks.NONE:
            LOG.info("instance %s is gone", row.id)
            _set_status(row.id, ServiceStatuses.DELETED)
            row.delete()
            _count(row.tenant_id, -1)


def _probe(root: Root, instance: Instance) -> tuple[datetime, bool]:
    """When the instance was asked, and whether it serves."""
    asked_at = datetime.now(UTC)
    return asked_at, guest_agent.is_serving(root, instance)


def _follow(
    root: Root, instance: Instance, asked_at: datetime, serving: bool, *, building: bool
) -> None:
    try:
        changed_at = instances.changed_at(root, instance.id)
    except InstanceNotFoundError:
        # Removed meanwhile; so it goes at the next round.
        return
    # Whoever started or stopped the server then waits for a status of after that moment.
    if changed_at < asked_at:
        # Trove gives up a new instance that is down.
        down = ServiceStatuses.BUILDING if building else ServiceStatuses.SHUTDOWN
        status = ServiceStatuses.HEALTHY if serving else down
        _set_status(instance.id, status, changed_at.replace(tzinfo=None) + _SECOND)


def _register(instance: Instance) -> None:
    LOG.info("new instance %s (%s)", instance.name, instance.id)
    # Trove makes these rows at the first request; two at once would get into each other's way.
    QUOTAS.get_all_quota_usages_by_tenant(instance.project_id)
    # The status first: an instance without one breaks Trove's lists.
    _set_status(instance.id, ServiceStatuses.SHUTDOWN)
    DBInstance.create(
        id=instance.id,
        name=instance.name,
        tenant_id=instance.project_id,
        # The Nova stand-in knows its servers by the instance's id.
        compute_instance_id=instance.id,
        datastore_version_id=datastore_version(instance.datastore, instance.version),
        task_status=InstanceTasks.NONE,
        region_id=REGION,
        flavor_id=FLAVOR_ID,
        volume_size=0,
    )
    _count(instance.project_id, 1)


def _count(project_id: str, change: int) -> None:
    """The operator's own commands count in the project's quota, but are not refused by it."""
    usage = QuotaUsage.find_by(tenant_id=project_id, resource=Resource.INSTANCES)
    usage.in_use += change
    usage.save()


def datastore_version(name: str, version: str) -> Any:
    """The id of the datastore version, registered on first sight."""
    if not datastore_models.DBDatastore.find_all(name=name).all():
        datastore_models.update_datastore(name, default_version=None)
    conditions = {"datastore_id": datastore_models.Datastore.load(name).id, "name": version}
    if not datastore_models.DBDatastoreVersion.find_all(**conditions).all():
        datastore_models.update_datastore_version(
            name,
            version,
            manager=name,
            image_id="",
            image_tags=None,
            packages="",
            active=True,
        )
    return datastore_models.DBDatastoreVersion.find_by(**conditions).id


def _set_status(
    instance_id: str, status: ServiceStatus, not_before: datetime | None = None
) -> None:
    """Write the status where it is another, or is older than `not_before` or a heartbeat."""
    try:
        row = InstanceServiceStatus.find_by(instance_id=instance_id)
    except exception.ModelNotFoundError:
        InstanceServiceStatus.create(instance_id=instance_id, status=status)
        return
    if row.status != status:
        LOG.info("instance %s is %s", instance_id, status.description)
    else:
        oldest = timeutils.utcnow() - _HEARTBEAT
        if row.updated_at > (max(oldest, not_before) if not_before else oldest):
            return
    row.set_status(status)
    row.save()
