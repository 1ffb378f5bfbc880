# SPDX-License-Identifier: Apache-2.0
"""What runs under a root, put together for people and for JSON."""

from datetime import datetime
from typing import Any

from trove_minicloud import settings
from trove_minicloud.files import space_problem
from trove_minicloud.guest import instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.services import horizon, recovery_key, state_copies, swift
from trove_minicloud.stores import destination, room
from trove_minicloud.supervision import processes, state

_GIBIBYTE = 2**30
_KIBIBYTE = 2**10


def describe(root: Root) -> dict[str, Any]:
    """The cloud's state, why it failed if it did, and each program with its address.

    :raises RootError: the folder holds something else.
    """
    if not root.exists():
        return _cloud(root, "down", "", [])
    status = state.load(root)
    running = state.supervisor_pid(root) is not None
    if running and status is not None:
        known, addresses = instances.all_instances(root), _addresses(root)
        programs = [_row(item, known, addresses) for item in status.programs]
        error = "\n".join(filter(None, (space_problem(root.path), status.error)))
        return _cloud(root, status.state, error, programs)
    if running:
        return _cloud(root, "starting", "", [])
    if status is not None and status.state == "failed":
        return _cloud(root, "failed", status.error, [])
    if status is not None:
        return _cloud(root, "killed", "Its supervisor was killed; `up` or `down` cleans up.", [])
    return _cloud(root, "down", "", [])


def _cloud(root: Root, name: str, error: str, programs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "root": str(root.path),
        "state": name,
        "error": error,
        "room": _room(root),
        "state_copy": _state_copy(root),
        "programs": programs,
    }


def _room(root: Root) -> dict[str, int | None] | None:
    """In bytes; None where no backup goes to the folder."""
    if not root.backups.exists() or destination.strategy(root) != "local":
        return None
    found = room.of_backups(root)
    return {
        "free": found.free,
        "reserve": found.reserve,
        "last_day": found.last_day,
        "nights": found.nights,
    }


def _state_copy(root: Root) -> dict[str, Any] | None:
    """The last copy of the cloud's own state, and why there is no newer one; None if none is made.

    The size is in bytes.
    """
    if not root.exists() or destination.strategy(root) == "swift":
        return None
    known = state_copies.record(root)
    return {
        "copied_at": known.copied_at or None,
        "url": known.url or None,
        "size": known.size,
        "error": known.error or None,
    }


def state_copy_in_words(root: Root, found: dict[str, Any] | None) -> str:
    """What `describe` says of the copy of the cloud's own state, for people."""
    if found is None:
        return "Own state: not copied: Swift lies in the root, and is lost with it."
    if found["copied_at"] is None:
        text = "Own state: not copied yet; the next backup does."
    else:
        moment = datetime.fromisoformat(found["copied_at"])
        text = (
            f"Own state: copied {moment:%Y-%m-%d %H:%M:%S} UTC to {found['url']}"
            f" ({found['size'] / _KIBIBYTE:.0f} KiB). {recovery_key.advice(root)}"
        )
    return f"{text}\nThe last copy FAILED: {found['error']}" if found["error"] else text


def room_in_words(found: dict[str, int | None]) -> str:
    """What `describe` says of the room for backups, for people."""
    free, reserve = ((found[name] or 0) / _GIBIBYTE for name in ("free", "reserve"))
    text = f"Room for backups: {free:.1f} GiB are free, {reserve:.1f} of them for the databases."
    if found["nights"] is None:
        return text
    return f"{text} That is room for {found['nights']} nights like the last."


def _row(
    program: state.ProgramStatus, known: list[Instance], addresses: dict[str, str]
) -> dict[str, Any]:
    died = program.process is not None and not processes.is_alive(program.process)
    instance = next((each for each in known if program.name.endswith(each.id)), None)
    if instance is not None:
        address = f"{instance.host}:{instance.port}"
    else:
        address = addresses.get(program.name, "")
    return {
        "program": program.name,
        "instance": instance.name if instance else "",
        # With a full disk the supervisor can't write down what it sees.
        "state": "died" if died else program.state,
        "pid": program.process.pid if program.process else None,
        "since": f"{program.since:%Y-%m-%d %H:%M:%S} UTC",
        "restarts": program.restarts,
        "address": address,
        "reason": program.reason,
    }


def _addresses(root: Root) -> dict[str, str]:
    found: dict[str, str] = {}
    if (chosen := settings.load(root)) is not None:
        found |= {
            "keystone": chosen.keystone_url,
            "mistral": chosen.mistral_url,
            "trove": chosen.trove_url,
        }
    if (objects := destination.swift(root)) is not None:
        found |= {name: f"127.0.0.1:{port}" for name, port in swift.ports(objects).items()}
    if (dashboard := horizon.wanted(root)) is not None:
        found[horizon.NAME] = dashboard.url
    return found
