# SPDX-License-Identifier: Apache-2.0
"""Instances that are made and deleted through Trove's own API, empty and from backups."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1.session import Session

from tests.end_to_end.cloud import LiveCloud, wait_for
from tests.end_to_end.damage import flipped_byte
from tests.end_to_end.databases import DATABASES, Database, require
from trove_minicloud.guest import instances
from trove_minicloud.guest.instances import Instance

_DATABASE = {"service_type": "database"}
#: A restore on a busy machine.
_MADE = 300.0


@dataclass(frozen=True)
class Source:
    """An instance with rows, a full backup, and an increment with one row more."""

    cloud: LiveCloud
    database: Database
    instance: Instance
    full: dict[str, Any]
    increment: dict[str, Any]

    def rows(self, instance: Instance) -> list[Any]:
        with (
            self.database.connect(self.cloud.root, instance) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT n FROM item ORDER BY n")
            return [row[0] for row in cursor.fetchall()]


def _request(session: Session, name: str, datastore: str, **options: Any) -> Any:
    body = {"name": name, "flavorRef": "1", "datastore": {"type": datastore}, **options}
    return session.post(
        "/instances", json={"instance": body}, endpoint_filter=_DATABASE, raise_exc=False
    )


def _show(session: Session, instance: str) -> dict[str, Any] | None:
    answer = session.get(f"/instances/{instance}", endpoint_filter=_DATABASE, raise_exc=False)
    return None if answer.status_code == 404 else answer.json()["instance"]


def _made(session: Session, name: str, datastore: str, **options: Any) -> dict[str, Any]:
    """The instance as Trove shows it, once it is no longer in the making."""
    answer = _request(session, name, datastore, **options)
    assert answer.ok, answer.text
    instance = answer.json()["instance"]["id"]

    def settled() -> dict[str, Any] | None:
        found = _show(session, instance)
        # A cause is written a moment before the state, or after it where it is Trove's own. A new
        # server is HEALTHY once it was seen to serve.
        if found is None or found["status"] not in ("ACTIVE", "ERROR"):
            return None
        known = "fault" in found or found.get("operating_status") == "HEALTHY"
        return found if known else None

    return wait_for(f"end of making {name}", settled, _MADE)


def _delete(session: Session, instance: str) -> None:
    session.delete(f"/instances/{instance}", endpoint_filter=_DATABASE)
    wait_for(f"end of {instance}", lambda: _show(session, instance) is None, _MADE)


def _from(backup: dict[str, Any]) -> dict[str, Any]:
    return {"restorePoint": {"backupRef": backup["id"]}}


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.name)
def source(request: pytest.FixtureRequest, cloud: LiveCloud) -> Iterator[Source]:
    database: Database = request.param
    require(database)
    cloud.run("trove-minicloud", "instance", "create", database.name, "--datastore", database.name)
    made = instances.find(cloud.root, database.name)
    with database.connect(cloud.root, made) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE item (n int PRIMARY KEY)")
        cursor.execute(f"INSERT INTO item {database.numbers}", (1000,))
        full = cloud.take_backup(made.id)
        cursor.execute("INSERT INTO item VALUES (1001)")
        increment = cloud.take_backup(made.id, parent_id=full["id"])
    yield Source(cloud, database, made, full, increment)
    _delete(cloud.session(), made.id)
    assert not made.folder(cloud.root).exists()


def test_a_new_instance_serves_and_is_deleted_again(cloud: LiveCloud, source: Source) -> None:
    session = cloud.session()
    # The network of an instance is one that another can be put on.
    network = _show(session, source.instance.id)["addresses"][0]["network"]  # type: ignore[index]
    shown = _made(session, "empty", source.database.name, nics=[{"network_id": network}])
    assert (shown["status"], shown["operating_status"]) == ("ACTIVE", "HEALTHY")
    made = instances.load(cloud.root, shown["id"])
    assert (made.name, made.project_id) == ("empty", session.get_project_id())
    with source.database.connect(cloud.root, made) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    _delete(session, made.id)
    assert not made.folder(cloud.root).exists()


@pytest.mark.parametrize(("which", "rows"), [("full", 1000), ("increment", 1001)])
def test_an_instance_from_a_backup_holds_its_rows_and_has_a_history_of_its_own(
    cloud: LiveCloud, source: Source, which: str, rows: int
) -> None:
    backup = source.full if which == "full" else source.increment
    shown = _made(cloud.session(), "again", source.database.name, **_from(backup))
    assert (shown["status"], shown["operating_status"]) == ("ACTIVE", "HEALTHY")
    made = instances.load(cloud.root, shown["id"])
    assert source.rows(made) == list(range(1, rows + 1))
    assert made.incarnation != source.instance.incarnation
    _delete(cloud.session(), made.id)


def test_a_damaged_backup_makes_an_instance_in_error_that_says_why(
    cloud: LiveCloud, source: Source
) -> None:
    session = cloud.session()
    backup = cloud.take_backup(source.instance.id)
    with flipped_byte(Path(backup["locationRef"].removeprefix("file://"))):
        shown = _made(session, "damaged", source.database.name, **_from(backup))
    assert shown["status"] == "ERROR"
    # Trove breaks it into lines.
    told = " ".join(shown["fault"]["message"].split())
    assert f"{backup['locationRef']} is damaged: its sha256 should be" in told
    assert not (cloud.root.instances / shown["id"]).exists()
    _delete(session, shown["id"])


def test_another_tenant_can_neither_restore_a_backup_nor_delete_the_instance(
    cloud: LiveCloud, source: Source
) -> None:
    other, _user = cloud.new_tenant()
    refused = _request(other, "stolen", source.database.name, **_from(source.full))
    assert refused.status_code == 404
    path = f"/instances/{source.instance.id}"
    answer = other.delete(path, endpoint_filter=_DATABASE, raise_exc=False)
    assert answer.status_code == 404
    assert _show(cloud.session(), source.instance.id) is not None


def test_the_projects_quota_counts_and_is_given_back(cloud: LiveCloud, source: Source) -> None:
    session, _user = cloud.new_tenant()
    datastore = source.database.name
    admin = cloud.session("minicloud-admin")
    admin.put(
        f"/mgmt/quotas/{session.get_project_id()}",
        json={"quotas": {"instances": 1}},
        endpoint_filter=_DATABASE,
    )
    first = _made(session, f"first-{secrets.token_hex(2)}", datastore)
    refused = _request(session, "second", datastore)
    assert (refused.status_code, "Quota exceeded" in refused.text) == (413, True)
    _delete(session, first["id"])
    _delete(session, _made(session, "second", datastore)["id"])


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        ({"flavorRef": "2"}, 400, "2"),
        ({"databases": [{"name": "d"}]}, 403, "instance:extension:database:create"),
        ({"users": [{"name": "u", "password": "p"}]}, 403, "instance:extension:user:create"),
        ({"volume": {"size": 1}}, 501, "Volume support is not enabled"),
        ({"replica_of": "m", "flavorRef": None, "datastore": {}}, 404, "m"),
    ],
)
def test_what_the_mini_cloud_can_not_do_is_refused(
    cloud: LiveCloud, options: dict[str, Any], status: int, told: str
) -> None:
    session = cloud.session()
    if "replica_of" in options:
        options = {"replica_of": instances.find(cloud.root, "m").id}
        body = {"instance": {"name": "no", **options}}
        answer = session.post("/instances", json=body, endpoint_filter=_DATABASE, raise_exc=False)
        status, told = 400, "Replication is not supported"
    else:
        answer = _request(session, "no", "postgresql", **options)
    assert (answer.status_code, told in answer.text) == (status, True), answer.text


def test_an_unknown_network_makes_an_instance_in_error_that_says_so(cloud: LiveCloud) -> None:
    network = "aaaaaaaa-0000-4000-8000-000000000001"
    shown = _made(cloud.session(), "lost", "postgresql", nics=[{"network_id": network}])
    assert shown["status"] == "ERROR"
    assert f"There is no network {network}" in " ".join(shown["fault"]["message"].split())
    _delete(cloud.session(), shown["id"])
