# SPDX-License-Identifier: Apache-2.0
"""Process main of Mistral: API, engine, executor and periodic server as threads of one process.

Arguments: the service's folder and the port.
"""

# The threading backend has to be chosen before any Mistral module asks oslo.service for its own.
# What nobody needs here has to be postponed before Mistral imports it.
# ruff: noqa: E402
import os
import sys
from pathlib import Path

from trove_minicloud.services.postponing import begin_imports, end_imports, postpone

if __name__ == "__main__":
    begin_imports()
# A tenth of the start, for migrations, which don't run on SQLite.
postpone("alembic")

from oslo_service import backend
from wsme import types as wsme_types

backend.init_backend(backend.BackendType.THREADING)
# WSME parses the sources of all types for the order of attributes in answers: a third of the start.
wsme_types.sort_attributes = lambda _type, attributes: attributes.sort(key=lambda each: each.key)

from mistral import config
from mistral.api import app
from mistral.db.sqlalchemy import base as db_base
from mistral.db.v2 import api as db_api
from mistral.engine import engine_server
from mistral.rpc import base as rpc
from mistral.services import action_manager, periodic, workflows
from oslo_config import cfg
from oslo_log import log as logging

from trove_minicloud.services import (
    firing_watch,
    first_firing,
    messages,
    tidying,
    trust_endpoints,
    workbook_schemas,
)
from trove_minicloud.services.config_files import config_arguments
from trove_minicloud.services.mistral_database import (
    add_indexes,
    index_executions,
    keep_queries,
    take_over_rows,
)
from trove_minicloud.services.mistral_history import forget_superfluous_executions
from trove_minicloud.services.preparation import empty_database, prepare, sqlite_url
from trove_minicloud.services.serving import die_with_parent, serve

try:
    from mistral.services import periodic_server
except ImportError:
    # Before release 2026.2 there is none: the API fires the triggers.
    periodic_server = None


def main(directory: Path, port: int) -> None:
    end_imports()
    die_with_parent()
    keep_queries()
    make_ready(directory)
    add_indexes(db_base.get_engine())
    index_executions(cfg.CONF.database.connection)
    trust_endpoints.remember()
    workbook_schemas.remember()
    first_firing.hold_back(periodic, cfg.CONF.keystone_authtoken.www_authenticate_uri)
    watch = firing_watch.watch(periodic)

    messages.hand_over_at_once()
    rpc.get_transport()
    engine = engine_server.get_oslo_service()
    engine.start()
    application = app.setup_app()
    if periodic_server:
        periodic_server.get_oslo_service().start()
    watch.start()
    tidying.every(tidying.HOUR, forget_superfluous_executions)
    serve(application, port, "mistral")
    periodic.stop_all_periodic_tasks()
    engine.stop()
    # Two of the engine's threads sleep for up to 20 seconds and can't be woken.
    sys.stderr.flush()
    os._exit(0)


def make_ready(directory: Path) -> None:
    """Read the configuration, and make the database or take it to the installed version."""
    config.parse_args(config_arguments(directory, "mistral"))
    logging.setup(cfg.CONF, "mistral")
    prepare(directory, ("mistral", "mistral-extra"), _initialise, _migrate)


def _initialise() -> None:
    """Create the tables from the models: Mistral's migrations don't run on SQLite."""
    empty_database(cfg.CONF.database.connection)
    db_api.setup_db()
    _fill_database()


def _migrate(old: Path, new: Path) -> None:
    """Make new tables from the models as well, and take the rows over."""
    url = sqlite_url(cfg.CONF.database.connection, new)
    cfg.CONF.set_override("connection", url, "database")
    empty_database(url)
    db_api.setup_db()
    take_over_rows(old, new)
    _fill_database()


def _fill_database() -> None:
    """Do what `mistral-db-manage populate` does."""
    workflows.sync_db()
    action_manager.sync_db()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
