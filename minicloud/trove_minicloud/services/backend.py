# SPDX-License-Identifier: Apache-2.0
"""Where the services keep their rows and how their parts talk: the same services on either."""

from collections.abc import Mapping
from dataclasses import dataclass

from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file

#: Messages through the memory of one process.
IN_MEMORY = "fake://"
#: Those with a database.
SERVICES = ("keystone", "mistral", "trove")


@dataclass(frozen=True, slots=True)
class Backend:
    """`databases` are SQLAlchemy URLs by service, `transport_url` is Mistral's way to itself."""

    databases: Mapping[str, str]
    transport_url: str


def single_process(root: Root) -> Backend:
    """SQLite, where the wait for another writer's lock is 30 seconds instead of 5.

    What the plugin does is in `trove_minicloud.services.sqlite`.
    """
    options = "timeout=30&plugin=trove_minicloud"
    return Backend(
        databases={
            name: f"sqlite:///{database_file(root.service(name))}?{options}" for name in SERVICES
        },
        transport_url=IN_MEMORY,
    )
