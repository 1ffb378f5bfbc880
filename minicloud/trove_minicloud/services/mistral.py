# SPDX-License-Identifier: Apache-2.0
"""Mistral: its configuration, and the program that serves all of its components."""

import sys
from collections.abc import Callable

from trove_minicloud.files import write_private
from trove_minicloud.root import Root
from trove_minicloud.services import probes
from trove_minicloud.services.backend import IN_MEMORY, Backend
from trove_minicloud.services.config_files import logging_options, render, service_user
from trove_minicloud.settings import Settings
from trove_minicloud.supervision.program import Program

NAME = "mistral"

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
        "DEFAULT": logging_options()
        | {
            "transport_url": backend.transport_url,
            # Release 2025.1 would use green threads; later ones don't know the option.
            "oslo_rpc_executor": "threading",
        },
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
    directory = root.service(NAME)
    return Program(
        name=NAME,
        argv=(
            sys.executable,
            "-m",
            "trove_minicloud.services.serve_mistral",
            str(directory),
            str(settings.mistral_port),
        ),
        env={},
        cwd=directory,
        log=root.log(NAME),
        user=None,
        ready=serves(settings),
        ready_timeout=240,
    )


def serves(settings: Settings) -> Callable[[], None]:
    """Ready when the user can read an action that schedules need."""
    return probes.answers(settings, f"{settings.mistral_url}/actions/trove.backups_create")
