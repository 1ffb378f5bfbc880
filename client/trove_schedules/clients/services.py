# SPDX-License-Identifier: Apache-2.0
"""The two services that every rule asks, as one login reaches them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from trove_schedules.clients import mistral
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.session import require_delegable
from trove_schedules.clients.trove import Trove

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from mistralclient.api.v2.client import Client as MistralClient


class Services:
    """Trove and Mistral of one project, each looked for when it is first needed.

    :param session: the login.
    :param client: a python-mistralclient client to use instead of the session's own Mistral.
    """

    def __init__(
        self,
        session: Session,
        region_name: str | None,
        interface: str | None,
        client: MistralClient | None = None,
    ) -> None:
        self.session = session
        self._where = region_name, interface
        self._client = client

    @cached_property
    def trove(self) -> Trove:
        return Trove(self.session, *self._where)

    @cached_property
    def mistral(self) -> Mistral:
        """Mistral.

        :raises ServiceError: the catalog has none.
        """
        if self._client is not None:
            return Mistral(self._client)
        return mistral.connect(self.session, *self._where)

    def through(self, client: MistralClient | None) -> Services:
        """The same, but Mistral is asked through the caller's client, where there is one."""
        return self if client is None else Services(self.session, *self._where, client)

    def require_delegable(self) -> None:
        """Refuse a login that can't create the trust which a cron trigger needs.

        :raises NotDelegableError: the login is known to be unable to.
        """
        require_delegable(self.session)
        require_delegable(self.mistral.session)
