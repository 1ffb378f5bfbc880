# SPDX-License-Identifier: Apache-2.0
"""Readiness by real requests: a token is issued, and a list is read with it."""

import contextlib
from collections.abc import Callable, Iterator

from keystoneauth1.exceptions import ClientException

from trove_minicloud.clients.sessions import admin_session, user_session
from trove_minicloud.settings import Settings
from trove_minicloud.supervision.program import NotReadyError

# Two requests of a probe have to be over within 5 seconds.
_TIMEOUT = 2.4


def issues_tokens(settings: Settings) -> Callable[[], None]:
    """Ready when the administrator can log in: so it is our Keystone, with our database."""

    def ready() -> None:
        with _failures_as_not_ready():
            admin_session(settings, _TIMEOUT).get_token()

    return ready


def answers(settings: Settings, url: str) -> Callable[[], None]:
    """Ready when the user can read this URL; `{project}` becomes the user's project id."""

    def ready() -> None:
        with _failures_as_not_ready():
            session = user_session(settings, _TIMEOUT)
            session.get(url.format(project=session.get_project_id()))

    return ready


@contextlib.contextmanager
def _failures_as_not_ready() -> Iterator[None]:
    try:
        yield
    except ClientException as error:
        raise NotReadyError(str(error)) from error
