# SPDX-License-Identifier: Apache-2.0
"""Logins to the cloud: as its administrator, and as the user."""

from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from trove_minicloud.settings import PROJECT, USER, Settings


def admin_session(settings: Settings, timeout: float) -> Session:
    """A session of the cloud's administrator; the timeout is in seconds for each request."""
    return _session(settings, "admin", settings.admin_password, "admin", timeout)


def user_session(settings: Settings, timeout: float) -> Session:
    """A session of the plain member that people work as."""
    return _session(settings, USER, settings.demo_password, PROJECT, timeout)


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
