# SPDX-License-Identifier: Apache-2.0
"""The chains of a schedule for each datastore, in Swift and in a folder: sizes, times, rows.

Each database is written to while its backups are taken: a full one, two incremental ones, and the
next full one. What comes back has to be the rows of the backup's moment; rows that aren't end the
command with an error. Ours is Swift, which every byte goes to over HTTP, with the request's token.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import trove_schedules
from bench import report
from bench.minicloud import login, mini_cloud
from bench.report import Report
from tests.end_to_end.cloud import LiveCloud
from tests.end_to_end.databases import DATABASES, Database
from tests.end_to_end.ledger import Ledger, Link
from trove_minicloud.clients.user import User
from trove_minicloud.commands import databases
from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.root import Root
from trove_minicloud.stores import choosing
from trove_minicloud.stores.destination import Strategy
from trove_minicloud.stores.finding import store_of
from trove_minicloud.stores.store import key_of

#: Of ballast that doesn't compress.
_MEGABYTES = {"postgresql": 300, "mariadb": 100}
LINKS = ("full", "incremental", "2nd incremental", "next full")
#: The last of each chain, which needs all before it.
LAST = (2, 3)


@dataclass(frozen=True)
class Measured:
    """One backup: in MB and seconds; `restored` is None where it was not restored by itself."""

    raw: float
    stored: float
    taken: float
    restored: float | None


#: By the database's name, and the backup's place in `LINKS`.
Side = Mapping[tuple[str, int], Measured]


def run(full: bool) -> Report:
    found = Report("stores")
    databases = [database for database in DATABASES if _is_there(database)]
    links = range(len(LINKS)) if full else LAST
    swift, local = (measure(store, databases, links) for store in ("swift", "local"))
    compare(found, swift, local)
    return found


def _is_there(database: Database) -> bool:
    try:
        database.find_programs()
    except ProgramsMissingError as error:
        print(f"NOT RUN: the stores of {database.name}: {error}", file=sys.stderr)
        return False
    return True


def compare(found: Report, swift: Side, local: Side) -> None:
    """A row for each backup's size and time, and for the time of each restore."""
    for key, ours in swift.items():
        theirs = local[key]
        name = f"{key[0]}, {LINKS[key[1]]}"
        against = "to a folder"
        found.add(f"{name}: stored", "MB", ours.stored, against=against, theirs=theirs.stored)
        found.add(
            f"{name}: taken ({ours.raw:.0f} and {theirs.raw:.0f} MB raw)", "s",
            ours.taken, against=against, theirs=theirs.taken,
        )  # fmt: skip
        if ours.restored is not None and theirs.restored is not None:
            found.add(
                f"{name}: restored", "s", ours.restored, against="from a folder",
                theirs=theirs.restored,
            )  # fmt: skip


def measure(store: Strategy, databases: list[Database], links: range | tuple[int, ...]) -> Side:
    """Take the chains in a mini cloud of their own, and restore these links of them."""

    def chosen(root: Root) -> AbstractContextManager[None]:
        return nullcontext(choosing.use(root, store))

    found = {}
    with mini_cloud(around=chosen) as root:
        trove_schedules.connect(session=login(root, "minicloud-admin")).workbook_load(public=True)
        schedules = trove_schedules.connect(session=login(root))
        for database in databases:
            ledger = Ledger(LiveCloud(root), database, megabytes=_MEGABYTES[database.name])
            ledger.create()
            chain = ledger.take_chain(schedules, runs=len(LINKS), full_every=3)
            for number, link in enumerate(chain):
                restored = _restore(root, ledger, link) if number in links else None
                found[database.name, number] = _measured(root, link, restored)
                print(f"{store}: {database.name}, {LINKS[number]}", file=sys.stderr)
    return found


def _restore(root: Root, ledger: Ledger, link: Link) -> float:
    """Seconds until the copy serves and its rows are counted; they are compared after that."""
    name = f"of-{link.backup['id']}"
    seconds = report.timed(
        lambda: databases.restore(root, link.backup["id"], name, lambda _line: None)
    )()
    ledger.require_moment(link, name)
    databases.delete(root, name)
    return seconds


def _measured(root: Root, link: Link, restored: float | None) -> Measured:
    location = link.backup["locationRef"]
    manifest = store_of(root, location, User(root).token()).head(key_of(location))
    seconds = (manifest.finished_at - manifest.started_at).total_seconds()
    return Measured(manifest.raw_size / 1e6, manifest.stored_size / 1e6, seconds, restored)


if __name__ == "__main__":
    sys.exit(report.main(run))
