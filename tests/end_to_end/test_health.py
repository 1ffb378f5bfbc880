# SPDX-License-Identifier: Apache-2.0
"""Every health state, brought about for real: what is broken is really broken.

What takes minutes to be missed is broken all at once, for one tenant each, and looked at together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import requests

import trove_schedules
from tests.end_to_end.cloud import LiveCloud, finished, hung_tool, wait_for
from trove_minicloud import commands
from trove_minicloud.guest import datastores
from trove_minicloud.guest.errors import InstanceBusyError
from trove_schedules import ScheduledBackups
from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.health import Health, Limits, State

#: A due minute, the grace for it, and room for a busy machine.
NOTICED = 300.0
_DATABASE = {"service_type": "database"}
_WORKFLOW = {"service_type": "workflowv2"}


@dataclass(frozen=True)
class Tenant:
    """A tenant with one instance and a schedule for every minute."""

    api: ScheduledBackups
    user: str
    project: str
    instance: str
    schedule: str

    def health(self, limits: Limits | None = None) -> Health:
        [found] = self.api.schedule_health([self.schedule], limits=limits or Limits())
        return found


def _tenant(cloud: LiveCloud, name: str) -> Tenant:
    session, user = cloud.new_tenant()
    project = session.get_project_id()
    server = datastores.module("postgresql").create_server(cloud.root, name, project)
    api = trove_schedules.connect(session=session)
    wait_for("known instance", lambda: _status(session, server.id) in ("ACTIVE", "HEALTHY"), 60)
    schedule = api.schedule_create(server.id, "* * * * *", name)
    return Tenant(api, user, project, server.id, schedule.id)


def _status(session, instance: str) -> str | None:  # type: ignore[no-untyped-def]
    answer = session.get(f"/instances/{instance}", endpoint_filter=_DATABASE, raise_exc=False)
    return answer.json()["instance"]["status"] if answer.ok else None


#: Several states take minutes to come about.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def tenants(cloud: LiveCloud) -> Iterator[dict[str, Tenant]]:
    names = ("good", "disabled", "roleless", "stopped", "quota", "forgotten")
    made = {name: _tenant(cloud, name) for name in names}
    for each in made.values():
        finished(each.api, each.schedule, 1, 240)
    _break(cloud, made)
    yield made
    for each in made.values():
        _when_not_busy(lambda each=each: commands.delete(cloud.root, each.instance))


def _break(cloud: LiveCloud, made: dict[str, Tenant]) -> None:
    admin, keystone = cloud.session("minicloud-admin"), cloud.settings.keystone_url
    admin.patch(f"{keystone}/users/{made['disabled'].user}", json={"user": {"enabled": False}})
    [role] = admin.get(f"{keystone}/roles?name=member").json()["roles"]
    roleless = made["roleless"]
    # The tenant stays able to look: with another role than the one that was delegated.
    [reader] = admin.get(f"{keystone}/roles?name=reader").json()["roles"]
    grant = f"{keystone}/projects/{roleless.project}/users/{roleless.user}/roles"
    admin.put(f"{grant}/{reader['id']}")
    admin.delete(f"{grant}/{role['id']}")
    _when_not_busy(lambda: commands.stop(cloud.root, made["stopped"].instance))
    admin.put(
        f"/mgmt/quotas/{made['quota'].project}",
        json={"quotas": {"backups": 1}},
        endpoint_filter=_DATABASE,
    )


def _when_not_busy(do: Callable[[], object]) -> None:
    """Do to an instance what is refused while a backup of it runs."""

    def done() -> bool:
        try:
            do()
        except InstanceBusyError:
            return False
        return True

    wait_for("end of the instance's backup", done, 60)


def _noticed(tenant: Tenant, state: State) -> Health:
    def seen() -> Health | None:
        found = tenant.health()
        return found if found.state == state else None

    return wait_for(f"state {state}", seen, NOTICED)


def test_a_good_schedule_is_ok_and_says_how_good(tenants: dict[str, Tenant]) -> None:
    found = _noticed(tenants["good"], State.OK)
    assert found.missed == 0
    assert found.kept >= 1
    assert found.chain_depth == 1
    assert found.age is not None
    assert found.age < 300


def test_a_stopped_database_is_failed_with_the_cause(tenants: dict[str, Tenant]) -> None:
    found = _noticed(tenants["stopped"], State.FAILED)
    assert "SHUTDOWN" in found.reason
    assert found.missed >= 1


def test_a_used_up_quota_is_named(tenants: dict[str, Tenant]) -> None:
    found = _noticed(tenants["quota"], State.QUOTA)
    assert "quota" in found.reason.lower()
    assert found.quota_left == 0


@pytest.mark.parametrize("name", ["disabled", "roleless"])
def test_a_broken_trust_loses_runs_and_is_noticed(
    cloud: LiveCloud, tenants: dict[str, Tenant], name: str
) -> None:
    tenant = tenants[name]
    if name == "disabled":  # who is disabled can't look; an administrator of the project can
        tenant = _as_somebody_else(cloud, tenant)
    found = _noticed(tenant, State.LOST)
    assert "trust" in found.reason


def _as_somebody_else(cloud: LiveCloud, tenant: Tenant) -> Tenant:
    """Another member of the tenant's project."""
    other, user = cloud.new_tenant()
    admin, keystone = cloud.session("minicloud-admin"), cloud.settings.keystone_url
    [role] = admin.get(f"{keystone}/roles?name=member").json()["roles"]
    admin.put(f"{keystone}/projects/{tenant.project}/users/{user}/roles/{role['id']}")
    other.auth.project_id = tenant.project
    other.invalidate()
    return Tenant(
        trove_schedules.connect(session=other),
        user,
        tenant.project,
        tenant.instance,
        tenant.schedule,
    )


def test_without_mistral_s_history_trove_still_tells(tenants: dict[str, Tenant]) -> None:
    tenant = tenants["good"]
    for each in tenant.api.execution_list(tenant.schedule):
        if each.ended:
            tenant.api.execution_delete(each)
    found = _noticed(tenant, State.OK)
    assert found.kept >= 1


def test_pending_paused_and_stale_need_no_waiting(tenants: dict[str, Tenant]) -> None:
    tenant = tenants["forgotten"]
    assert tenant.health(Limits(max_age=timedelta(seconds=1))).state == State.STALE
    tenant.api.schedule_pause(tenant.schedule, force=True)
    assert tenant.health().state == State.PAUSED
    yearly = tenant.api.schedule_create(tenant.instance, "0 0 1 1 *", "yearly")
    [found] = tenant.api.schedule_health([yearly])
    assert found.state == State.PENDING


def test_a_backup_that_hangs_is_running_and_then_blocked(
    cloud: LiveCloud, tenants: dict[str, Tenant]
) -> None:
    tenant = tenants["forgotten"]
    tenant.api.schedule_pause(tenant.schedule, force=True)
    tenant.api.schedule_run(tenant.schedule)
    tool = hung_tool(cloud, tenant.instance)
    try:
        assert tenant.health().state == State.PAUSED, "a paused schedule is not looked at further"
        tenant.api.schedule_resume(tenant.schedule, force=True)
        assert tenant.health().state == State.RUNNING
        time.sleep(2)
        hung = tenant.health(Limits(blocked_after=timedelta(seconds=1)))
        assert hung.state == State.BLOCKED
    finally:
        tool.kill()


def test_a_trove_that_is_down_is_unknown(cloud: LiveCloud, tenants: dict[str, Tenant]) -> None:
    tenant = tenants["good"]
    with cloud.stopped("trove"):
        tenant.api._session.timeout = 3
        found = tenant.health()
    tenant.api._session.timeout = None
    assert found.state == State.UNKNOWN
    assert "Trove" in found.reason


def test_a_mistral_that_is_down_leaves_what_trove_knows(
    cloud: LiveCloud, tenants: dict[str, Tenant]
) -> None:
    tenant = tenants["good"]
    with cloud.stopped("mistral"):
        tenant.api._session.timeout = 3
        unknown = tenant.health()
        known = tenant.health(Limits(max_age=timedelta(hours=26)))
        with pytest.raises(ServiceUnavailableError, match="Mistral"):
            tenant.api.schedule_list()
    tenant.api._session.timeout = None
    assert unknown.state == State.UNKNOWN
    assert "Mistral" in unknown.reason
    assert known.state == State.OK


def test_a_mistral_that_fires_nothing_is_overdue(
    cloud: LiveCloud, tenants: dict[str, Tenant]
) -> None:
    url = cloud.settings.mistral_url.replace("/v2", "/maintenance")
    token = {"X-Auth-Token": cloud.session("minicloud-admin").get_token()}
    try:
        answer = requests.put(url, json={"status": "PAUSED"}, headers=token, timeout=10)
        assert answer.ok, answer.text
        found = _noticed(tenants["good"], State.OVERDUE)
        assert "periodic" in found.reason
    finally:
        requests.put(url, json={"status": "RUNNING"}, headers=token, timeout=10)
