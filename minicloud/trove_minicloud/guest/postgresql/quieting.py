# SPDX-License-Identifier: Apache-2.0
"""What a restored copy of a PostgreSQL server doesn't do for its original: `switched_off`."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg

from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql import server_config
from trove_minicloud.guest.postgresql.binaries import major_of
from trove_minicloud.guest.postgresql.questions import INVALID, databases, text
from trove_minicloud.guest.postgresql.session import session
from trove_minicloud.root import Root

# By the setting that switches them off.
_ACTORS = {
    "max_logical_replication_workers": (
        "subscription",
        "SELECT subname FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid"
        " WHERE subenabled AND datname = current_database() ORDER BY 1",
    ),
    "event_triggers": (
        "event trigger",
        "SELECT evtname FROM pg_event_trigger WHERE evtenabled <> 'D' ORDER BY 1",
    ),
}
# Of the source's configuration, which the copy doesn't use. Libraries like pg_cron act by
# themselves, an archive is the source's, and a standby follows a primary.
_SETTINGS = re.compile(
    r"""^\s*(archive_mode|shared_preload_libraries|primary_conninfo)\s*=?\s*
    ('(?:[^']|'')*'|[^\s\#]+)""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_NOTHING = ("off", "''", "'off'")


def switched_off(root: Root, copy: Instance) -> list[str]:
    """See `Datastore.switched_off`."""
    data = copy.data(root)
    found = [*_actors(root, copy), *_settings(data)]
    if not found:
        return []
    quiet = " and ".join(server_config.quiet_settings(major_of(copy.version)))
    return [
        f"switched off in {copy.name}, which must not act for its original: {', '.join(found)}",
        f"to switch it on again, remove {quiet} from {data / server_config.MAIN}, add what you need"
        f" of {server_config.MAIN}{server_config.ASIDE} beside it, and restart the server:"
        f" trove-minicloud instance stop {copy.name}; trove-minicloud instance start {copy.name}",
    ]


def _actors(root: Root, copy: Instance) -> Iterator[str]:
    quiet = server_config.quiet_settings(major_of(copy.version))
    for name, may_connect, limit in databases(root, copy):
        if not may_connect or limit == INVALID:
            continue
        # Whoever looked at the copy was told of one that can't be asked.
        with (
            contextlib.suppress(psycopg.Error, UnicodeDecodeError),
            session(root, copy, name.decode(), "SQL_ASCII") as asked,
        ):
            for setting, (what, query) in _ACTORS.items():
                if setting in quiet:
                    for (actor,) in asked.execute(query).fetchall():
                        yield f"{what} {text(name)}.{text(actor)}"


def _settings(data: Path) -> Iterator[str]:
    values: dict[str, str] = {}
    # The later file counts.
    for file in (server_config.MAIN, server_config.BY_COMMAND):
        path = data / f"{file}{server_config.ASIDE}"
        if path.exists():
            content = path.read_text(encoding="utf-8", errors="replace")
            values |= {name.lower(): value for name, value in _SETTINGS.findall(content)}
    for name, value in values.items():
        if value.lower() not in _NOTHING:
            # An address may hold a password.
            yield name if name == "primary_conninfo" else f"{name} = {value}"
