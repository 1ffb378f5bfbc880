# SPDX-License-Identifier: Apache-2.0
"""What the schedules assume of keystoneauth."""

import requests
from keystoneauth1 import exceptions, loading
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

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
