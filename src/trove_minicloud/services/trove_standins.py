# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for Nova and Neutron, which Trove finds through its own client settings.

A "server" here is an instance that Trove knows: ACTIVE while the database serves, SHUTDOWN
otherwise. Trove then refuses backups of it, in its own words.
"""

from dataclasses import dataclass
from typing import Any

from novaclient import api_versions, exceptions as nova_exceptions
from trove.common import exception
from trove.instance.models import InstanceServiceStatus
from trove.instance.service_status import ServiceStatuses

from trove_minicloud.guest import instances
from trove_minicloud.guest.errors import InstanceNotFoundError
from trove_minicloud.root import Root

FLAVOR_ID = "1"


def nova_client(_context: Any, region_name: str | None = None, password: str | None = None) -> Any:
    """What Trove calls to talk to Nova."""
    return _Nova()


def neutron_client(_context: Any, region_name: str | None = None) -> Any:
    """What Trove calls to talk to Neutron."""
    return _Neutron()


@dataclass(frozen=True, slots=True)
class _Server:
    id: str
    status: str


@dataclass(frozen=True, slots=True)
class _Flavor:
    id: str = FLAVOR_ID
    name: str = "local"
    ram: int = 0
    vcpus: int = 0
    disk: int = 0
    ephemeral: int = 0
    links: tuple[str, ...] = ()


class _Servers:
    def get(self, server_id: str) -> _Server:
        try:
            found = InstanceServiceStatus.find_by(instance_id=server_id)
        except exception.ModelNotFoundError as error:
            raise nova_exceptions.NotFound(404, f"There is no server {server_id}.") from error
        return _server(found)

    def list(self, search_opts: Any = None, limit: int | None = None) -> list[_Server]:
        return [_server(found) for found in InstanceServiceStatus.find_all()]


class _Flavors:
    def get(self, _flavor_id: str) -> _Flavor:
        return _Flavor()

    def list(self) -> list[_Flavor]:
        return [_Flavor()]


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
    """Shows where each database listens."""

    def list_ports(self, device_id: str) -> dict[str, Any]:
        try:
            instance = instances.load(Root.default(), device_id)
        except InstanceNotFoundError:
            return {"ports": []}
        address = {"ip_address": instance.host}
        return {"ports": [{"id": device_id, "network_id": "loopback", "fixed_ips": [address]}]}

    def list_floatingips(self, port_id: str) -> dict[str, Any]:
        return {"floatingips": []}


def _server(found: Any) -> _Server:
    serving = found.status == ServiceStatuses.HEALTHY
    return _Server(id=found.instance_id, status="ACTIVE" if serving else "SHUTDOWN")
