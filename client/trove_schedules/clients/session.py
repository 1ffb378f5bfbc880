# SPDX-License-Identifier: Apache-2.0
"""Keystone sessions: from clouds.yaml or OS_*, or one that the caller has already."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import urljoin

import requests
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1.identity.base import BaseIdentityPlugin
from urllib3.exceptions import ProtocolError

from trove_schedules.errors import (
    AuthenticationError,
    NotDelegableError,
    PermissionDeniedError,
    ScheduledBackupError,
    ServiceError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from keystoneauth1.session import Session

T = TypeVar("T")

#: Seconds before a request of a command, or of a session made here, is given up.
REQUEST_TIMEOUT = 60

_NOT_DELEGABLE = (
    "a schedule needs a Keystone trust, and application credentials (or tokens made from one, or "
    "from a trust) can't create trusts; log in with user name and password, or a token of such a "
    "login (listing and showing schedules works with this login)"
)

#: The header in which a service tells its id of a request.
REQUEST_ID = "x-openstack-request-id"

#: Keystoneauth's words for it, and those of a plain HTTP session in the caller's own client.
_NO_ANSWER = (
    keystone_exceptions.ConnectionError,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
)

_QUERY = re.compile(r"\?[^\s:)]*")
_KINDS: dict[int, type[ServiceError]] = {
    HTTPStatus.FORBIDDEN: PermissionDeniedError,
    HTTPStatus.BAD_GATEWAY: ServiceUnavailableError,
    HTTPStatus.SERVICE_UNAVAILABLE: ServiceUnavailableError,
    HTTPStatus.GATEWAY_TIMEOUT: ServiceUnavailableError,
}


def open_session(cloud: str | None) -> tuple[Session, str | None, str | None]:
    """Make a session for an entry of clouds.yaml, or (cloud is None) for the OS_* variables.

    :returns: the session, and the region and interface that the configuration names.
    :raises AuthenticationError: there is no such entry, or it lacks something.
    """
    # openstacksdk takes a while to import; a caller with a session of its own never needs it.
    from openstack.config import OpenStackConfig
    from openstack.exceptions import ConfigException

    try:
        region = OpenStackConfig().get_one(cloud=cloud)
        session = region.get_session()
        interface = region.get_interface()
    except (ConfigException, keystone_exceptions.ClientException) as error:
        where = f"the cloud {cloud!r} of clouds.yaml" if cloud else "the OS_* variables"
        raise AuthenticationError(f"can't log in with {where}: {error}") from error
    bound(session)
    if isinstance(interface, list):  # clouds.yaml may name several, the best first
        interface = interface[0]
    return session, region.region_name or None, interface or None


def bound(session: Session) -> Session:
    """Have the session give up requests that take too long, unless it says for itself when to."""
    if session.timeout is None:
        session.timeout = REQUEST_TIMEOUT
    return session


def user_name(session: Session) -> str | None:
    """The name of the user who is logged in; None where the login doesn't say."""
    if not isinstance(session.auth, BaseIdentityPlugin):
        return None
    log_in(session)
    name: str | None = session.auth.get_access(session).username
    return name


def require_delegable(session: object) -> None:
    """Refuse, before any request, a session whose login is known to be unable to create trusts.

    :raises NotDelegableError: it uses an application credential.
    """
    auth = getattr(session, "auth", None)
    methods = {type(method).__name__ for method in getattr(auth, "auth_methods", ())}
    if "ApplicationCredentialMethod" in methods:
        raise NotDelegableError(_NOT_DELEGABLE)


def raise_not_delegable(cause: BaseException) -> NoReturn:
    """Say the same when only the service noticed."""
    raise NotDelegableError(_NOT_DELEGABLE) from cause


def service_error(
    service: str, operation: str, status: int, message: str, request_id: str | None
) -> ScheduledBackupError:
    """The error for an HTTP answer; a 404 is a ServiceError, for the caller to say of what."""
    if status == HTTPStatus.UNAUTHORIZED:
        return AuthenticationError(f"{service} refused the login ({operation}): {message}")
    kind = _KINDS.get(status, ServiceError)
    return kind(message, service=service, operation=operation, status=status, request_id=request_id)


@contextmanager
def translated(service: str, operation: str) -> Iterator[None]:
    """Turn what keystoneauth raises on the way to a service into this package's errors."""
    try:
        yield
    except keystone_exceptions.HttpError as error:
        raise service_error(
            service,
            operation,
            error.http_status,
            answer_text(error.response) or error.message or str(error),
            error.request_id,
        ) from error
    except _NO_ANSWER as error:
        # It names the whole request twice.
        said = _QUERY.sub("", str(error))
        raise ServiceUnavailableError(said, service=service, operation=operation) from error
    except keystone_exceptions.CatalogException as error:
        raise ServiceError(
            f"{error}; is it installed in this cloud and region?",
            service=service,
            operation=operation,
        ) from error
    except keystone_exceptions.ClientException as error:
        raise AuthenticationError(
            f"can't log in to ask {service} ({operation}): {error}"
        ) from error


def log_in(session: Session) -> None:
    """Get a token, if there is none, so that Keystone's troubles aren't another service's."""
    with translated("Keystone", "log in"):
        asked(session.get_auth_headers)


def asked(send: Callable[[], T]) -> T:
    """Send a request that changes nothing; send it again, once, if its connection is cut.

    Servers and load balancers close a connection that has been idle, and may do so in the moment
    in which the next request is sent on it. A request that changes something isn't sent again:
    nobody knows whether it was carried out.
    """
    try:
        return send()
    except _NO_ANSWER as error:
        if not _cut(error):
            raise
    return send()


def _cut(error: BaseException) -> bool:
    """Whether there was a connection, and it ended before the answer."""
    if not isinstance(error, requests.exceptions.ConnectionError):
        # Keystoneauth says the same in its own words.
        return error.__context__ is not None and _cut(error.__context__)
    return any(isinstance(each, ProtocolError) for each in error.args)


def date_of(
    session: Session, service_type: str, region_name: str | None, interface: str | None
) -> datetime | None:
    """The time, to the second, by the answer of a service of the catalog; None if it has no date.

    :raises ServiceUnavailableError: it gives no answer.
    """
    with translated(service_type, "ask for the time"):
        url = session.get_endpoint(
            service_type=service_type, region_name=region_name, interface=interface or "public"
        )
        if url is None:
            return None
        # Whatever it answers at its root: every answer has a date.
        answer = asked(
            lambda: session.get(
                urljoin(url, "/"), authenticated=False, raise_exc=False, redirect=False
            )
        )
    date = answer.headers.get("Date")
    try:
        return parsedate_to_datetime(date) if date else None
    except ValueError:
        return None


@contextmanager
def reading(service: str, operation: str) -> Iterator[None]:
    """Turn what goes wrong when an answer lacks something, or has another form, into our error.

    Rows are read in here, and nothing else is done.

    :raises ServiceError: an answer must not be understood by half, or be taken for an empty one.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ServiceError(
            f"unexpected answer, not what {service} sends ({type(error).__name__}: {error}); "
            "is there a proxy between, or a release that this package doesn't know?",
            service=service,
            operation=operation,
        ) from error


def text_in(row: dict[str, Any], key: str) -> str:
    """A text that a row must have."""
    value = row[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}, not a text")
    return value


def json_object(service: str, operation: str, response: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer.

    :raises ServiceError: it holds something else, as a proxy's pages do.
    """
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    raise ServiceError(
        f"the answer is not a JSON object: {response.text[:200]!r}",
        service=service,
        operation=operation,
        status=response.status_code,
        request_id=response.headers.get(REQUEST_ID),
    )


def answer_text(response: requests.Response | None) -> str | None:
    """What a service said in an error's body: Mistral's, Trove's or Keystone's form, or none."""
    if response is None:
        return None
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    inner = next((each for each in body.values() if isinstance(each, dict)), {})
    text = body.get("faultstring") or inner.get("message")
    return str(text) if text else None
