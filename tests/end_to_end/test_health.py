# SPDX-License-Identifier: Apache-2.0
"""Every health state, brought about for real: what is broken is really broken.

What takes minutes to be missed is broken all at once, for one tenant each, and looked at together,
with the command that monitoring runs. Each look is printed: ``pytest -rP`` shows them as a table.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import yaml

import trove_schedules
from tests.end_to_end.cloud import (
    FIRING_TIMEOUT,
    NEVER_SOON,
    LiveCloud,
    fill,
    finished,
    hung_tool,
    leave_room,
    wait_for,
)
from trove_minicloud.commands import databases
from trove_minicloud.errors import InstanceBusyError
from trove_minicloud.guest import datastores
from trove_schedules import ScheduledBackups
from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.health import Health, State
from trove_schedules.health.seen import GRACE

#: A due minute, the grace for it, and room for a busy machine.
NOTICED = 300.0
PERIOD = timedelta(minutes=1)
_DATABASE = {"service_type": "database"}


@dataclass
class Tenant:
    """A tenant with one instance and one schedule, and the login that looks at it."""

    cloud: LiveCloud
    api: ScheduledBackups
    user: str
    project: str
    clouds_file: Path
    instance: str = ""
    schedule: str = ""
    broken_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def health(self) -> Health:
        [found] = self.api.schedule_health([self.schedule])
        return found

    def line(self, how: str, *options: str, schedule: str = "") -> tuple[State, int, str]:
        """The state, exit status and reason that the command gives."""
        command = ("schedule", "health", schedule or self.schedule, *options)
        columns = ("-f", "value", "-c", "State", "-c", "Reason")
        done = self.cloud.openstack(
            *command, *columns, cloud="tenant", check=False, clouds_file=self.clouds_file
        )
        assert done.out.count("\n") == 1, done
        state, _, reason = done.out.strip().partition(" ")
        print(f"| {how} | {' '.join(options)} | {state} {reason} | {done.status} |")  # noqa: T201
        return State(state), done.status, reason


def _login(cloud: LiveCloud, project: str = "") -> Tenant:
    """A new user, of a new project or of that of another tenant."""
    name, password = f"tenant-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    session, user = cloud.new_tenant(name, password)
    if project:
        admin, keystone = cloud.session("minicloud-admin"), cloud.settings.keystone_url
        [role] = admin.get(f"{keystone}/roles?name=member").json()["roles"]
        admin.put(f"{keystone}/projects/{project}/users/{user}/roles/{role['id']}")
        session.auth.project_id = project
        session.invalidate()
    project = project or session.get_project_id()
    auth = {
        "auth_url": cloud.settings.keystone_url,
        "user_id": user,
        "password": password,
        "project_id": project,
    }
    clouds_file = cloud.root.path / f"{name}.yaml"
    clouds_file.touch(0o600)
    clouds_file.write_text(yaml.safe_dump({"clouds": {"tenant": {"auth": auth}}}))
    return Tenant(cloud, trove_schedules.connect(session=session), user, project, clouds_file)


def _tenant(cloud: LiveCloud, name: str) -> Tenant:
    tenant = _login(cloud)
    server = datastores.named("postgresql").create_server(cloud.root, name, tenant.project)
    tenant.instance = server.id
    session = tenant.api._session
    wait_for("known instance", lambda: _status(session, server.id) in ("ACTIVE", "HEALTHY"), 180)
    return tenant


def _status(session: Any, instance: str) -> str | None:
    answer = session.get(f"/instances/{instance}", endpoint_filter=_DATABASE, raise_exc=False)
    return answer.json()["instance"]["status"] if answer.ok else None


@pytest.fixture(scope="module")
def tenants(cloud: LiveCloud) -> Iterator[dict[str, Tenant]]:
    often = ("good", "disabled", "roleless", "stopped", "quota")
    made = {name: _tenant(cloud, name) for name in (*often, "killed", "forgotten")}
    # A backup of a moment, that can be met on its way.
    fill("killed", cloud, megabytes=50)
    fill("forgotten", cloud, megabytes=50)
    leave_room(30)
    due = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)
    for name, each in made.items():
        pattern = "* * * * *" if name in often else f"{due.minute} * * * *"
        each.schedule = each.api.schedule_create(each.instance, pattern, name, attempts=1).id
    wait_for("due minute", lambda: datetime.now(UTC) >= due - timedelta(seconds=3), 180)
    hung_tool(cloud, made["killed"].instance, FIRING_TIMEOUT).kill()
    for each in made.values():
        finished(each.api, each.schedule, 1)
    _break(cloud, made)
    yield made
    for each in made.values():
        _when_not_busy(lambda each=each: databases.delete(cloud.root, each.instance, force=True))


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
    made["disabled"].broken_at = roleless.broken_at = datetime.now(UTC)
    _when_not_busy(lambda: databases.stop(cloud.root, made["stopped"].instance))
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

    wait_for("end of the instance's backup", done, 240)


def _noticed(tenant: Tenant, state: State, how: str, *options: str) -> str:
    """The reason that goes with the state, once the command tells it, with its exit status."""

    def told() -> tuple[State, int, str] | None:
        # Asking the API costs less than typing the command over and over.
        if not options and tenant.health().state != state:
            return None
        line = tenant.line(how, *options)
        return line if line[0] == state else None

    found, status, reason = wait_for(f"state {state}", told, NOTICED)
    assert status == found.exit_status
    return reason


@pytest.fixture(scope="module")
def hung(cloud: LiveCloud, tenants: dict[str, Tenant]) -> Iterator[str]:
    """A schedule whose backup hangs."""
    tenant = tenants["forgotten"]
    schedule = tenant.api.schedule_create(tenant.instance, NEVER_SOON, "hung").id
    tenant.api.schedule_run(schedule)
    tool = hung_tool(cloud, tenant.instance)
    yield schedule
    with suppress(psutil.NoSuchProcess):  # a restart of Trove ends it too
        tool.kill()


def test_a_good_schedule_is_ok_and_says_how_good(tenants: dict[str, Tenant]) -> None:
    assert _noticed(tenants["good"], State.OK, "all is well").startswith("last backup ")

    def good() -> Health | None:
        seen = tenants["good"].health()
        return seen if seen.state == State.OK else None

    # At another moment the next backup is due.
    found = wait_for("state OK", good, NOTICED)
    assert found.missed == 0
    assert found.kept >= 1
    assert found.chain_depth == 1
    assert found.age is not None
    assert found.age < 300


def test_what_is_never_due_is_pending(tenants: dict[str, Tenant]) -> None:
    tenant = tenants["forgotten"]
    yearly = tenant.api.schedule_create(tenant.instance, NEVER_SOON, "yearly")
    state, status, reason = tenant.line("created, due next year", schedule=yearly.id)
    assert (state, status) == (State.PENDING, 0)
    assert "never due yet; first at " in reason
    tenant.api.schedule_delete(yearly)


def test_what_is_paused_says_so(tenants: dict[str, Tenant]) -> None:
    tenant = tenants["forgotten"]
    tenant.api.schedule_pause(tenant.schedule)
    state, status, reason = tenant.line("paused")
    tenant.api.schedule_resume(tenant.schedule)
    assert (state, status) == (State.PAUSED, 1)
    assert reason.startswith("paused; last backup ")


def test_a_backup_older_than_the_limit_is_stale(tenants: dict[str, Tenant]) -> None:
    reason = _noticed(tenants["forgotten"], State.STALE, "nothing newer", "--max-age", "1m")
    assert "more than 1 min" in reason


def test_a_backup_in_progress_is_running(tenants: dict[str, Tenant], hung: str) -> None:

    def building() -> tuple[State, int, str] | None:
        line = tenants["forgotten"].line("a backup in progress", schedule=hung)
        # It is NEW for a moment.
        return line if "is BUILDING" in line[2] else None

    state, status, _ = wait_for("backup that is BUILDING", building, 120)
    assert (state, status) == (State.RUNNING, 0)


@pytest.mark.parametrize(
    ("name", "how"), [("disabled", "user disabled"), ("roleless", "role removed")]
)
def test_a_broken_trust_is_noticed_a_period_and_two_minutes_later(
    cloud: LiveCloud, tenants: dict[str, Tenant], name: str, how: str
) -> None:
    looks = tenant = tenants[name]
    if name == "disabled":  # who is disabled can't look; somebody else of the project can
        looks = _login(cloud, tenant.project)
    # A tick may come 2 seconds early, before it was broken.
    due = tenant.broken_at + timedelta(seconds=2) + PERIOD + GRACE
    wait_for(str(due), lambda: datetime.now(UTC) >= due, NOTICED)
    state, status, reason = looks.line(how, schedule=tenant.schedule)
    assert (state, status) == (State.LOST, 2), reason
    assert "trust" in reason


def test_a_backup_that_hangs_is_blocked(tenants: dict[str, Tenant], hung: str) -> None:
    tenant = tenants["forgotten"]

    def blocked() -> tuple[State, int, str] | None:
        line = tenant.line("a backup that hangs", "--blocked-after", "1m", schedule=hung)
        return line if line[0] == State.BLOCKED else None

    _, status, reason = wait_for("state BLOCKED", blocked, NOTICED)
    assert status == 2
    assert "blocks the instance" in reason


def test_a_stopped_database_is_failed_with_the_cause(tenants: dict[str, Tenant]) -> None:
    assert "SHUTDOWN" in _noticed(tenants["stopped"], State.FAILED, "database stopped")
    assert tenants["stopped"].health().missed >= 1


def test_a_backup_killed_on_the_way_is_failed(tenants: dict[str, Tenant]) -> None:
    reason = _noticed(tenants["killed"], State.FAILED, "SIGKILL in mid-backup")
    assert "no backup for " in reason
    assert tenants["killed"].health().kept == 0


def test_a_used_up_quota_is_named(tenants: dict[str, Tenant]) -> None:
    assert "quota" in _noticed(tenants["quota"], State.QUOTA, "quota filled").lower()
    assert tenants["quota"].health().quota_left == 0


@pytest.mark.parametrize(("name", "state"), [("good", State.OK), ("killed", State.FAILED)])
def test_without_mistral_s_history_trove_still_tells(
    tenants: dict[str, Tenant], name: str, state: State
) -> None:
    tenant = tenants[name]
    for each in tenant.api.execution_list(tenant.schedule):
        if each.ended:
            tenant.api.execution_delete(each)
    _noticed(tenant, state, f"{name}, all executions deleted")


def test_a_trove_that_is_down_is_unknown(cloud: LiveCloud, tenants: dict[str, Tenant]) -> None:
    with cloud.killed("trove"):
        state, status, reason = tenants["good"].line("Trove down")
    assert (state, status) == (State.UNKNOWN, 3)
    assert "Trove" in reason


def test_a_mistral_that_is_down_leaves_what_trove_knows(
    cloud: LiveCloud, tenants: dict[str, Tenant]
) -> None:
    tenant = tenants["good"]
    with cloud.killed("mistral"):
        state, status, reason = tenant.line("Mistral down")
        known = tenant.line("Mistral down", "--max-age", "26h")
        with pytest.raises(ServiceUnavailableError, match="Mistral"):
            tenant.api.schedule_list()
    assert (state, status) == (State.UNKNOWN, 3)
    assert "Mistral" in reason
    assert known[:2] == (State.OK, 0)


def test_a_mistral_that_fires_nothing_is_overdue(
    cloud: LiveCloud, tenants: dict[str, Tenant]
) -> None:
    url = cloud.settings.mistral_url.replace("/v2", "/maintenance")
    token = {"X-Auth-Token": cloud.session("minicloud-admin").get_token()}
    try:
        answer = requests.put(url, json={"status": "PAUSED"}, headers=token, timeout=60)
        assert answer.ok, answer.text
        assert "periodic" in _noticed(tenants["good"], State.OVERDUE, "periodic loop stopped")
    finally:
        requests.put(url, json={"status": "RUNNING"}, headers=token, timeout=60)
