# SPDX-License-Identifier: Apache-2.0
"""What `adopt` does: takes the backups that are in a store into Trove, under their ids."""

from collections.abc import Callable, Sequence
from pathlib import Path

from trove_minicloud import settings
from trove_minicloud.clients.administrator import Administrator
from trove_minicloud.clients.user import User
from trove_minicloud.cloud import daemon
from trove_minicloud.commands import trove_rows
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.guest import stored
from trove_minicloud.guest.stored import Stored
from trove_minicloud.root import Root
from trove_minicloud.settings import PROJECT
from trove_minicloud.stores import destination, places
from trove_minicloud.stores.destination import Strategy
from trove_minicloud.stores.manifest import Manifest
from trove_minicloud.stores.places import Place
from trove_minicloud.stores.store import Store
from trove_minicloud.supervision import state

#: The name of the store that is a service of the mini cloud.
SWIFT = "swift"

Report = Callable[[str], None]


def adopt(
    root: Root,
    name: str,
    endpoint: str | None,
    credentials: Path | None,
    report: Report,
    *,
    dry_run: bool,
) -> None:
    """List what is in the store of this name, and have Trove know its backups.

    The store becomes one of the root; of a root that was never up, also that of its new backups.
    A cloud that is down is started.

    :param endpoint: of an S3 server.
    :param credentials: a file of AWS credentials.
    :param dry_run: only list.
    :raises MiniCloudError: the store can't be read, or can't be one of this root.
    """
    if name == SWIFT:
        _adopt_from_swift(root, report, dry_run=dry_run)
        return
    place = places.named(root, name, endpoint, credentials)
    found = _listed(place.store, report)
    if dry_run:
        return
    root.prepare()
    _keep(root, place)
    if state.supervisor_pid(root) is None:
        daemon.up(root, report)
    _take_in(root, place.store, place.strategy, found.backups, report)


def _keep(root: Root, place: Place) -> None:
    place.keep(root)
    if settings.load(root) is None:
        destination.choose(root, place.strategy)


def _adopt_from_swift(root: Root, report: Report, *, dry_run: bool) -> None:
    user = User(root)
    swift = destination.swift(root)
    if swift is None:
        raise MiniCloudError("This mini cloud has no Swift; see: trove-minicloud up --help")
    from trove_minicloud.stores.swift_objects import SwiftStore, containers

    url, token = f"{swift.url}{user.project_id}", user.token()
    for container in containers(url, token):
        store = SwiftStore(url, container, token)
        found = _listed(store, report)
        if not dry_run:
            _take_in(root, store, "swift", found.backups, report)


def _listed(store: Store, report: Report) -> Stored:
    found = stored.look(store)
    for manifest in found.backups:
        report(
            f"{manifest.backup_id}  {manifest.kind} of {manifest.instance_name}"
            f" ({manifest.instance_id}), {manifest.datastore} {manifest.version},"
            f" {manifest.finished_at:%Y-%m-%d %H:%M:%S} UTC, {manifest.stored_size} bytes"
        )
    for location, why in found.refused.items():
        report(f"left: {location}: {why}")
    for place in found.foreign:
        report(f"left: {place}: It is no part of a backup.")
    left = len(found.refused) + len(found.foreign)
    report(f"In {store.url}: {len(found.backups)} can be restored, {left} left.")
    return found


def _take_in(
    root: Root, store: Store, strategy: Strategy, backups: Sequence[Manifest], report: Report
) -> None:
    """A project that Keystone doesn't know gives way to that of the user."""
    projects = Administrator(root).projects()
    own = next(id_ for id_, name in projects.items() if name == PROJECT)
    owners = {
        manifest.backup_id: manifest.project_id if manifest.project_id in projects else own
        for manifest in backups
    }
    taken, _gone = trove_rows.enter(root, store, strategy, backups, owners)
    report(f"Trove has taken in {taken}, and knew {len(backups) - taken}.")
