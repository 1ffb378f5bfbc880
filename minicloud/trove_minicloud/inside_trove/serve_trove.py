# SPDX-License-Identifier: Apache-2.0
"""Process main of Trove: API, task manager and conductor as threads of one process.

Arguments: the service's folder and the port.
"""

# What is rarely or never needed here has to be postponed before Trove imports it.
# ruff: noqa: E402
import sys
from pathlib import Path
from typing import Any

from trove_minicloud.services.postponing import begin_imports, end_imports, load, postpone

if __name__ == "__main__":
    begin_imports()
# A quarter of the start: for migrations, and for a client's commands.
postpone("alembic")
postpone("openstackclient")

import oslo_messaging
from eventlet import patcher
from oslo_log import log as logging
from oslo_messaging.rpc.dispatcher import DefaultRPCAccessPolicy
from oslo_utils import importutils
from paste import deploy
from trove import rpc
from trove.common import cfg, notification
from trove.common.rpc import conductor_host_serializer, secure_serializer
from trove.common.rpc.serializer import TroveRequestContextSerializer
from trove.conductor import api as conductor_api
from trove.db import get_db_api
from trove.instance import models as instance_models
from trove.taskmanager import api as task_manager_api

from trove_minicloud.inside_trove import guest_agent, instance_rows, purging
from trove_minicloud.root import Root
from trove_minicloud.services import messages, tidying
from trove_minicloud.services.config_files import config_arguments
from trove_minicloud.services.preparation import (
    copy_database,
    empty_database,
    prepare,
    sqlite_url,
)
from trove_minicloud.services.serving import die_with_parent, serve


def main(directory: Path, port: int) -> None:
    end_imports()
    die_with_parent()
    # Trove's API, as it is imported, replaces this process's sockets and TLS by ones for green
    # threads. There are none here, and boto3 can't be used with such TLS.
    patcher.already_patched["socket"] = True
    conf = cfg.CONF
    make_ready(directory)

    messages.hand_over_at_once()
    rpc.init(conf)
    get_db_api().configure_db()
    notification.DBaaSAPINotification.register_notify_callback(
        instance_models.persist_instance_fault
    )
    cfg.set_api_config_defaults()
    _start_rpc_server(
        conf.conductor_manager,
        oslo_messaging.Target(
            topic=conf.conductor_queue,
            server=conf.host,
            version=conductor_api.API.API_LATEST_VERSION,
        ),
        conductor_host_serializer.ConductorHostSerializer,
        # One after the other: the states of a backup arrive in the order in which they were sent.
        threads=1,
    )
    _start_rpc_server(
        conf.taskmanager_manager,
        oslo_messaging.Target(
            topic=conf.taskmanager_queue,
            server=conf.host,
            version=task_manager_api.API.API_LATEST_VERSION,
        ),
        secure_serializer.SecureSerializer,
        threads=10,
    )
    guest_agent.recover()
    instance_rows.recover()
    instance_rows.start(Root.default())
    tidying.every(tidying.DAY, purging.purge_old_rows)
    application = deploy.loadapp(f"config:{directory / 'api-paste.ini'}", name="trove")
    serve(application, port, "trove")


def make_ready(directory: Path) -> None:
    """Read the configuration, and make the database or take it to the installed version."""
    cfg.parse_args(["trove", *config_arguments(directory, "trove")])
    logging.setup(cfg.CONF, "trove")
    prepare(directory, ("trove",), _initialise, _migrate)


def _initialise() -> None:
    """Create the tables. The data migration that follows in trove-manage is for old VMs only."""
    empty_database(cfg.CONF.database.connection)
    _fill_database()


def _migrate(old: Path, new: Path) -> None:
    copy_database(old, new)
    url = sqlite_url(cfg.CONF.database.connection, new)
    cfg.CONF.set_override("connection", url, "database")
    _fill_database()


def _fill_database() -> None:
    """Do what `trove-manage db_sync` does."""
    load("alembic")
    get_db_api().db_sync(cfg.CONF)


def _start_rpc_server(
    manager: str, target: oslo_messaging.Target, serializer: Any, threads: int
) -> None:
    """Serve the manager's methods in threads; Trove's own RpcService would use green threads."""
    implementation = importutils.import_object(manager)
    implementation.target = target
    oslo_messaging.get_rpc_server(
        rpc.TRANSPORT,
        target,
        [implementation],
        executor="threading",
        serializer=serializer(_ContextSerializer(None), None),
        access_policy=DefaultRPCAccessPolicy,
    ).start(override_pool_size=threads)


class _ContextSerializer(TroveRequestContextSerializer):  # type: ignore[misc]
    """Takes a copy of what it receives, as from a wire.

    The in-memory transport hands over the sender's own objects, and Trove's deserialisation
    consumes its input. All casts of one request share the notification, so that of two (a
    deletion that cascades) one would be lost.
    """

    def _deserialize_context(self, context: dict[str, Any]) -> Any:
        received = dict(context)
        if notification := received.get("trove_notification"):
            received["trove_notification"] = dict(notification)
        return super()._deserialize_context(received)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
