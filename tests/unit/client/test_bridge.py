# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest
from keystoneauth1.identity.v3 import Token
from keystoneauth1.session import Session
from troveclient.v1.client import Client

from trove_schedules import bridge
from trove_schedules.clients.session import date_of
from trove_schedules.errors import AuthenticationError, ScheduleNotFoundError
from trove_schedules.manager import ScheduledBackups

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"


@pytest.fixture
def wire(requests_mock: Any) -> Any:
    """A Keystone whose catalog has both services in two regions, each for two interfaces."""
    catalog = [
        {
            "id": kind,
            "type": kind,
            "endpoints": [
                {
                    "id": f"{kind}-{region}-{interface}",
                    "interface": interface,
                    "region": region,
                    "region_id": region,
                    "url": f"http://{region}-{interface}:{path}".lower(),
                }
                for region in ("North", "South")
                for interface in ("public", "internal")
            ],
        }
        for kind, path in (("database", "8779/v1.0/p"), ("workflowv2", "8989/v2"))
    ]
    domain = {"id": "default", "name": "Default"}
    token = {
        "methods": ["token"],
        "issued_at": "2016-06-14T14:00:00.000000Z",
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "user": {"id": "u", "name": "demo", "domain": domain},
        "project": {"id": "p", "name": "demo", "domain": domain},
        "catalog": catalog,
    }
    requests_mock.post(
        "http://keystone/v3/auth/tokens", json={"token": token}, headers={"X-Subject-Token": "t"}
    )
    return requests_mock


def login() -> Token:
    return Token("http://keystone/v3", token="given", project_name="demo", project_domain_id="d")


def trove_client(**how: Any) -> Client:
    return Client(**{"region_name": "South", "endpoint_type": "internalURL"} | how)


def no_triggers(wire: Any, host: str) -> None:
    wire.get(f"http://{host}:8989/v2/cron_triggers", json={"cron_triggers": []})


def test_a_session_with_its_login_is_used_as_it_is(wire):
    no_triggers(wire, "south-internal")
    session = Session(auth=login())
    schedules = bridge.from_trove_client(trove_client(session=session))
    assert schedules.schedule_list() == []
    assert schedules._own.session is session


def test_a_login_beside_the_session_is_used_with_the_sessions_settings(wire):
    no_triggers(wire, "south-internal")
    session = Session(verify="/etc/ca.pem", cert=("c", "k"), timeout=7)
    schedules = bridge.from_trove_client(trove_client(session=session, auth=login()))
    assert schedules.schedule_list() == []
    request = wire.last_request
    assert request.headers["X-Auth-Token"] == "t"
    assert (request.verify, request.cert, request.timeout) == ("/etc/ca.pem", ("c", "k"), 7)
    assert session.auth is None


def test_a_client_with_no_region_uses_the_catalogs_first_public_endpoint(wire):
    no_triggers(wire, "north-public")
    client = trove_client(session=Session(auth=login()), region_name="", endpoint_type="publicURL")
    assert bridge.from_trove_client(client).schedule_list() == []


def test_a_client_without_a_session_is_refused():
    client = Client("demo", "secret", "demo", auth_url="http://keystone/v3")
    with pytest.raises(AuthenticationError, match="session="):
        bridge.from_trove_client(client)
    with pytest.raises(AuthenticationError, match="session="):
        bridge.attach(client)


def test_attach_hangs_the_specs_methods_on_backups(wire):
    no_triggers(wire, "south-internal")
    client = trove_client(session=Session(auth=login()))
    assert bridge.attach(client) is None
    with pytest.raises(ScheduleNotFoundError):
        client.backups.schedule_show(SCHEDULE)
    for name in (
        "schedule_create",
        "schedule_list",
        "schedule_show",
        "schedule_delete",
        "execution_list",
        "execution_delete",
    ):
        ours = inspect.signature(getattr(ScheduledBackups, name)).parameters
        assert list(inspect.signature(getattr(client.backups, name)).parameters) == list(ours)[1:]


def test_the_clocks_are_those_of_the_endpoints_that_are_used(wire):
    date = {"Date": "Tue, 10 Mar 2026 02:00:00 GMT"}
    for port in (8779, 8989):
        wire.get(f"http://south-internal:{port}/", status_code=300, headers=date)
    session = Session(auth=login())
    moment = datetime(2026, 3, 10, 2, tzinfo=UTC)
    for service in ("database", "workflowv2"):
        assert date_of(session, service, "South", "internal") == moment
