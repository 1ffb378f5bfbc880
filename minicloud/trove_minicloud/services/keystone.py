# SPDX-License-Identifier: Apache-2.0
"""Keystone: its configuration, and the program that serves it."""

import sys
from pathlib import Path

from trove_minicloud.files import write_private
from trove_minicloud.root import Root
from trove_minicloud.services import probes
from trove_minicloud.services.backend import Backend
from trove_minicloud.services.config_files import files, logging_options, render
from trove_minicloud.settings import REGION, Settings
from trove_minicloud.supervision.program import Program

NAME = "keystone"


def configure(root: Root, settings: Settings, backend: Backend) -> None:
    """Write keystone.conf."""
    directory = root.service(NAME)
    directory.mkdir(mode=0o700, exist_ok=True)
    keys = directory / "data"
    sections: dict[str, dict[str, object]] = {
        "DEFAULT": logging_options() | {"public_endpoint": settings.keystone_url[: -len("/v3")]},
        "database": {"connection": backend.databases[NAME]},
        "fernet_tokens": {"key_repository": keys / "token-keys"},
        "fernet_receipts": {"key_repository": keys / "token-keys"},
        "credential": {"key_repository": keys / "credential-keys"},
        # Each use of a trust logs a service user in again. The passwords here are long random
        # secrets, which don't need the many rounds that protect people's passwords.
        # bcrypt reads 72 characters; saying so avoids a warning at each login.
        "identity": {"password_hash_rounds": 4, "max_password_length": 72},
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
    }
    write_private(directory / "keystone.conf", render(sections))


def program(root: Root, settings: Settings) -> Program:
    """The program; it is ready when it issues a token to the administrator."""
    directory = root.service(NAME)
    configuration = [Path(file).name for file in files(directory, NAME)]
    return Program(
        name=NAME,
        argv=(
            sys.executable,
            "-m",
            "trove_minicloud.services.serve_keystone",
            str(directory),
            str(settings.keystone_port),
        ),
        env={
            "OS_KEYSTONE_CONFIG_DIR": str(directory),
            "OS_KEYSTONE_CONFIG_FILES": ";".join(configuration),
            "OS_BOOTSTRAP_PASSWORD": settings.admin_password,
            "OS_BOOTSTRAP_URL": settings.keystone_url,
            "OS_BOOTSTRAP_REGION_ID": REGION,
        },
        cwd=directory,
        log=root.log(NAME),
        user=None,
        ready=probes.issues_tokens(settings),
        ready_timeout=240,
    )
