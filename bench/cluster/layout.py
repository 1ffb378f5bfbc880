# SPDX-License-Identifier: Apache-2.0
"""How the mini cloud's programs are laid out in a cluster, and where their rows are."""

from collections.abc import Mapping

from bench.cluster import mariadb, mistral, rabbitmq, servers
from trove_minicloud.cloud.running import Layout, SingleProcess
from trove_minicloud.root import Root
from trove_minicloud.services.backend import SERVICES, Backend
from trove_minicloud.settings import Settings
from trove_minicloud.supervision.program import Program
from trove_minicloud.supervision.supervisor import Supervisor


class Distributed(Layout):
    """A stock server for each of Mistral's components, RabbitMQ between them, MariaDB for rows."""

    def __init__(self, root: Root, settings: Settings) -> None:
        wanted = servers.load(root)
        if wanted is None:
            raise ValueError(f"{root.path} is no cluster's.")
        self._root, self._settings, self._cluster = root, settings, wanted

    def backend(self) -> Backend:
        return Backend(
            databases={name: mariadb.database_url(self._cluster, name) for name in SERVICES},
            transport_url=rabbitmq.transport_url(self._cluster),
        )

    def ports(self) -> Mapping[str, int]:
        return {
            mariadb.NAME: self._cluster.mariadb_port,
            rabbitmq.NAME: self._cluster.rabbitmq_port,
            rabbitmq.EPMD: self._cluster.epmd_port,
            f"{rabbitmq.NAME}'s Erlang": self._cluster.erlang_port,
        }

    def start_below(self, supervisor: Supervisor) -> None:
        mariadb.configure(self._root, self._cluster)
        rabbitmq.configure(self._root, self._cluster)
        epmd, broker = rabbitmq.programs(self._root, self._cluster)
        supervisor.start([mariadb.program(self._root, self._cluster), epmd])
        supervisor.wait_ready([epmd.name])
        supervisor.start([broker])
        supervisor.wait_ready()

    def mistral(self) -> Program:
        return mistral.api_program(self._root, self._settings)

    def servers(self) -> list[Program]:
        return mistral.server_programs(
            self._root, self._cluster.engines, self._cluster.executors, servers.PERIODIC_SERVERS
        )


def layout_of(root: Root, settings: Settings) -> Layout:
    """That of this root, which may be a cluster's or not."""
    kind = SingleProcess if servers.load(root) is None else Distributed
    return kind(root, settings)
