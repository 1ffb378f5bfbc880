# SPDX-License-Identifier: Apache-2.0
"""A mini cloud whose Mistral is distributed: how many servers, and the ports and secrets for them.

cluster.json below the root makes it one, from its first start on. Without it Mistral is a single
process on SQLite.
"""

import dataclasses
import secrets
from pathlib import Path

from trove_minicloud import settings
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.files import write_json
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports, state

#: Of each, where nothing else is asked for.
USUAL_SERVERS = 2
#: Two, so that one can fail; they agree in the database about who fires what.
PERIODIC_SERVERS = 2
_MOST_SERVERS = 32


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """The content of cluster.json."""

    engines: int
    executors: int
    mariadb_port: int
    rabbitmq_port: int
    epmd_port: int
    erlang_port: int
    rabbitmq_password: str
    keystone_database_password: str
    mistral_database_password: str
    trove_database_password: str


def load(root: Root) -> Cluster | None:
    """The cluster of this root, or None where its Mistral is a single process."""
    return settings.read(_file(root), Cluster)


def want(root: Root, engines: int | None, executors: int | None) -> None:
    """Have the next start run a cluster with N servers; None leaves a number as it is.

    :raises MiniCloudError: it can't be; nothing has changed then.
    """
    for number, kind in ((engines, "engines"), (executors, "executors")):
        if number is not None and not 1 <= number <= _MOST_SERVERS:
            raise MiniCloudError(f"There can be 1 to {_MOST_SERVERS} {kind}, not {number}.")
    known = load(root)
    if known is None and settings.load(root) is not None:
        raise MiniCloudError(
            f"The mini cloud under {root.path} keeps its rows in SQLite and can't become a"
            " cluster: choose another folder with --root."
        )
    wanted = dataclasses.replace(
        known or _draw(root),
        engines=engines or (known.engines if known else USUAL_SERVERS),
        executors=executors or (known.executors if known else USUAL_SERVERS),
    )
    if wanted == known:
        return
    if state.supervisor_pid(root) is not None:
        raise MiniCloudError(
            f"The cluster under {root.path} is up; take it down to change its servers:"
            f" trove-minicloud down --root {root.path}"
        )
    write_json(_file(root), dataclasses.asdict(wanted))


def _draw(root: Root) -> Cluster:
    mariadb, rabbitmq, epmd, erlang = ports.choose(4, root)
    return Cluster(
        engines=USUAL_SERVERS,
        executors=USUAL_SERVERS,
        mariadb_port=mariadb,
        rabbitmq_port=rabbitmq,
        epmd_port=epmd,
        erlang_port=erlang,
        rabbitmq_password=secrets.token_urlsafe(24),
        keystone_database_password=secrets.token_urlsafe(24),
        mistral_database_password=secrets.token_urlsafe(24),
        trove_database_password=secrets.token_urlsafe(24),
    )


def _file(root: Root) -> Path:
    return root.path / "cluster.json"
