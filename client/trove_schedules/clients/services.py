# SPDX-License-Identifier: Apache-2.0
"""The two services that every rule asks, as one login reaches them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from trove_schedules import clock
from trove_schedules.clients.mistral import Mistral, connect
from trove_schedules.clients.scope import OWN, Scope
from trove_schedules.clients.session import date_of, require_delegable
from trove_schedules.clients.trove import Trove

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from mistralclient.api.v2.client import Client as MistralClient


class Services:
    """Trove and Mistral of one project.

    :param session: the login.
    :param mistral: gives Mistral, when it is first needed.
    :param where: the region and the interface of the catalog's endpoints.
    """

    def __init__(
        self,
        session: Session,
        trove: Trove,
        mistral: Callable[[], Mistral],
        where: tuple[str | None, str | None] = (None, None),
    ) -> None:
        self.session = session
        self._where = where
        self.trove = trove
        self._mistral = mistral

    @classmethod
    def of(
        cls,
        session: Session,
        region_name: str | None,
        interface: str | None,
        scope: Scope = OWN,
    ) -> Services:
        """Those of the session's catalog.

        :param scope: whose objects they are asked for.
        """
        return cls(
            session,
            Trove(session, region_name, interface, scope),
            lambda: connect(session, region_name, interface, scope),
            (region_name, interface),
        )

    @cached_property
    def mistral(self) -> Mistral:
        """Mistral.

        :raises ServiceError: the catalog has none.
        """
        return self._mistral()

    def through(self, client: MistralClient | None) -> Services:
        """The same, but Mistral is asked by the caller's client, where there is one."""
        if client is None:
            return self
        return Services(self.session, self.trove, lambda: Mistral(client), self._where)

    def skews(self) -> dict[str, timedelta | None]:
        """How far Keystone, Mistral and Trove are ahead of this machine, by the dates of answers.

        None: the answer has none.
        """
        return {
            name: self._skew(service_type)
            for name, service_type in (
                ("Keystone", "identity"),
                ("Mistral", "workflowv2"),
                ("Trove", "database"),
            )
        }

    def _skew(self, service_type: str) -> timedelta | None:
        date = date_of(self.session, service_type, *self._where)
        # At once: the next service may take its time to answer.
        return None if date is None else date - clock.now()

    def require_delegable(self) -> None:
        """Refuse a login that can't create the trust which a cron trigger needs.

        :raises NotDelegableError: the login is known to be unable to.
        """
        require_delegable(self.session)
        require_delegable(self.mistral.session)
