# SPDX-License-Identifier: Apache-2.0
"""Logins from clouds.yaml and OS_*, and which of them can create trusts."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
import requests
from keystoneauth1 import exceptions as keystone_exceptions, loading
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from urllib3.exceptions import ProtocolError

from trove_schedules.clients.session import (
    REQUEST_TIMEOUT,
    date_of,
    log_in,
    open_session,
    require_delegable,
    translated,
)
from trove_schedules.errors import (
    AuthenticationError,
    NotDelegableError,
    ServiceError,
    ServiceUnavailableError,
)

NOW = datetime(2026, 1, 2, 2, tzinfo=UTC)
CLOUDS = """
clouds:
  demo:
    auth: &auth
      auth_url: http://keystone.test/v3
      username: user
      password: secret
      project_name: demo
      user_domain_id: default
      project_domain_id: default
    region_name: RegionOne
    interface: internal
  hurried:
    auth: *auth
    api_timeout: 5
    interface: [internal, public]
  robot:
    auth_type: v3applicationcredential
    auth:
      auth_url: http://keystone.test/v3
      application_credential_id: id
      application_credential_secret: secret
  half:
    auth:
      username: user
"""


@pytest.fixture(autouse=True)
def clouds(tmp_path, monkeypatch):
    file = tmp_path / "clouds.yaml"
    file.write_text(CLOUDS)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    monkeypatch.chdir(tmp_path)
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"):
        monkeypatch.delenv(name, raising=False)


def test_a_cloud_gives_its_session_region_and_interface():
    session, region, interface = open_session("demo")
    assert isinstance(session, Session)
    assert (region, interface) == ("RegionOne", "internal")


def test_no_request_waits_for_ever():
    assert open_session("demo")[0].timeout == REQUEST_TIMEOUT


def test_the_configurations_own_timeout_is_kept():
    assert open_session("hurried")[0].timeout == 5


def test_of_several_interfaces_the_first_is_taken():
    assert open_session("hurried")[2] == "internal"


def test_os_cloud_names_the_cloud_where_none_is_given(monkeypatch):
    monkeypatch.setenv("OS_CLOUD", "demo")
    assert open_session(None)[1] == "RegionOne"


def test_the_variables_alone_are_a_login_too(monkeypatch):
    monkeypatch.setenv("OS_AUTH_URL", "http://keystone.test/v3")
    monkeypatch.setenv("OS_USERNAME", "user")
    monkeypatch.setenv("OS_PASSWORD", "secret")
    monkeypatch.setenv("OS_PROJECT_NAME", "demo")
    session, region, _ = open_session(None)
    assert session.auth is not None
    assert region is None


@pytest.mark.parametrize(
    ("cloud", "told"), [("nowhere", "'nowhere'"), ("half", "'half'"), (None, r"OS_\*")]
)
def test_a_login_that_is_not_there_or_not_whole_is_told_by_its_place(cloud, told):
    with pytest.raises(AuthenticationError, match=told):
        open_session(cloud)


def test_an_application_credential_is_known_before_any_request():
    with pytest.raises(NotDelegableError, match="user name and password"):
        require_delegable(open_session("robot")[0])


def test_so_it_is_where_keystoneauth_loaded_it():
    loader = loading.get_plugin_loader("v3applicationcredential")
    auth = loader.load_from_options(
        auth_url="http://keystone.test/v3",
        application_credential_id="id",
        application_credential_secret="secret",
    )
    with pytest.raises(NotDelegableError):
        require_delegable(Session(auth))


@pytest.mark.parametrize("plugin", ["v3password", "password", "v3token", "token"])
def test_passwords_and_tokens_may_be_able_to_delegate(plugin):
    loader = loading.get_plugin_loader(plugin)
    names = {option.dest for option in loader.get_options()}
    values = {"auth_url": "http://keystone.test/v3", "token": "t", "username": "u"}
    values |= {"password": "p", "user_domain_id": "default", "project_id": "p"}
    auth = loader.load_from_options(**{k: v for k, v in values.items() if k in names})
    require_delegable(Session(auth))


def test_a_session_without_auth_is_not_judged():
    require_delegable(Session())
    require_delegable(object())


def test_logging_in_asks_keystone_once(cloud):
    session = cloud.session()
    log_in(session)
    log_in(session)
    assert len(cloud.mock.request_history) == 1


def test_a_session_without_auth_cannot_log_in():
    with pytest.raises(AuthenticationError):
        log_in(Session())


def test_a_login_whose_connection_is_cut_is_sent_again(cloud):
    url = "http://keystone.test/v3/auth/tokens"
    cut = requests.exceptions.ConnectionError(ProtocolError("cut"))
    cloud.mock.post(url, [{"exc": cut}, {"status_code": 503}])
    with pytest.raises(ServiceUnavailableError) as caught:
        log_in(cloud.session())
    assert caught.value.status == 503


def test_so_is_a_question_for_the_time(cloud):
    cut = {"exc": requests.exceptions.ConnectionError(ProtocolError("cut"))}
    cloud.mock.get("http://trove.test/", [cut, {"headers": {"Date": format_datetime(NOW)}}])
    assert date_of(cloud.session(), "database", None, None) == NOW


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (keystone_exceptions.ConnectFailure("x"), ServiceUnavailableError),
        (keystone_exceptions.ConnectTimeout("x"), ServiceUnavailableError),
        (keystone_exceptions.UnknownConnectionError("x", OSError()), ServiceUnavailableError),
        (keystone_exceptions.EndpointNotFound("x"), ServiceError),
        (keystone_exceptions.MissingAuthPlugin("x"), AuthenticationError),
        (keystone_exceptions.Unauthorized("x"), AuthenticationError),
        (keystone_exceptions.InternalServerError("x"), ServiceError),
        (keystone_exceptions.BadGateway("x"), ServiceUnavailableError),
    ],
)
def test_what_keystoneauth_raises_becomes_ours_with_the_cause_kept(raised, expected):
    with pytest.raises(expected) as caught, translated("Trove", "list instances"):
        raise raised
    assert type(caught.value) is expected
    assert caught.value.__cause__ is raised
    assert "x" in str(caught.value)


def test_what_a_service_that_is_down_was_asked_is_not_told_in_full():
    url = "http://mistral.test/v2/executions?description=has%3Ax&fields=id%2Cname"
    said = f"Unable to connect to {url}: Max retries exceeded with url: {url} (Caused by 'refused')"
    with pytest.raises(ServiceUnavailableError) as caught, translated("Mistral", "list"):
        raise keystone_exceptions.ConnectFailure(said)
    bare = url.partition("?")[0]
    assert str(caught.value).endswith(
        f"Unable to connect to {bare}: Max retries exceeded with url: {bare} (Caused by 'refused')"
    )


def test_programming_errors_are_not_dressed_up():
    with pytest.raises(KeyError), translated("Trove", "list instances"):
        raise KeyError("bug")


def test_an_mfa_login_that_lacks_a_step_is_an_authentication_error(cloud):
    cloud.mock.post(
        "http://keystone.test/v3/auth/tokens",
        status_code=401,
        headers={"Openstack-Auth-Receipt": "receipt"},
        json={
            "receipt": {
                "methods": ["password"],
                "user": {"id": "u", "name": "u", "domain": {"id": "d", "name": "d"}},
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "expires_at": "2126-01-01T00:00:00.000000Z",
            },
            "required_auth_methods": [["password", "totp"]],
        },
    )
    with pytest.raises(AuthenticationError):
        log_in(Session(v3.Password("http://keystone.test/v3", username="u", password="p")))
