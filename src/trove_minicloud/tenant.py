# SPDX-License-Identifier: Apache-2.0
"""The mini cloud as its tenant sees it: instances and backups as Trove's API shows them."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from keystoneauth1.exceptions import ClientException, NotFound

from trove_minicloud import settings, state
from trove_minicloud.errors import MiniCloudError, NotUpError, WaitTimeoutError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.services.probes import tenant_session

_POLL_INTERVAL = 1.0
_PAGE = 100


class Tenant:
    """Requests of the tenant to Trove; the cloud has to be up.

    :raises NotUpError: it isn't.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        chosen = settings.load(root)
        status = state.load(root)
        if (
            chosen is None
            or state.supervisor_pid(root) is None
            or status is None
            or status.state != "running"
        ):
            raise NotUpError(
                f"The mini cloud under {root.path} is not up."
                f" Start it with: trove-minicloud up --detach --root {root.path}"
            )
        self._session = tenant_session(chosen, timeout=30.0)
        try:
            self.project_id = str(self._session.get_project_id())
        except ClientException as error:
            raise MiniCloudError(f"Keystone doesn't answer: {error}") from error
        self._url = f"{chosen.trove_url}/{self.project_id}"

    def instance_state(self, instance_id: str) -> str:
        """`ACTIVE/HEALTHY` and the like: the state and the state of the database service."""
        try:
            instance = self._get(f"/instances/{instance_id}")["instance"]
        except NotFound:
            return "not known to Trove"
        return "/".join(filter(None, (instance["status"], instance.get("operating_status"))))

    def find_backup(self, name_or_id: str) -> str:
        """The id of the one completed backup of this id or name.

        :raises MiniCloudError: there is none, several bear the name, or it isn't completed.
        """
        found = [
            backup for backup in self._backups() if name_or_id in (backup["id"], backup["name"])
        ]
        if not found:
            raise MiniCloudError(f"There is no backup {name_or_id!r}.")
        if len(found) > 1:
            ids = ", ".join(backup["id"] for backup in found)
            raise MiniCloudError(f"Several backups are named {name_or_id!r}; use an id: {ids}")
        if found[0]["status"] != "COMPLETED":
            raise MiniCloudError(f"The backup {found[0]['id']} is {found[0]['status']}.")
        return str(found[0]["id"])

    def wait_until_healthy(
        self, instance: Instance, timeout: float, report: Callable[[str], None]
    ) -> None:
        """Wait until Trove would take a backup of the instance.

        :param timeout: in seconds.
        :raises WaitTimeoutError: it isn't so by then; the text holds what was seen instead.
        """
        started = time.monotonic()
        seen = ""
        while True:
            current = self.instance_state(instance.id)
            waited = time.monotonic() - started
            if current != seen:
                seen = current
                report(f"{instance.name}: {current} ({waited:.0f} s)")
            if current == "ACTIVE/HEALTHY":
                return
            if waited > timeout:
                raise WaitTimeoutError(
                    f"Instance {instance.name} is {current} after {waited:.0f} s."
                    f" {_supervisors_view(self._root, instance.id)}"
                )
            time.sleep(_POLL_INTERVAL)

    def _backups(self) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._get(f"/backups?limit={_PAGE}&marker={offset}")["backups"]
            yield from page
            if len(page) < _PAGE:
                return
            offset += _PAGE

    def _get(self, path: str) -> Any:
        try:
            return self._session.get(f"{self._url}{path}").json()
        except NotFound:
            raise
        except ClientException as error:
            raise MiniCloudError(f"Trove doesn't answer: {error}") from error


def _supervisors_view(root: Root, instance_id: str) -> str:
    status = state.load(root)
    for program in status.programs if status else ():
        if program.name.endswith(instance_id):
            return f"Its server is {program.state}, {program.restarts} restarts. {program.reason}"
    return "The mini cloud runs no server for it."
