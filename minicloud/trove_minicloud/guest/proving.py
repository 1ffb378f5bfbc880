# SPDX-License-Identifier: Apache-2.0
"""What a server that was made from a backup has to show before it counts as restored: `prove`.

The datastore's own verification has passed by then: it is part of the restore.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from trove_minicloud.errors import (
    CheckFailedError,
    InstanceNotFoundError,
    QueryError,
    WaitTimeoutError,
)
from trove_minicloud.files import read_json, write_json
from trove_minicloud.guest import copy_check, datastores, instances
from trove_minicloud.guest.datastores import Contents
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.stores.manifest import Manifest

# It replays the log that its backup holds first.
_SERVING_TIMEOUT = 600.0
_POLL_INTERVAL = 0.5
_SHOWN = 20

Report = Callable[[str], None]


def prove(root: Root, copy: Instance, backup: Manifest, report: Report) -> None:
    """Wait until the copy serves, count the rows of its tables, and ask it the source's check.

    :param report: is told, in a line each, what was counted, what wasn't and why, what is switched
        off in the copy, and what the check came to.
    :raises MiniCloudError: it doesn't serve, what its source can read is unreadable, or the check
        fails. The copy stays, for whoever wants to look at it.
    """
    lines = []
    for line in _findings(root, copy, backup):
        report(line)
        lines.append(line)
    try:
        write_json(_file(root, copy), lines)
    except FileNotFoundError:
        raise instances.deleted_meanwhile(copy) from None


def proof(root: Root, copy: Instance) -> list[str]:
    """What `prove` reported of this copy when it was made."""
    return list(read_json(_file(root, copy)) or [])


def _findings(root: Root, copy: Instance, backup: Manifest) -> Iterator[str]:
    _wait_until_serving(root, copy)
    kind = datastores.named(copy.datastore)
    contents = kind.look_at(root, copy)
    source = _name(root, backup)
    rows = _in_words(contents.rows)
    yield f"{copy.name}, from backup {backup.backup_id} of {source}, holds {rows}"
    if contents.repaired:
        yield f"repaired before it was counted: {_reasons(contents.repaired)}"
    if contents.left_out:
        yield f"not looked at: {_reasons(contents.left_out)}"
    if excused := _unreadable_in_source(root, backup, contents):
        yield f"unreadable, as in {source}: {_reasons(excused)}"
    yield from kind.switched_off(root, copy)
    if lost := {n: why for n, why in contents.unreadable.items() if n not in excused}:
        objects = "1 object" if len(lost) == 1 else f"{len(lost)} objects"
        raise CheckFailedError(f"{objects} of the copy {copy.name} can't be read: {_reasons(lost)}")
    check = copy_check.load(root, backup.instance_id)
    if check is None:
        yield f"{source} has no check"
        return
    copy_check.require(root, copy, source, check)
    yield f"the check of {source} is answered as expected"


def _unreadable_in_source(root: Root, backup: Manifest, contents: Contents) -> dict[str, str]:
    """What is unreadable in the copy, and in its source as well: the backup isn't to blame."""
    if not contents.unreadable:
        return {}
    try:
        source = instances.load(root, backup.instance_id)
        # Of a server that isn't ours we may not be allowed to read the tables.
        if not source.managed:
            return {}
        kind = datastores.named(source.datastore)
        found = kind.look_at(root, source, only=contents.unreadable)
    except (InstanceNotFoundError, QueryError):
        return {}
    return {name: why for name, why in contents.unreadable.items() if name in found.unreadable}


def _file(root: Root, copy: Instance) -> Path:
    return copy.folder(root) / "proof.json"


def _wait_until_serving(root: Root, copy: Instance) -> None:
    kind = datastores.named(copy.datastore)
    deadline = time.monotonic() + _SERVING_TIMEOUT
    while not kind.is_serving(root, copy):
        # Somebody may have deleted it meanwhile.
        instances.load(root, copy.id)
        if time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"The server of {copy.name} doesn't serve after {_SERVING_TIMEOUT:.0f} s; see"
                f" {copy.log(root)}"
            )
        time.sleep(_POLL_INTERVAL)


def _name(root: Root, backup: Manifest) -> str:
    """The source's name today, or that at the time of the backup."""
    try:
        return instances.load(root, backup.instance_id).name
    except InstanceNotFoundError:
        return backup.instance_name


def _in_words(rows: Mapping[str, int]) -> str:
    if not any(rows.values()):
        return f"NO ROWS, in {len(rows)} tables"
    largest = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    listed = _listed([f"{name} {count}" for name, count in largest])
    return f"{sum(rows.values())} rows in {len(rows)} tables: {listed}"


def _reasons(found: Mapping[str, str]) -> str:
    return _listed([f"{name} ({why})" for name, why in sorted(found.items())])


def _listed(items: Sequence[str]) -> str:
    """The first of them, in one line: a name may hold anything, also the end of a line."""
    shown = list(items[:_SHOWN])
    if more := len(items) - len(shown):
        shown.append(f"and {more} more")
    return " ".join(", ".join(shown).split())
