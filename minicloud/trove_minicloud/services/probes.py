# SPDX-License-Identifier: Apache-2.0
"""Readiness by real requests: a token is issued, and a list is read with it."""

import contextlib
from collections.abc import Callable, Iterator

from keystoneauth1.exceptions import ClientException
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from trove_minicloud.programs import NotReadyError
from trove_minicloud.settings import PROJECT, USER, Settings

# Two requests of a probe have to be over within 5 seconds.
_TIMEOUT = 2.4


def admin_session(settings: Settings, timeout: float = _TIMEOUT) -> Session:
    """A session of the cloud's administrator; the timeout is in seconds for each request."""
    return _session(settings, "admin", settings.admin_password, "admin", timeout)


def tenant_session(settings: Settings, timeout: float = _TIMEOUT) -> Session:
    """A session of the plain member that people work as."""
    return _session(settings, USER, settings.demo_password, PROJECT, timeout)


def issues_tokens(settings: Settings) -> Callable[[], None]:
    """Ready when the administrator can log in: so it is our Keystone, with our database."""

    def ready() -> None:
        with _failures_as_not_ready():
            admin_session(settings).get_token()

    return ready


def answers(settings: Settings, url: str) -> Callable[[], None]:
    """Ready when the tenant can read this URL; `{project}` becomes the tenant's project id."""

    def ready() -> None:
        with _failures_as_not_ready():
            session = tenant_session(settings)
            session.get(url.format(project=session.get_project_id()))

    return ready


def _session(settings: Settings, user: str, password: str, project: str, timeout: float) -> Session:
    auth = v3.Password(
        auth_url=settings.keystone_url,
        username=user,
        password=password,
        project_name=project,
        user_domain_name="Default",
        project_domain_name="Default",
    )
    return Session(auth=auth, timeout=timeout)


@contextlib.contextmanager
def _failures_as_not_ready() -> Iterator[None]:
    try:
        yield
    except ClientException as error:
        raise NotReadyError(str(error)) from error
