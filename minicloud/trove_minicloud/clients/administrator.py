# SPDX-License-Identifier: Apache-2.0
"""What the operator asks: the end of an instance, whosever it is, and which projects there are."""

import time

from keystoneauth1.exceptions import ClientException, NotFound

from trove_minicloud.clients.sessions import admin_session
from trove_minicloud.clients.trove import Trove, fault_of
from trove_minicloud.errors import MiniCloudError, WaitTimeoutError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root

# Trove learns every other second which servers were added.
_KNOWN_TIMEOUT = 15.0
# Its server may take 90 seconds to stop.
_DELETED_TIMEOUT = 180.0
_POLL_INTERVAL = 0.5


class Administrator(Trove):
    """Requests of the administrator to Trove; the cloud has to be up.

    :raises NotUpError: it isn't.
    """

    def __init__(self, root: Root) -> None:
        super().__init__(root, admin_session)
        self._root = root

    def projects(self) -> dict[str, str]:
        """The names of all projects by their ids."""
        try:
            answer = self.session.get(f"{self.settings.keystone_url}/projects")
        except ClientException as error:
            raise MiniCloudError(f"Keystone doesn't answer: {error}") from error
        return {str(each["id"]): str(each["name"]) for each in answer.json()["projects"]}

    def delete_instance(self, instance: Instance) -> None:
        """Delete the instance, and wait until Trove has.

        :raises MiniCloudError: Trove refuses, or couldn't delete it, and why.
        :raises WaitTimeoutError: it is still there after three minutes.
        """
        before = self._request_deletion(instance)
        deadline = time.monotonic() + _DELETED_TIMEOUT
        while (shown := self.instance(instance.id)) is not None:
            fault = shown.get("fault")
            if fault != before and fault_of(shown).startswith("The instance could not be deleted"):
                raise MiniCloudError(fault_of(shown))
            if time.monotonic() > deadline:
                raise WaitTimeoutError(
                    f"Instance {instance.name} is {shown['status']} {_DELETED_TIMEOUT:.0f} s after"
                    " its deletion was asked for."
                )
            time.sleep(_POLL_INTERVAL)

    def _request_deletion(self, instance: Instance) -> object:
        """The instance's fault of before."""
        deadline = time.monotonic() + _KNOWN_TIMEOUT
        while True:
            try:
                shown = self.instance(instance.id) or {}
                self.request("DELETE", f"/instances/{instance.id}")
                return shown.get("fault")
            except NotFound:
                if not instance.folder(self._root).exists():
                    return None
                if time.monotonic() > deadline:
                    raise MiniCloudError(
                        f"Trove doesn't know instance {instance.name}; see: trove-minicloud logs"
                        " trove"
                    ) from None
            time.sleep(_POLL_INTERVAL)
