# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for Nova, Neutron, Cinder and Glance, which Trove finds through its client settings.

A "server" here is an instance that Trove knows: BUILD until its database serves for the first
time, then ACTIVE while it serves and SHUTDOWN otherwise. Trove then refuses backups of it, in its
own words. The one network is the loopback interface.
"""

import shutil
import uuid
from dataclasses import dataclass
from typing import Any

from neutronclient.common import exceptions as neutron_exceptions
from novaclient import api_versions, exceptions as nova_exceptions
from trove.common import exception
from trove.instance.models import InstanceServiceStatus
from trove.instance.service_status import ServiceStatuses

from trove_minicloud.errors import DamagedFileError, InstanceNotFoundError
from trove_minicloud.guest import instances
from trove_minicloud.root import Root
from trove_minicloud.settings import FLAVOR_ID

# Trove takes nothing but a UUID for a network.
NETWORK_ID = "10b1b2c3-0000-4000-8000-127000000001"
_GIGABYTE = 1024**3


def nova_client(_context: Any, region_name: str | None = None, password: str | None = None) -> Any:
    """What Trove calls to talk to Nova."""
    return _Nova()


def neutron_client(_context: Any, region_name: str | None = None) -> Any:
    """What Trove calls to talk to Neutron."""
    return _Neutron()


def cinder_client(_context: Any, region_name: str | None = None) -> Any:
    """What Trove calls to talk to Cinder: it looks for volumes to delete."""
    return _Cinder()


def glance_client(_context: Any, region_name: str | None = None) -> Any:
    """What Trove calls to talk to Glance. Our datastores have no images, so it asks nothing."""
    return None


@dataclass(frozen=True, slots=True)
class _Server:
    """What Trove reads of a server; the last three are shown to administrators."""

    id: str
    status: str
    name: str = "local"
    tenant_id: str = ""
    hostId: str = "localhost"  # noqa: N815

    def delete(self) -> None:
        """The task manager has removed the database before: there is no server any more."""
        found = InstanceServiceStatus.find_by(instance_id=self.id)
        found.set_status(ServiceStatuses.DELETED)
        found.save()


# Without slots: Trove sends it to the task manager by its attributes.
@dataclass(frozen=True)
class _Flavor:
    disk: int
    id: str = FLAVOR_ID
    name: str = "local"
    ram: int = 0
    vcpus: int = 0
    ephemeral: int = 0
    links: tuple[str, ...] = ()


class _Servers:
    def create(
        self, _name: str, _image_id: str, _flavor_id: str, *, meta: dict[str, str], **_rest: Any
    ) -> _Server:
        """The guest makes the database in its `prepare`."""
        return _Server(id=meta["trove_instance_id"], status="BUILD")

    def get(self, server_id: str) -> _Server:
        try:
            found = InstanceServiceStatus.find_by(instance_id=server_id)
        except exception.ModelNotFoundError:
            found = None
        if found is None or found.status == ServiceStatuses.DELETED:
            raise nova_exceptions.NotFound(404, f"There is no server {server_id}.")
        return _server(found)

    def list(self, search_opts: Any = None, limit: int | None = None) -> list[_Server]:
        found = InstanceServiceStatus.find_all()
        return [_server(each) for each in found if each.status != ServiceStatuses.DELETED]


class _Flavors:
    def get(self, flavor_id: str) -> _Flavor:
        if flavor_id != FLAVOR_ID:
            raise nova_exceptions.NotFound(404, f"There is no flavor {flavor_id}.")
        # Trove compares it with a backup's size.
        return _Flavor(disk=shutil.disk_usage(Root.default().path).total // _GIGABYTE)

    def list(self) -> list[_Flavor]:
        return [self.get(FLAVOR_ID)]


class _ServerGroups:
    def list(self) -> list[Any]:
        return []


class _Nova:
    api_version = api_versions.APIVersion("2.26")

    def __init__(self) -> None:
        self.servers = _Servers()
        self.flavors = _Flavors()
        self.server_groups = _ServerGroups()


class _Neutron:
    """One network, on which each database has one port."""

    def create_port(self, body: dict[str, Any]) -> dict[str, Any]:
        """Nothing is kept of it: the database chooses its port itself."""
        network_id = body["port"]["network_id"]
        if network_id != NETWORK_ID:
            raise neutron_exceptions.NetworkNotFoundClient(
                message=f"There is no network {network_id}; there is {NETWORK_ID}."
            )
        return {"port": {"id": str(uuid.uuid4())}}

    def list_ports(self, device_id: str | None = None, **_other: Any) -> dict[str, Any]:
        if device_id is None:
            # Those that Trove wants to delete, which go with the database.
            return {"ports": []}
        try:
            instance = instances.load(Root.default(), device_id)
        except (InstanceNotFoundError, DamagedFileError, OSError):
            # Trove shows one without an address; an error would fail its list of all instances.
            return {"ports": []}
        address = {"ip_address": instance.host}
        return {"ports": [{"id": device_id, "network_id": NETWORK_ID, "fixed_ips": [address]}]}

    def list_floatingips(self, port_id: str) -> dict[str, Any]:
        return {"floatingips": []}

    def list_networks(self, **_external: Any) -> dict[str, Any]:
        """No public network."""
        return {"networks": []}

    def list_security_groups(self, name: str) -> dict[str, Any]:
        return {"security_groups": []}

    def show_subnet(self, subnet_id: str) -> dict[str, Any]:
        raise neutron_exceptions.NotFound(message=f"There is no subnet {subnet_id}.")


class _Cinder:
    def __init__(self) -> None:
        self.volumes = _Volumes()


class _Volumes:
    def list(self, search_opts: Any = None) -> list[Any]:
        return []


_STATES = {
    ServiceStatuses.HEALTHY.code: "ACTIVE",
    ServiceStatuses.NEW.code: "BUILD",
    ServiceStatuses.BUILDING.code: "BUILD",
    ServiceStatuses.FAILED.code: "ERROR",
}


def _server(found: Any) -> _Server:
    return _Server(found.instance_id, _STATES.get(found.status.code, "SHUTDOWN"))
