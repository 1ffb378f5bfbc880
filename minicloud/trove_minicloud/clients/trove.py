# SPDX-License-Identifier: Apache-2.0
"""Requests to the Trove of a mini cloud that is up."""

import shlex
from collections.abc import Callable
from typing import Any

from keystoneauth1.exceptions import ClientException, HTTPClientError, NotFound
from keystoneauth1.session import Session

from trove_minicloud import settings
from trove_minicloud.errors import MiniCloudError, NotUpError
from trove_minicloud.root import Root
from trove_minicloud.settings import Settings
from trove_minicloud.supervision import state

_TIMEOUT = 30.0


class Trove:
    """Trove's API with the login of `session_of`; every call takes 30 seconds at most.

    :raises NotUpError: the mini cloud isn't up.
    """

    def __init__(self, root: Root, session_of: Callable[[Settings, float], Session]) -> None:
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
                " Start it with: trove-minicloud up --detach"
                f" --root {shlex.quote(str(root.path))}"
            )
        self.settings = chosen
        self.session = session_of(chosen, _TIMEOUT)
        try:
            self.project_id = str(self.session.get_project_id())
        except ClientException as error:
            raise MiniCloudError(f"Keystone doesn't answer: {error}") from error
        self._url = f"{chosen.trove_url}/{self.project_id}"

    def token(self) -> str:
        return str(self.session.get_token())

    def instance(self, instance_id: str) -> dict[str, Any] | None:
        """The instance as Trove shows it; None where Trove knows none of this id."""
        try:
            return dict(self.request("GET", f"/instances/{instance_id}")["instance"])
        except NotFound:
            return None

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; None where it is empty.

        :raises NotFound: Trove knows no such thing.
        :raises MiniCloudError: Trove refuses, and why; or it doesn't answer.
        """
        try:
            answer = self.session.request(f"{self._url}{path}", method, json=body)
        except NotFound:
            raise
        except HTTPClientError as error:
            raise MiniCloudError(f"Trove refuses: {_cause(error)}") from error
        except ClientException as error:
            raise MiniCloudError(f"Trove doesn't answer: {error}") from error
        return answer.json() if answer.content else None


def fault_of(instance: dict[str, Any]) -> str:
    """What went wrong with the instance, in one line; empty where nothing is said to have."""
    # Trove breaks it into lines.
    return " ".join(str(instance.get("fault", {}).get("message", "")).split())


def _cause(error: HTTPClientError) -> str:
    """Trove's own words, which it gives under a name of their own for each kind of refusal."""
    if error.response is None:
        return str(error)
    try:
        (fault,) = error.response.json().values()
        return f"{fault['message']} (HTTP {error.http_status})"
    except (KeyError, TypeError, ValueError):
        return str(error)
