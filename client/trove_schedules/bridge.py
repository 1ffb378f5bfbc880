# SPDX-License-Identifier: Apache-2.0
"""For code that has a python-troveclient client: its session, and its ``backups`` as a home."""

from __future__ import annotations

from typing import Any

from keystoneauth1.session import Session

from trove_schedules.errors import AuthenticationError
from trove_schedules.manager import ScheduledBackups

_METHODS = (
    "schedule_create",
    "schedule_list",
    "schedule_show",
    "schedule_delete",
    "execution_list",
    "execution_delete",
)


def from_trove_client(client: Any) -> ScheduledBackups:
    """Use the login, region and interface of a ``troveclient.v1.client.Client``.

    :raises AuthenticationError: the client was made without a keystoneauth session.
    """
    http = client.client
    session = getattr(http, "session", None)
    if session is None:
        raise AuthenticationError(
            "this python-troveclient client has no keystoneauth session (it was made from a user "
            "name and password, or for a fixed URL), so it can't reach Mistral; make it with "
            "session=…, and use the trove program without --bypass-url and --os-auth-system"
        )
    if http.auth is not None and http.auth is not session.auth:
        # The client was given a session without a login, and the login beside it.
        session = Session(
            auth=http.auth,
            session=session.session,
            verify=session.verify,
            cert=session.cert,
            timeout=session.timeout,
        )
    return ScheduledBackups(
        session, region_name=http.region_name or None, interface=http.interface or None
    )


def attach(client: Any) -> None:
    """Hang the spec's six methods on a troveclient client's ``backups``, over its own.

    :raises AuthenticationError: the client was made without a keystoneauth session.
    """
    schedules = from_trove_client(client)
    for name in _METHODS:
        setattr(client.backups, name, getattr(schedules, name))
