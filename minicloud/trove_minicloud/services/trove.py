# SPDX-License-Identifier: Apache-2.0
"""Trove: its configuration, and the program that serves API, task manager and conductor."""

import sys

import yaml

from trove_minicloud.files import write_private
from trove_minicloud.guest import datastores
from trove_minicloud.root import Root
from trove_minicloud.services import probes
from trove_minicloud.services.backend import IN_MEMORY, Backend
from trove_minicloud.services.config_files import logging_options, render, service_user
from trove_minicloud.settings import Settings
from trove_minicloud.stores import destination
from trove_minicloud.supervision.program import Program

NAME = "trove"

_INSIDE = "trove_minicloud.inside_trove"

# Filters and their order are those of the api-paste.ini in Trove's source tree.
_PASTE = """\
[composite:trove]
use = call:trove.common.wsgi:versioned_urlmap
/: versions
/v1.0: troveapi

[app:versions]
paste.app_factory = trove.versions:app_factory

[pipeline:troveapi]
pipeline = request_id faultwrapper authtoken authorization contextwrapper ratelimit extensions \
troveapp

[filter:request_id]
paste.filter_factory = oslo_middleware.request_id:RequestId.factory

[filter:faultwrapper]
paste.filter_factory = trove.common.wsgi:FaultWrapper.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory

[filter:authorization]
paste.filter_factory = trove.common.auth:AuthorizationMiddleware.factory

[filter:contextwrapper]
paste.filter_factory = trove.common.wsgi:ContextMiddleware.factory

[filter:ratelimit]
paste.filter_factory = trove.common.limits:RateLimitingMiddleware.factory

[filter:extensions]
paste.filter_factory = trove.common.extensions:factory

[app:troveapp]
paste.app_factory = trove.common.api:app_factory
"""

# What Trove would do with virtual machines, and would leave half done here: `trove-minicloud
# instance` stops and starts servers. A refusal is better than an instance that is RESTARTING for
# ever.
_FORBIDDEN = (
    "cluster:create",
    "instance:force_delete",
    "instance:eject_replica_source",
    "instance:promote_to_replica_source",
    "instance:resize_flavor",
    "instance:resize_volume",
    "instance:restart",
    # Nor does the guest do these when it makes a server.
    "configuration:create",
    "instance:extension:database:create",
    "instance:extension:user:create",
)


def configure(root: Root, settings: Settings, backend: Backend) -> None:
    """Write trove.conf, api-paste.ini and policy.yaml."""
    directory = root.service(NAME)
    directory.mkdir(mode=0o700, exist_ok=True)
    user = service_user(settings, NAME, settings.trove_password)
    sections: dict[str, dict[str, object]] = {
        "DEFAULT": logging_options()
        | {
            # API, task manager and conductor talk through memory, so they share one process.
            "transport_url": IN_MEMORY,
            # With it the two ends of the in-memory transport disagree about the key.
            "enable_secure_rpc_messaging": False,
            # What would need virtual machines.
            "remote_nova_client": f"{_INSIDE}.standins.nova_client",
            "remote_neutron_client": f"{_INSIDE}.standins.neutron_client",
            "remote_cinder_client": f"{_INSIDE}.standins.cinder_client",
            "remote_glance_client": f"{_INSIDE}.standins.glance_client",
            "trove_security_groups_support": False,
            # How long after a new server's first answer Trove sees it.
            "usage_sleep_time": 1,
            "remote_guest_client": f"{_INSIDE}.guest_agent.guest_client",
            # Trove deletes the data of a backup through this, whatever the storage is.
            "remote_swift_client": f"{_INSIDE}.deletion.swift_client",
            "taskmanager_manager": f"{_INSIDE}.deletion.TaskManager",
            # What fits on this machine is its owner's business.
            "max_instances_per_tenant": -1,
            "max_backups_per_tenant": -1,
            "storage_strategy": destination.strategy(root),
        },
        "database": {"connection": backend.databases[NAME]},
        "keystone_authtoken": user,
        "service_credentials": {
            key: user[key]
            for key in (
                "auth_url",
                "username",
                "password",
                "project_name",
                "user_domain_name",
                "project_domain_name",
                "region_name",
            )
        },
        # No routers here, so that no subnet is behind one.
        "network": {"enable_access_check": False},
        "oslo_policy": {"policy_file": directory / "policy.yaml"},
        "oslo_messaging_notifications": {"driver": "noop"},
    }
    for name in datastores.NAMES:
        # Servers lie in folders of this machine, and no server has a replica.
        sections[name] = {"volume_support": False, "device_path": "", "replication_strategy": ""}
    write_private(directory / "trove.conf", render(sections))
    write_private(directory / "api-paste.ini", _PASTE)
    write_private(directory / "policy.yaml", yaml.safe_dump(dict.fromkeys(_FORBIDDEN, "!")))


def program(root: Root, settings: Settings) -> Program:
    """The program; it is ready when the user can list the backups."""
    directory = root.service(NAME)
    return Program(
        name=NAME,
        argv=(
            sys.executable,
            "-m",
            "trove_minicloud.inside_trove.serve_trove",
            str(directory),
            str(settings.trove_port),
        ),
        # The guest waits for child processes in threads, which green threads would block.
        env={"NO_EVENTLET_MONKEYPATCH": "1"},
        cwd=directory,
        log=root.log(NAME),
        user=None,
        ready=probes.answers(settings, f"{settings.trove_url}/{{project}}/backups?limit=1"),
        ready_timeout=240,
    )
