# SPDX-License-Identifier: Apache-2.0
"""Mistral: its configuration, and the program that serves all of its components."""

import sys

from trove_minicloud.files import write_private
from trove_minicloud.programs import Program
from trove_minicloud.root import Root
from trove_minicloud.services import probes
from trove_minicloud.services.configuration import (
    database_options,
    logging_options,
    render,
    service_user,
)
from trove_minicloud.services.preparation import database_file
from trove_minicloud.settings import Settings

NAME = "mistral"


def configure(root: Root, settings: Settings) -> None:
    """Write mistral.conf."""
    directory = root.service(NAME)
    directory.mkdir(mode=0o700, exist_ok=True)
    sections: dict[str, dict[str, object]] = {
        # The components talk through memory, so they have to share one process.
        "DEFAULT": logging_options() | {"transport_url": "fake://"},
        "database": database_options(database_file(directory)),
        "api": {"host": "127.0.0.1", "port": settings.mistral_port},
        "pecan": {"auth_enable": True},
        "keystone_authtoken": service_user(settings, NAME, settings.mistral_password),
        "executor": {"type": "local"},
        "notifier": {"type": "local"},
        "cron_trigger": {"run_in_api": False, "execution_interval": 1},
    }
    write_private(directory / "mistral.conf", render(sections))


def program(root: Root, settings: Settings) -> Program:
    """The program; it is ready when the tenant can read an action that schedules need."""
    directory = root.service(NAME)
    return Program(
        name=NAME,
        argv=(
            sys.executable,
            "-m",
            "trove_minicloud.services.serve_mistral",
            str(directory),
        ),
        env={},
        cwd=directory,
        log=root.log(NAME),
        user=None,
        ready=probes.answers(settings, f"{settings.mistral_url}/actions/trove.backups_create"),
        ready_timeout=90,
    )
