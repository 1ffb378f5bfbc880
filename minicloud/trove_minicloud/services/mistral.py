# SPDX-License-Identifier: Apache-2.0
"""Mistral: its configuration, and the programs that serve it.

Either one program serves all of its components, or each stock `mistral-server` serves one.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from trove_minicloud.files import write_private
from trove_minicloud.root import Root
from trove_minicloud.services import probes
from trove_minicloud.services.backend import IN_MEMORY, Backend
from trove_minicloud.services.config_files import logging_options, render, service_user
from trove_minicloud.settings import Settings
from trove_minicloud.supervision.program import NotReadyError, Program

NAME = "mistral"

_STARTED = b" server started."

#: In minutes. Longer than a month, so that what runs once a month always has its last run and its
#: last drill on record. The engine deletes a batch in one transaction, and does nothing meanwhile.
_EXPIRATION: dict[str, object] = {
    "evaluation_interval": 60,
    "older_than": 35 * 24 * 60,
    "batch_size": 10,
}


def configure(root: Root, settings: Settings, backend: Backend) -> None:
    """Write mistral.conf."""
    directory = root.service(NAME)
    directory.mkdir(mode=0o700, exist_ok=True)
    sections: dict[str, dict[str, object]] = {
        "DEFAULT": logging_options() | {"transport_url": backend.transport_url},
        "database": {"connection": backend.databases[NAME]},
        "api": {"host": "127.0.0.1", "port": settings.mistral_port},
        "pecan": {"auth_enable": True},
        "keystone_authtoken": service_user(settings, NAME, settings.mistral_password),
        "executor": {"type": "local" if backend.transport_url == IN_MEMORY else "remote"},
        "notifier": {"type": "local"},
        "cron_trigger": {"run_in_api": False, "execution_interval": 1},
        "execution_expiration_policy": _EXPIRATION,
    }
    write_private(directory / "mistral.conf", render(sections))


def program(root: Root, settings: Settings) -> Program:
    """All components as one program."""
    return _program(root, NAME, ("serve_mistral", str(root.service(NAME))), _serves(settings))


def api_program(root: Root, settings: Settings) -> Program:
    """The stock API server; the first to be started, because it makes the tables."""
    return _server_program(root, f"{NAME}-api", "api", _serves(settings))


def server_programs(root: Root, engines: int, executors: int, periodics: int) -> list[Program]:
    """The other stock servers, which are ready when they say so."""
    programs = []
    for kind, count in (("engine", engines), ("executor", executors), ("periodic", periodics)):
        for number in range(1, count + 1):
            name = f"{NAME}-{kind}-{number}"
            programs.append(_server_program(root, name, kind, _says_started(root.log(name))))
    return programs


def _serves(settings: Settings) -> Callable[[], None]:
    """Ready when the tenant can read an action that schedules need."""
    return probes.answers(settings, f"{settings.mistral_url}/actions/trove.backups_create")


def _says_started(log: Path) -> Callable[[], None]:
    """Ready when "… server started." has been logged since it was ready last."""
    seen = log.stat().st_size if log.exists() else 0

    def ready() -> None:
        nonlocal seen
        with log.open("rb") as stream:
            stream.seek(seen)
            new = stream.read()
        if _STARTED not in new:
            raise NotReadyError("it has not said that it has started")
        seen += len(new)

    return ready


def _server_program(root: Root, name: str, kind: str, ready: Callable[[], None]) -> Program:
    return _program(root, name, ("run_mistral_server", str(root.service(NAME)), kind), ready)


def _program(
    root: Root, name: str, arguments: tuple[str, ...], ready: Callable[[], None]
) -> Program:
    module, *rest = arguments
    return Program(
        name=name,
        argv=(sys.executable, "-m", f"trove_minicloud.services.{module}", *rest),
        env={},
        cwd=root.service(NAME),
        log=root.log(name),
        user=None,
        ready=ready,
        # The first start of a cluster makes the tables by the stock migrations.
        ready_timeout=240,
    )
