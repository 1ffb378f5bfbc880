# SPDX-License-Identifier: Apache-2.0
"""What the schedules assume of keystoneauth."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import requests
from keystoneauth1 import exceptions, loading
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from trove_schedules.clients.session import asked

AUTH = "http://keystone.test/v3"


def test_an_application_credential_shows_in_the_plugins_methods():
    auth = v3.ApplicationCredential(
        AUTH, application_credential_id="i", application_credential_secret="s"
    )
    assert [type(each).__name__ for each in auth.auth_methods] == ["ApplicationCredentialMethod"]


def test_so_it_does_among_several_methods():
    loader = loading.get_plugin_loader("v3multifactor")
    auth = loader.load_from_options(
        auth_url=AUTH,
        auth_methods=["v3applicationcredential"],
        application_credential_id="i",
        application_credential_secret="s",
    )
    assert [type(each).__name__ for each in auth.auth_methods] == ["ApplicationCredentialMethod"]


def test_the_errors_of_logins_and_services_have_one_parent():
    for error in (
        exceptions.HttpError,
        exceptions.ConnectionError,
        exceptions.CatalogException,
        exceptions.AuthPluginException,
        exceptions.AuthorizationFailure,
        exceptions.DiscoveryFailure,
        exceptions.InvalidResponse,
        exceptions.MissingAuthMethods,
    ):
        assert issubclass(error, exceptions.ClientException)


def test_timeouts_and_broken_connections_are_connection_errors():
    for error in (exceptions.ConnectFailure, exceptions.ConnectTimeout, exceptions.SSLError):
        assert issubclass(error, exceptions.ConnectionError)


def test_a_missing_service_is_a_catalog_exception():
    assert issubclass(exceptions.EndpointNotFound, exceptions.CatalogException)
    assert issubclass(exceptions.EmptyCatalog, exceptions.CatalogException)


def test_an_http_error_holds_response_status_and_request_id():
    response = requests.Response()
    response.status_code = 503
    response.headers["x-openstack-request-id"] = "req-1"
    error = exceptions.from_response(response, "GET", AUTH)
    assert (error.http_status, error.request_id, error.response) == (503, "req-1", response)


def test_a_session_has_a_timeout_that_can_be_set():
    assert Session().timeout is None
    assert "get_auth_headers" in dir(Session)


@pytest.fixture
def cutting() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that ends its first connection without an answer; what it was sent.

    Every further request is answered.
    """
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        received.append(connection.recv(65536))
                        if len(received) > 1:
                            connection.sendall(
                                b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
                            )

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", received
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize("session", [Session(), requests.Session()], ids=["keystoneauth", "plain"])
def test_a_connection_that_is_cut_is_told_from_one_that_is_refused(session, cutting):
    url, received = cutting
    assert asked(lambda: session.get(url)).status_code == 204
    assert len(received) == 2


@pytest.mark.parametrize("session", [Session(), requests.Session()], ids=["keystoneauth", "plain"])
def test_who_refuses_a_connection_is_asked_once(session):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    tried: list[str] = []

    def send() -> object:
        tried.append(url)
        return session.get(url)

    with pytest.raises((exceptions.ConnectFailure, requests.exceptions.ConnectionError)):
        asked(send)
    assert len(tried) == 1
