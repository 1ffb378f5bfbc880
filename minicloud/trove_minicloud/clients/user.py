# SPDX-License-Identifier: Apache-2.0
"""The mini cloud as its user sees it: instances and backups as Trove's API shows them."""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from keystoneauth1.exceptions import NotFound

from trove_minicloud.clients.sessions import user_session
from trove_minicloud.clients.trove import Trove, fault_of
from trove_minicloud.errors import (
    InstanceNotFoundError,
    MiniCloudError,
    NotUpError,
    WaitTimeoutError,
)
from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.settings import FLAVOR_ID
from trove_minicloud.supervision import processes, state

_POLL_INTERVAL = 1.0
_FAULT_TIMEOUT = 10.0
_PAGE = 100
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class User(Trove):
    """Requests of the user to Trove; the cloud has to be up.

    :raises NotUpError: it isn't.
    """

    def __init__(self, root: Root) -> None:
        super().__init__(root, user_session)
        self._root = root

    def instance_state(self, instance_id: str, not_before: datetime | None = None) -> str:
        """`ACTIVE/HEALTHY` and the like: the state and the state of the database service.

        An older state than `not_before` (UTC) is told as such.
        """
        instance = self.instance(instance_id)
        if instance is None:
            return "not known to Trove"
        # Trove learns from a server every few seconds only how it is.
        if not_before and _time(instance.get("service_status_updated")) < not_before:
            return f"{_state(instance)}, as of before the last change"
        return _state(instance)

    def make_instance(
        self, name: str, kind: str, report: Callable[[str], None], backup_id: str | None = None
    ) -> Instance:
        """Have Trove make an instance, empty or from a backup, and wait until it is healthy.

        Trove itself gives up on a server that doesn't come up.

        :param kind: of database; that of the backup.
        :raises MiniCloudError: Trove refuses, or the instance could not be made, and why. Nothing
            is left of it, but for a server whose restored rows are not what they should be.
        """
        wanted: dict[str, Any] = {"name": name, "flavorRef": FLAVOR_ID, "datastore": {"type": kind}}
        if backup_id is not None:
            wanted["restorePoint"] = {"backupRef": backup_id}
        try:
            answer = self.request("POST", "/instances", {"instance": wanted})
        except NotFound as error:
            raise MiniCloudError(f"Trove refuses: {error}") from error
        instance_id = str(answer["instance"]["id"])
        started = time.monotonic()
        seen = ""
        while True:
            shown = self.instance(instance_id)
            if shown is None:
                raise MiniCloudError(f"Instance {name} was deleted meanwhile.")
            if (current := _state(shown)) != seen:
                seen = current
                report(f"{name}: {current} ({time.monotonic() - started:.0f} s)")
            if current == "ACTIVE/HEALTHY":
                return instances.load(self._root, instance_id)
            if shown["status"] in ("ERROR", "FAILED"):
                raise self._failure(instance_id, name)
            if state.supervisor_pid(self._root) is None:
                raise NotUpError(f"The mini cloud went down while instance {name} was being made.")
            time.sleep(_POLL_INTERVAL)

    def _failure(self, instance_id: str, name: str) -> MiniCloudError:
        """Why Trove could not make the instance, which goes if it has no server."""
        deadline = time.monotonic() + _FAULT_TIMEOUT
        # It may be told a moment after the state.
        while not (cause := fault_of(self.instance(instance_id) or {})):
            if time.monotonic() > deadline:
                cause = "Trove doesn't say why; see: trove-minicloud logs trove"
                break
            time.sleep(_POLL_INTERVAL)
        if (self._root.instances / instance_id).exists():
            return MiniCloudError(
                f"{cause}\nThe server stays, for whoever wants to look at it; to delete it:"
                f" trove-minicloud instance delete {name}"
            )
        with contextlib.suppress(NotFound):
            self.request("DELETE", f"/instances/{instance_id}")
        return MiniCloudError(f"Instance {name} could not be made: {cause}")

    def find_backup(self, name_or_id: str) -> dict[str, Any]:
        """The one completed backup of this id or name.

        :raises MiniCloudError: there is none, several bear the name, or it isn't completed.
        """
        found = [
            backup for backup in self._backups() if name_or_id in (backup["id"], backup["name"])
        ]
        if not found:
            raise MiniCloudError(f"There is no backup {name_or_id!r}.")
        # All backups of a schedule bear its name, those that failed too.
        completed = [backup for backup in found if backup["status"] == "COMPLETED"]
        if not completed:
            states = ", ".join(f"{backup['id']} is {backup['status']}" for backup in found)
            raise MiniCloudError(f"No backup {name_or_id!r} is COMPLETED: {states}.")
        if len(completed) > 1:
            completed.sort(key=lambda backup: str(backup["created"]), reverse=True)
            lines = "".join(
                f"\n  {backup['id']}  {backup['created']} UTC  {backup['size']} GB"
                for backup in completed
            )
            raise MiniCloudError(
                f"Several backups are named {name_or_id!r}; use an id (the newest first):{lines}"
            )
        return completed[0]

    def wait_until_healthy(
        self, instance: Instance, timeout: float, report: Callable[[str], None]
    ) -> None:
        """Wait until the server serves and Trove would take a backup of it.

        :param timeout: in seconds.
        :raises WaitTimeoutError: it isn't so by then; the text holds what was seen instead.
        :raises MiniCloudError: meanwhile it was stopped or deleted, or the cloud went down.
        """
        started = time.monotonic()
        seen = ""
        serving = False
        while True:
            changed_at = _require_wanted(self._root, instance)
            # Trove's word alone may be that of a moment before the server was stopped.
            serving = serving or datastores.named(instance.datastore).is_serving(
                self._root, instance
            )
            current = "not serving yet"
            if serving:
                current = self.instance_state(instance.id, changed_at)
            waited = time.monotonic() - started
            if current != seen:
                seen = current
                report(f"{instance.name}: {current} ({waited:.0f} s)")
            if current == "ACTIVE/HEALTHY":
                return
            if waited > timeout:
                log = instance.log(self._root)
                lines = [
                    f"Instance {instance.name} is {current} after {waited:.0f} s."
                    f" {_supervisors_view(self._root, instance.id)} The end of {log}:",
                    *processes.tail(log),
                ]
                raise WaitTimeoutError("\n".join(lines))
            time.sleep(_POLL_INTERVAL)

    def _backups(self) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self.request("GET", f"/backups?limit={_PAGE}&marker={offset}")["backups"]
            yield from page
            if len(page) < _PAGE:
                return
            offset += _PAGE


def _state(shown: dict[str, Any]) -> str:
    return "/".join(filter(None, (shown["status"], shown.get("operating_status"))))


def _time(shown: str | None) -> datetime:
    """Trove shows UTC, without saying so."""
    return datetime.fromisoformat(shown).replace(tzinfo=UTC) if shown else _LONG_AGO


def _require_wanted(root: Root, instance: Instance) -> datetime:
    """When the instance last changed (UTC).

    :raises MiniCloudError: nobody wants or can have it running any more.
    """
    try:
        changed_at = instances.changed_at(root, instance.id)
        wanted = instances.load(root, instance.id).wanted
    except InstanceNotFoundError:
        raise MiniCloudError(f"Instance {instance.name} was deleted meanwhile.") from None
    if wanted != "running":
        raise MiniCloudError(f"Instance {instance.name} was stopped meanwhile.")
    if state.supervisor_pid(root) is None:
        raise NotUpError(f"The mini cloud went down while instance {instance.name} was starting.")
    return changed_at


def _supervisors_view(root: Root, instance_id: str) -> str:
    status = state.load(root)
    for program in status.programs if status else ():
        if program.name.endswith(instance_id):
            return f"Its server is {program.state}, {program.restarts} restarts. {program.reason}"
    return "The mini cloud runs no server for it."
