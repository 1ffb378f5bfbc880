# SPDX-License-Identifier: Apache-2.0
"""Becomes one stock `mistral-server`, as an operator runs it.

Arguments: the service's folder and the component (api, engine, executor or periodic). The API
server comes first, and makes the tables by the stock `mistral-db-manage`.
"""

import os
import subprocess
import sys
from pathlib import Path

from oslo_config import cfg

from trove_minicloud.services import preparation
from trove_minicloud.services.config_files import config_arguments
from trove_minicloud.services.mistral_database import index_executions
from trove_minicloud.services.serving import die_with_parent

_BIN = Path(sys.executable).parent


def main(directory: Path, component: str) -> None:
    die_with_parent()
    if component == "api":
        prepare(directory)
    server = str(_BIN / "mistral-server")
    os.execv(server, [server, *config_arguments(directory, "mistral"), "--server", component])


def prepare(directory: Path) -> None:
    """Make the tables, once."""
    arguments = config_arguments(directory, "mistral")
    connection = _connection(arguments)
    preparation.prepare(directory, ("mistral",), lambda: _initialise(arguments, connection))
    index_executions(connection)


def _connection(arguments: list[str]) -> str:
    """The URL of the database."""
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("connection", secret=True), "database")
    conf(arguments)
    return str(conf.database.connection)


def _initialise(arguments: list[str], connection: str) -> None:
    preparation.empty_database(connection)
    for command in (["upgrade", "head"], ["populate"]):
        subprocess.run([_BIN / "mistral-db-manage", *arguments, *command], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
