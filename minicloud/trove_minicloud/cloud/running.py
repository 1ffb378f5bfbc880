# SPDX-License-Identifier: Apache-2.0
"""The mini cloud in this process: what `up` runs until it is told to stop."""

import contextlib
import logging
import os
import shutil
import signal
from dataclasses import replace

from keystoneauth1.exceptions import ClientException

from trove_minicloud import cluster, settings
from trove_minicloud.clients.catalog import bootstrap, offer_compute, offer_swift, write_clouds
from trove_minicloud.cluster import Cluster
from trove_minicloud.errors import (
    DiskFullError,
    MiniCloudError,
    StartupError,
    StopRequestedError,
)
from trove_minicloud.guest.server_programs import InstancePrograms
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.services import horizon, keystone, mariadb, mistral, rabbitmq, swift, trove
from trove_minicloud.services.backend import Backend, single_process
from trove_minicloud.services.config_files import cache_variables
from trove_minicloud.settings import Settings
from trove_minicloud.stores import destination
from trove_minicloud.supervision import ports, state
from trove_minicloud.supervision.program import Program
from trove_minicloud.supervision.supervisor import Supervisor, stop_leftovers

LOG = logging.getLogger(__name__)

#: Those with a database.
SERVICES = (keystone.NAME, mistral.NAME, trove.NAME)

_NEEDED_SPACE = 100 * 1024 * 1024


def run(root: Root) -> bool:
    """Bring the cloud up and keep it up until SIGTERM or SIGINT.

    Returns False, having done nothing, where a supervisor of this root runs already.

    :raises MiniCloudError: it didn't come up; everything that was started is stopped again.
    """
    root.prepare()
    with state.supervisor_lock(root) as mine:
        if mine:
            try:
                _run(root)
            except StopRequestedError:
                raise
            except MiniCloudError as error:
                # On a full disk the log and the exit status have to do.
                with contextlib.suppress(DiskFullError):
                    state.save_failure(root, str(error))
                raise
    return mine


def require_space(root: Root) -> None:
    """:raises DiskFullError: too little is left to start with."""
    free = shutil.disk_usage(root.path).free
    if free < _NEEDED_SPACE:
        raise DiskFullError(
            f"Only {free // 2**20} MiB are free under {root.path}, and the mini cloud needs"
            f" {_NEEDED_SPACE // 2**20} MiB to start: free some and try again."
        )


def _run(root: Root) -> None:
    # Databases and logs hold secrets as well, and the services don't care who can read them.
    os.umask(0o077)
    stop_leftovers(root)
    require_space(root)
    chosen, distributed = settings.load_or_create(root), cluster.load(root)
    databases, dashboard = InstancePrograms(root), horizon.HorizonPrograms(root, chosen)
    supervisor = Supervisor(root, lambda: [*databases(), *dashboard()])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: supervisor.request_stop())
    try:
        _start(root, chosen, distributed, supervisor)
        LOG.info("the mini cloud is up")
        supervisor.run()
    finally:
        supervisor.stop()


def backend_of(root: Root, distributed: Cluster | None) -> Backend:
    """Where the services of this root keep their rows, and how they talk."""
    if distributed is None:
        return single_process(root, SERVICES)
    return Backend(
        databases={name: mariadb.database_url(distributed, name) for name in SERVICES},
        transport_url=rabbitmq.transport_url(distributed),
    )


def _start(
    root: Root, chosen: Settings, distributed: Cluster | None, supervisor: Supervisor
) -> None:
    """Start everything, each stage when those that it needs answer."""
    objects = destination.swift(root)
    _require_free_ports(chosen, distributed, objects)
    backend = backend_of(root, distributed)
    if distributed is None:
        mistral_program = mistral.program(root, chosen)
    else:
        mistral_program = mistral.api_program(root, chosen)
        mariadb.configure(root, distributed)
        rabbitmq.configure(root, distributed)
        epmd, broker = rabbitmq.programs(root, distributed)
        supervisor.start([mariadb.program(root, distributed), epmd])
        supervisor.wait_ready([epmd.name])
        supervisor.start([broker])
        supervisor.wait_ready()
    for service in (keystone, mistral, trove):
        service.configure(root, chosen, backend)
    services = [keystone.program(root, chosen), mistral_program, trove.program(root, chosen)]
    if objects is not None:
        swift.configure(root, chosen, objects)
        services += swift.programs(root, chosen, objects)
    supervisor.start(_ours(root, services))
    supervisor.wait_ready([keystone.NAME])
    _bootstrap(root, chosen, objects)
    supervisor.wait_ready()
    if distributed is not None:
        servers = mistral.server_programs(
            root, distributed.engines, distributed.executors, cluster.PERIODIC_SERVERS
        )
        supervisor.start(_ours(root, servers))
        supervisor.wait_ready()


def _require_free_ports(
    chosen: Settings, distributed: Cluster | None, objects: destination.Swift | None
) -> None:
    wanted = {
        keystone.NAME: chosen.keystone_port,
        mistral.NAME: chosen.mistral_port,
        trove.NAME: chosen.trove_port,
    }
    if distributed is not None:
        wanted |= {
            mariadb.NAME: distributed.mariadb_port,
            rabbitmq.NAME: distributed.rabbitmq_port,
            rabbitmq.EPMD: distributed.epmd_port,
            f"{rabbitmq.NAME}'s Erlang": distributed.erlang_port,
        }
    if objects is not None:
        wanted |= swift.ports(objects)
    for purpose, port in wanted.items():
        ports.require_free(port, purpose)


def _ours(root: Root, programs: list[Program]) -> list[Program]:
    """The programs in Python, with what is the same for all of them."""
    common = {
        ROOT_VARIABLE: str(root.path),
        # Warnings of deprecated Python calls would bury the services' own messages.
        "PYTHONWARNINGS": "ignore",
        # With a malloc arena for each thread they take some 10 MB more under load.
        "MALLOC_ARENA_MAX": "2",
        **cache_variables(root),
    }
    return [replace(program, env={**program.env, **common}) for program in programs]


def _bootstrap(root: Root, chosen: Settings, objects: destination.Swift | None) -> None:
    try:
        bootstrap(chosen)
        if (dashboard := horizon.wanted(root)) is not None:
            offer_compute(chosen, dashboard.compute_url)
        if objects is not None:
            offer_swift(chosen, objects)
    except ClientException as error:
        raise StartupError(f"Keystone's users and services could not be set up: {error}") from error
    write_clouds(root, chosen)
