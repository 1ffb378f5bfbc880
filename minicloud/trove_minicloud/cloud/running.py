# SPDX-License-Identifier: Apache-2.0
"""The mini cloud in this process: what `up` runs until it is told to stop."""

import contextlib
import logging
import os
import shlex
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace

from keystoneauth1.exceptions import ClientException

from trove_minicloud import settings
from trove_minicloud.clients.catalog import bootstrap, offer_compute, offer_swift, write_clouds
from trove_minicloud.cloud import keeper, versions
from trove_minicloud.cloud.database_care import DatabaseCare
from trove_minicloud.errors import (
    DiskFullError,
    MiniCloudError,
    RecoveryError,
    StartupError,
    StopRequestedError,
)
from trove_minicloud.guest.server_programs import InstancePrograms
from trove_minicloud.loopback import spare_proxies
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.services import (
    horizon,
    keystone,
    mistral,
    recovery_key,
    swift,
    tidying,
    trove,
)
from trove_minicloud.services.backend import Backend, single_process
from trove_minicloud.services.config_files import cache_variables
from trove_minicloud.settings import Settings
from trove_minicloud.stores import destination
from trove_minicloud.supervision import ports, state
from trove_minicloud.supervision.program import Program
from trove_minicloud.supervision.supervisor import Supervisor, stop_leftovers

LOG = logging.getLogger(__name__)

_NEEDED_SPACE = 100 * 1024 * 1024


class Layout(ABC):
    """Which programs Mistral is, and what they and the other services need below them."""

    @abstractmethod
    def backend(self) -> Backend:
        """Where the services keep their rows, and how Mistral's parts talk."""

    @abstractmethod
    def ports(self) -> Mapping[str, int]:
        """The ports of what is below the services, by purpose."""

    @abstractmethod
    def start_below(self, supervisor: Supervisor) -> None:
        """Start what the services need, and wait until it is ready."""

    @abstractmethod
    def mistral(self) -> Program:
        """What serves Mistral's API."""

    @abstractmethod
    def servers(self) -> list[Program]:
        """Mistral's other programs, started when the services are ready."""


class SingleProcess(Layout):
    """Mistral is one process; the services' rows are in SQLite."""

    def __init__(self, root: Root, settings: Settings) -> None:
        self._root, self._settings = root, settings

    def backend(self) -> Backend:
        return single_process(self._root)

    def ports(self) -> Mapping[str, int]:
        return {}

    def start_below(self, supervisor: Supervisor) -> None:
        """SQLite has no server."""

    def mistral(self) -> Program:
        return mistral.program(self._root, self._settings)

    def servers(self) -> list[Program]:
        return []


def run(root: Root, layout_of: Callable[[Root, Settings], Layout] = SingleProcess) -> bool:
    """Bring the cloud up and keep it up until SIGTERM or SIGINT.

    Returns False, having done nothing, where a supervisor of this root runs already, or where the
    one that this one would follow isn't the last one.

    :raises MiniCloudError: it didn't come up; everything that was started is stopped again.
    """
    root.prepare()
    with state.supervisor_lock(root) as mine:
        mine = mine and keeper.may_follow(root)
        if mine:
            try:
                _run(root, layout_of)
            except StopRequestedError:
                raise
            except Exception as error:
                known = isinstance(error, MiniCloudError)
                reason = str(error) if known else f"{type(error).__name__}: {error}"
                # On a full disk the log and the exit status have to do.
                with contextlib.suppress(DiskFullError, OSError):
                    state.save_failure(root, reason)
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


def _run(root: Root, layout_of: Callable[[Root, Settings], Layout]) -> None:
    if root.recovering.exists():
        raise RecoveryError(
            f"The recovery of {root.path} has not ended. Do it again: trove-minicloud recover"
            f" STORE --key FILE --root {shlex.quote(str(root.path))}"
        )
    # Databases and logs hold secrets as well, and the services don't care who can read them.
    os.umask(0o077)
    spare_proxies(os.environ)
    versions.require_none_newer(root)
    stop_leftovers(root)
    require_space(root)
    before = versions.take_over(root)
    if before is not None:
        LOG.info("what the versions of before have left is copied to %s", before)
    chosen = settings.load_or_create(root)
    if recovery_key.ensure(root):
        LOG.warning("%s", recovery_key.advice(root))
    databases, dashboard = InstancePrograms(root), horizon.HorizonPrograms(root, chosen)
    care = DatabaseCare(root)
    supervisor = Supervisor(
        root, databases, dashboard, problems=lambda: [*databases.problems(), *care.problems()]
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: supervisor.request_stop())
    try:
        _start(root, chosen, layout_of(root, chosen), supervisor)
        LOG.info("the mini cloud is up")
        tidying.every(tidying.DAY, care.look)
        supervisor.run()
    except StopRequestedError:
        raise
    except StartupError as error:
        if before is None:
            raise
        raise StartupError(f"{error}\n{versions.way_back(root, before)}") from error
    finally:
        supervisor.stop()


def _start(root: Root, chosen: Settings, layout: Layout, supervisor: Supervisor) -> None:
    """Start everything, each stage when those that it needs answer."""
    objects = destination.swift(root)
    _require_free_ports(chosen, layout, objects)
    layout.start_below(supervisor)
    backend = layout.backend()
    for service in (keystone, mistral, trove):
        service.configure(root, chosen, backend)
    services = [keystone.program(root, chosen), layout.mistral(), trove.program(root, chosen)]
    if objects is not None:
        swift.configure(root, chosen, objects)
        services += swift.programs(root, chosen, objects)
    supervisor.start(_ours(root, services))
    supervisor.wait_ready([keystone.NAME])
    _bootstrap(root, chosen, objects)
    supervisor.wait_ready()
    supervisor.start(_ours(root, layout.servers()))
    supervisor.wait_ready()


def _require_free_ports(
    chosen: Settings, layout: Layout, objects: destination.Swift | None
) -> None:
    wanted = {
        keystone.NAME: chosen.keystone_port,
        mistral.NAME: chosen.mistral_port,
        trove.NAME: chosen.trove_port,
        **layout.ports(),
        **(swift.ports(objects) if objects is not None else {}),
    }
    for purpose, port in wanted.items():
        ports.require_free(port, purpose)


def _ours(root: Root, programs: list[Program]) -> list[Program]:
    """The programs in Python, with what is the same for all of them."""
    common = {
        ROOT_VARIABLE: str(root.path),
        # Warnings of deprecated Python calls would bury the services' own messages.
        "PYTHONWARNINGS": "ignore",
        # Without it they look for modules in their own folder too. What stevedore remembers of the
        # installed packages would then be worth nothing after any change there: seconds a start.
        "PYTHONSAFEPATH": "1",
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
