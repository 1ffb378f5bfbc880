# SPDX-License-Identifier: Apache-2.0
"""Readiness by real requests: a token is issued, and a list is read with it.

That Keystone gives no token is Keystone's fault alone: it says nothing of the service that was to
be asked with it.
"""

import contextlib
from collections.abc import Callable, Iterator

from keystoneauth1.exceptions import ClientException, HttpError

from trove_minicloud.clients.sessions import admin_session, user_session
from trove_minicloud.settings import Settings
from trove_minicloud.supervision.program import NotReadyError

# For each request. A program is restarted for answers that don't come, so a busy machine gets time.
_TIMEOUT = 10.0
# Whoever limits requests answers them.
_TOO_MANY = (413, 429)


class NoLoginError(Exception):
    """The service can't be asked, because Keystone gives no token."""


def issues_tokens(settings: Settings) -> Callable[[], None]:
    """Ready when the administrator can log in: so it is our Keystone, with our database."""

    def ready() -> None:
        with _failures_as_not_ready():
            admin_session(settings, _TIMEOUT).get_token()

    return ready


def answers(settings: Settings, url: str) -> Callable[[], None]:
    """Ready when the user can read this URL; `{project}` becomes the user's project id."""

    def ready() -> None:
        session = user_session(settings, _TIMEOUT)
        try:
            project = session.get_project_id()
        except ClientException as error:
            raise NoLoginError(f"Keystone gives no token: {error}") from error
        with _failures_as_not_ready():
            try:
                session.get(url.format(project=project))
            except HttpError as error:
                # Trove counts our requests with those of the user.
                if error.http_status not in _TOO_MANY:
                    raise

    return ready


@contextlib.contextmanager
def _failures_as_not_ready() -> Iterator[None]:
    try:
        yield
    except ClientException as error:
        raise NotReadyError(str(error)) from error
