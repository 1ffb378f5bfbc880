# SPDX-License-Identifier: Apache-2.0
"""Every health state, brought about for real: what is broken is really broken.

All is broken at once, for one tenant each, and looked at together, with the command that monitoring
runs. Each look is printed: ``pytest -rP`` shows them as a table. Only the time is not waited for:
what was due was due before, and a backup is made older than it is.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import requests
import yaml

import trove_schedules
from tests.end_to_end.cloud import (
    NEVER_SOON,
    LiveCloud,
    finished,
    hung_tool,
    run_by_hand,
    wait_for,
)
from tests.end_to_end.ticks import age_backups, fire, hurried, just_due, owe, wait_until_taken
from trove_minicloud.commands import databases
from trove_minicloud.guest import datastores
from trove_schedules import Schedule, ScheduledBackups
from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.health import Health, State
from trove_schedules.health.seen import GRACE

_OLDER = timedelta(minutes=2)
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
    made: Schedule | None = None

    @property
    def schedule(self) -> str:
        assert self.made is not None
        return self.made.id

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
    """With an instance that is about to serve."""
    tenant = _login(cloud)
    tenant.instance = (
        datastores.named("postgresql").create_server(cloud.root, name, tenant.project).id
    )
    return tenant


def _has_status(tenant: Tenant, *wanted: str) -> bool:
    """Whether Trove says so of the tenant's instance."""
    path = f"/instances/{tenant.instance}"
    answer = tenant.api._own.session.get(path, endpoint_filter=_DATABASE, raise_exc=False)
    return bool(answer.ok and answer.json()["instance"]["status"] in wanted)


@pytest.fixture(scope="module")
def tenants(cloud: LiveCloud) -> dict[str, Tenant]:
    """Of each schedule a backup was due some minutes ago, and was tried just now."""
    names = ("good", "disabled", "roleless", "stopped", "quota", "killed", "forgotten")
    made = {name: _tenant(cloud, name) for name in names}
    for name, each in made.items():
        wait_for("known instance", lambda each=each: _has_status(each, "ACTIVE", "HEALTHY"), 180)
        each.made = each.api.schedule_create(each.instance, just_due(), name, attempts=1)
        owe(cloud, each.made)
    _break(cloud, made)
    fire(cloud, made["killed"].made)
    hung_tool(cloud, made["killed"].instance).kill()
    for name in names:
        if name != "killed":
            fire(cloud, made[name].made)
            wait_until_taken(cloud, made[name].made)
    with hurried(cloud):
        for name in ("good", "forgotten", "stopped", "quota", "killed"):
            finished(made[name].api, made[name].schedule, 1)
    return made


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
    databases.stop(cloud.root, made["stopped"].instance)
    wait_for("known end", lambda: _has_status(made["stopped"], "SHUTDOWN"), 120)
    quota = made["quota"]
    other = quota.api.schedule_create(quota.instance, NEVER_SOON, "uses the quota up")
    assert run_by_hand(quota.api, other.id).state == "SUCCESS"
    admin.put(
        f"/mgmt/quotas/{quota.project}",
        json={"quotas": {"backups": 1}},
        endpoint_filter=_DATABASE,
    )


def _noticed(tenant: Tenant, state: State, how: str) -> str:
    """The reason that goes with the state, once the command tells it, with its exit status."""

    def told() -> Health | None:
        # Asking the API costs less than typing the command over and over.
        found = tenant.health()
        return found if found.state == state else None

    found = wait_for(f"state {state}", told, 120)
    said, status, reason = tenant.line(how)
    assert (said, status) == (state, found.state.exit_status)
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
    found = tenants["good"].health()
    assert found.missed == 0
    assert found.kept >= 1
    assert found.chain_depth == 1
    # Its backup was made for these tests, which takes a while on a busy machine.
    assert found.age is not None
    assert 0 <= found.age < 3600


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


def test_a_backup_older_than_the_limit_is_stale(
    cloud: LiveCloud, tenants: dict[str, Tenant]
) -> None:
    tenant = tenants["forgotten"]
    age_backups(cloud, tenant.instance, _OLDER)
    state, status, reason = tenant.line("nothing newer", "--max-age", "1m")
    assert (state, status) == (State.STALE, 2)
    assert "more than 60 s" in reason


def test_a_backup_in_progress_is_running(tenants: dict[str, Tenant], hung: str) -> None:
    tenant = tenants["forgotten"]

    def building() -> bool:
        # It is NEW for a moment.
        return "is BUILDING" in tenant.api.schedule_health([hung])[0].reason

    wait_for("backup that is BUILDING", building, 120)
    state, status, _ = tenant.line("a backup in progress", schedule=hung)
    assert (state, status) == (State.RUNNING, 0)


@pytest.mark.parametrize(
    ("name", "how"), [("disabled", "user disabled"), ("roleless", "role removed")]
)
def test_a_broken_trust_is_noticed_when_a_backup_was_due(
    cloud: LiveCloud, tenants: dict[str, Tenant], name: str, how: str
) -> None:
    looks = tenant = tenants[name]
    if name == "disabled":  # who is disabled can't look; somebody else of the project can
        looks = _login(cloud, tenant.project)
    state, status, reason = looks.line(how, schedule=tenant.schedule)
    assert (state, status) == (State.LOST, 2), reason
    assert "trust" in reason


def test_a_backup_that_hangs_is_blocked(
    cloud: LiveCloud, tenants: dict[str, Tenant], hung: str
) -> None:
    tenant = tenants["forgotten"]
    age_backups(cloud, tenant.instance, _OLDER)
    state, status, reason = tenant.line(
        "a backup that hangs", "--blocked-after", "1m", schedule=hung
    )
    assert (state, status) == (State.BLOCKED, 2)
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


def test_an_administrator_sees_every_project(cloud: LiveCloud, tenants: dict[str, Tenant]) -> None:
    rows = cloud.openstack(
        "schedule", "health", "--all-projects", "--long", "-f", "json",
        cloud="minicloud-admin", check=False,
    ).json  # fmt: skip
    found = {row["ID"]: row for row in rows}
    for each in tenants.values():
        assert found[each.schedule]["Project"] == each.project
    one = tenants["good"]
    listed = cloud.openstack(
        "schedule", "list", "--project", one.project, "-f", "json", cloud="minicloud-admin"
    ).json
    assert one.schedule in {row["ID"] for row in listed}
    assert tenants["stopped"].schedule not in {row["ID"] for row in listed}
    written = cloud.openstack("schedule", "metrics", "--all-projects", cloud="minicloud-admin").out
    [line] = re.findall(rf'trove_backup_schedule_missed{{schedule="{one.schedule}".*', written)
    assert f'instance_name="good",project_id="{one.project}",project_name="' in line
    report = cloud.openstack(
        "schedule", "report", "--all-projects", "--since", "1d", "-f", "json",
        cloud="minicloud-admin",
    ).json  # fmt: skip
    due = {each["schedule_id"]: each["due_times"] for each in report["schedules"]}
    outcomes = {
        name: due[each.schedule][-1]["outcome"]
        for name, each in tenants.items()
        if name != "forgotten"
    }
    assert outcomes == {
        "good": "backed up", "disabled": "missed", "roleless": "missed", "stopped": "failed",
        "quota": "failed", "killed": "failed",
    }  # fmt: skip
    for refused in (["--all-projects"], ["--project", one.project]):
        done = cloud.openstack("schedule", "list", *refused, check=False)
        assert done.status == 1
        assert "403" in done.err or "Forbidden" in done.err or "not allowed" in done.err


def test_a_report_has_the_due_times_and_what_is_unprotected_in_each_form(
    cloud: LiveCloud, tenants: dict[str, Tenant]
) -> None:
    stopped = tenants["stopped"]
    forgotten = datastores.named("postgresql").create_server(cloud.root, "nobodys", stopped.project)

    def known() -> bool:
        return any(each.instance == forgotten.id for each in stopped.api.coverage())

    def report(form: str) -> str:
        return cloud.openstack(
            "schedule", "report", "--since", "1d", "-f", form,
            cloud="tenant", clouds_file=stopped.clouds_file,
        ).out  # fmt: skip

    wait_for("unprotected instance", known, 120)
    content = json.loads(report("json"))
    assert content["coverage"]["states"] == {"UNPROTECTED": 1, "PROTECTED": 1}
    [told] = content["schedules"]
    assert told["due_times"][-1]["outcome"] == "failed"
    *due, last = csv.DictReader(io.StringIO(report("csv")))
    assert [each["outcome"] for each in due] == [each["outcome"] for each in told["due_times"]]
    assert (last["instance_name"], last["outcome"]) == ("nobodys", "UNPROTECTED")
    page = html.unescape(report("html"))
    assert page.startswith("<!DOCTYPE html>")
    assert "1 instance unprotected now." in page
    for said in ("nobodys", "stopped", told["due_times"][-1]["reason"]):
        assert said in page


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
        fire(cloud, tenants["good"].made, GRACE + timedelta(minutes=1))
        assert "periodic" in _noticed(tenants["good"], State.OVERDUE, "periodic loop stopped")
    finally:
        requests.put(url, json={"status": "RUNNING"}, headers=token, timeout=60)
