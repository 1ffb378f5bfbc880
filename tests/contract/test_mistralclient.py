# SPDX-License-Identifier: Apache-2.0
"""What the schedules assume of python-mistralclient."""

import inspect

import pytest
import requests
from mistralclient.api.httpclient import HTTPClient
from mistralclient.api.v2.client import Client


def test_managers_share_an_http_client_with_its_session_and_project():
    client = Client(mistral_url="http://m/v2", auth_token="t", project_id="p")
    http = client.cron_triggers.http_client
    assert isinstance(http, HTTPClient)
    assert isinstance(http.session, requests.Session)
    assert http.project_id == "p"
    assert http is client.executions.http_client


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("get", ["url", "headers"]),
        ("delete", ["url", "headers"]),
        ("post", ["url", "body", "headers"]),
        ("put", ["url", "body", "headers"]),
    ],
)
def test_the_http_client_has_the_four_methods(method, arguments):
    function = inspect.unwrap(HTTPClient.__dict__[method])
    closed_over = inspect.getclosurevars(function).nonlocals.get("func", function)
    assert list(inspect.signature(closed_over).parameters)[1:] == arguments


def test_a_given_session_is_used_as_it_is():
    session = requests.Session()
    client = Client(mistral_url="http://m/v2", session=session)
    assert client.cron_triggers.http_client.session is session


def test_without_an_auth_url_making_a_client_sends_nothing(requests_mock):
    Client(mistral_url="http://m/v2", auth_token="t")
    assert requests_mock.request_history == []


def test_content_types_can_be_chosen_and_default_to_json(requests_mock):
    requests_mock.post("http://m/v2/workbooks", text="{}")
    http = Client(mistral_url="http://m/v2", auth_token="t").workbooks.http_client
    http.post("/workbooks", b"text", headers={"content-type": "text/plain"})
    http.post("/workbooks", "{}")
    types = [each.headers["content-type"] for each in requests_mock.request_history]
    assert types == ["text/plain", "application/json"]
    assert requests_mock.request_history[0].headers["X-Auth-Token"] == "t"


def test_its_own_lists_drop_the_next_link(requests_mock):
    # Why requests don't go through the managers.
    page = {"cron_triggers": [], "next": "http://m/v2/cron_triggers?marker=x"}
    requests_mock.get("http://m/v2/cron_triggers", json=page)
    found = Client(mistral_url="http://m/v2", auth_token="t").cron_triggers.list()
    assert found == []
    assert not hasattr(found, "next")
