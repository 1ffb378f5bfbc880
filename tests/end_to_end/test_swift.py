# SPDX-License-Identifier: Apache-2.0
"""Backups in a real Swift, uploaded with the token of whoever asked: a schedule's, of its trust."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psutil
import pytest
from keystoneauth1.exceptions import ClientException, Forbidden, Unauthorized
from keystoneauth1.session import Session

from bench import first_start
from tests.end_to_end.cloud import (
    NEVER_SOON,
    LiveCloud,
    fill,
    hung_tool,
    new_cloud,
    run_by_hand,
    wait_for,
)
from tests.end_to_end.databases import MariaDB, require
from tests.end_to_end.ticks import fire
from trove_minicloud.guest import instances
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file
from trove_minicloud.stores import choosing, destination
from trove_minicloud.supervision import state

OBJECTS = {"service_type": "object-store"}
QUOTA = "X-Container-Meta-Quota-Bytes"
#: More than two segments.
MEGABYTES = 80


@pytest.fixture(scope="module")
def cloud() -> Iterator[LiveCloud]:
    def with_swift(root: Root) -> None:
        first_start.prepare(root)
        choosing.use(root, "swift")

    with new_cloud(with_swift) as live:
        fill("m", live, megabytes=MEGABYTES)
        yield live


@pytest.fixture(scope="module")
def instance(cloud: LiveCloud) -> str:
    return instances.find(cloud.root, "m").id


def names(cloud: LiveCloud, container: str = "database_backups") -> list[str]:
    """The objects of the tenant's container, asked of Swift directly."""
    answer = cloud.asking.get(f"/{container}", endpoint_filter=OBJECTS)
    return answer.text.split()


def of(backup: str, found: list[str]) -> list[str]:
    """What there is of a backup: `.json`, `.basis`, `.tar.zst` and its segments."""
    return [name.partition(backup)[2] for name in found if backup in name]


def rows(cloud: LiveCloud, name: str) -> list[Any]:
    with cloud.connect(name) as connection:
        return connection.execute("select * from kept order by 1").fetchall()


def restored_rows(cloud: LiveCloud, backup: str, name: str) -> list[Any]:
    cloud.restore(backup, name)
    try:
        return rows(cloud, name)
    finally:
        cloud.delete_instance(name)


def test_a_schedules_chain_is_stored_restored_and_pruned_with_its_trust(cloud: LiveCloud) -> None:
    schedules = cloud.schedules()
    with cloud.connect("m") as connection:
        connection.execute("create table kept as select 1 as number")
    made = schedules.schedule_create(
        "m", NEVER_SOON, "nightly", incremental=True, full_every=2, keep_last=1, attempts=1
    )
    schedule = made.id

    def backups(count: int) -> list[str]:
        """Those of the schedule's runs, oldest first."""

        def made() -> list[str] | None:
            runs = schedules.execution_list(schedule)
            found = [run.backup_id for run in runs if run.state == "SUCCESS" and run.backup_id]
            return found[::-1] if len(found) >= count else None

        return wait_for(f"{count} backups of the schedule", made, 300)

    try:
        full = str(run_by_hand(schedules, schedule).backup_id)
        with cloud.connect("m") as connection:
            connection.execute("insert into kept values (2)")
        fire(cloud, made)
        incremental = backups(2)[1]
        assert restored_rows(cloud, incremental, "from-swift") == [(1,), (2,)]
        fire(cloud, made)
        newest = backups(3)[2]
        # The run that made the next full one has pruned the chain. Trove may still be at it, with
        # the run's token; the schedule's deletion ends the trust that it is of.
        found = wait_for("end of the chain", lambda: _names_without(cloud, full, incremental), 180)
    finally:
        schedules.schedule_delete(schedule, force=True)

    assert cloud.backup(newest)["parent_id"] is None
    location, _, name = cloud.backup(newest)["locationRef"].rpartition("/")
    storage_url = cloud.asking.get_endpoint(service_type="object-store")
    assert location == f"{storage_url}/database_backups"
    assert name in found
    assert len(of(newest, found)) >= 6


def test_a_chain_of_mariadb_restores_to_the_rows_of_its_moment_and_a_drill_passes(
    cloud: LiveCloud,
) -> None:
    database = MariaDB()
    require(database)
    cloud.create_instance("shop", database.name)

    def execute(name: str, *statements: str) -> list[Any]:
        instance = instances.find(cloud.root, name)
        with database.connect(cloud.root, instance) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    schedules = cloud.schedules()
    schedule = schedules.schedule_create(
        "shop", NEVER_SOON, "shop", incremental=True, full_every=2
    ).id
    execute("shop", "create table kept (number int)")
    taken = []
    for number in (1, 2, 3):
        execute("shop", f"insert into kept values ({number})")
        run = run_by_hand(schedules, schedule)
        assert run.state == "SUCCESS", run.state_info
        taken.append(cloud.backup(str(run.backup_id)))
    assert [backup["parent_id"] for backup in taken] == [None, taken[0]["id"], None]
    storage_url = cloud.session().get_endpoint(service_type="object-store")
    assert all(backup["locationRef"].startswith(storage_url) for backup in taken)

    cloud.restore(taken[1]["id"], "shop-again")
    assert execute("shop-again", "select * from kept order by 1") == [(1,), (2,)]
    cloud.delete_instance("shop-again")

    query = ("--query", "select sum(number) from test.kept", "--expect", "6")
    cloud.run("trove-minicloud", "instance", "check", "shop", *query)
    drill = run_by_hand(schedules, schedules.schedule_drill(schedule), timeout=480)
    assert drill.state == "SUCCESS", drill.state_info
    assert f"backup {taken[2]['id']} restored" in drill.output["status"]
    schedules.schedule_delete(schedule)
    cloud.delete_instance("shop")


def test_an_incremental_chain_restores_and_a_lost_segment_is_refused(
    cloud: LiveCloud, instance: str
) -> None:
    full = cloud.take_backup(instance)
    with cloud.connect("m") as connection:
        connection.execute("insert into kept values (3)")
    last = cloud.take_backup(instance, incremental=1)
    assert last["parent_id"] == full["id"]
    written = rows(cloud, "m")
    assert written[-1] == (3,)
    _forget(cloud, full["id"], last["id"])
    adopted = cloud.run("trove-minicloud", "adopt", "swift")
    assert "Trove has taken in 2," in adopted.out
    for field in ("locationRef", "parent_id", "size", "project_id"):
        assert cloud.backup(last["id"])[field] == last[field]
    assert restored_rows(cloud, last["id"], "chained") == written

    (lost,) = (name for name in names(cloud) if name.endswith("_00000002") and full["id"] in name)
    cloud.session().delete(f"/database_backups/{lost}", endpoint_filter=OBJECTS)
    done = cloud.run("trove-minicloud", "restore", last["id"], "--name", "never", check=False)

    assert done.status != 0
    assert "is damaged: a segment of it is gone" in done.err, done.err
    assert full["id"] in done.err
    cloud.openstack("delete", full["id"])
    wait_for("end of the chain", lambda: _names_without(cloud, full["id"], last["id"]), 180)


def _forget(cloud: LiveCloud, *backups: str) -> None:
    """Have Trove know nothing of them."""
    file = database_file(cloud.root.service("trove"))
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
        for backup in backups:
            assert database.execute("delete from backups where id = ?", [backup]).rowcount == 1


def _names_without(cloud: LiveCloud, *backups: str) -> list[str] | None:
    found = names(cloud)
    return None if any(of(backup, found) for backup in backups) else found


def test_others_can_not_read_the_container(cloud: LiveCloud) -> None:
    url = f"{cloud.session().get_endpoint(service_type='object-store')}/database_backups"
    stranger, _user = cloud.new_tenant()

    with pytest.raises(Forbidden):
        stranger.get(url)
    with pytest.raises(Unauthorized):
        Session().get(url)


def test_an_upload_whose_trust_ends_has_failed_and_the_next_backup_cleans_up(
    cloud: LiveCloud, instance: str
) -> None:
    schedules = cloud.schedules()
    schedule = schedules.schedule_create("m", NEVER_SOON, "cut-off", attempts=1)
    fire(cloud, schedule)
    tool = hung_tool(cloud, "m")
    backup = cloud.building()
    # With the trust, its tokens end.
    schedules.schedule_delete(schedule, force=True)
    tool.resume()

    assert cloud.wait_for_backup(backup)["status"] == "FAILED"
    assert "does not accept the token, which has expired or was revoked" in cloud.failure(instance)
    cloud.take_backup(instance)
    assert of(backup, names(cloud)) == []


def test_an_upload_that_is_cut_has_failed_and_its_deletion_removes_the_segments(
    cloud: LiveCloud, instance: str
) -> None:
    backup = cloud.ask_for_backup(instance)
    tool = hung_tool(cloud, "m")
    with no_proxy(cloud):
        tool.resume()
        assert cloud.wait_for_backup(backup)["status"] == "FAILED"
    assert "Swift does not answer" in cloud.failure(instance)
    found = wait_for("Swift", lambda: _names_if_up(cloud), 240)
    assert ".json" not in of(backup, found)
    # A segment as the one that an upload leaves that gets further than this one.
    name = f"{cloud.backup(backup)['locationRef'].rpartition('/')[2]}_00000001"
    cloud.session().put(f"/database_backups/{name}", data=b"left", endpoint_filter=OBJECTS)

    cloud.openstack("delete", backup)

    wait_for("end of the segment", lambda: of(backup, names(cloud)) == [], 180)


def test_a_full_container_fails_the_backup_and_says_so(cloud: LiveCloud, instance: str) -> None:
    cloud.session().put("/small", headers={QUOTA: "40000000"}, endpoint_filter=OBJECTS)

    backup = cloud.ask_for_backup(instance, swift_container="small")

    assert cloud.wait_for_backup(backup)["status"] == "FAILED"
    assert "a quota of the project or the container is used up" in cloud.failure(instance)
    assert names(cloud, "small") == []


def test_a_cloud_that_is_up_does_not_change_its_store(cloud: LiveCloud) -> None:
    done = cloud.run("trove-minicloud", "up", "--detach", "--local", check=False)

    assert done.status == 1
    assert "is up and keeps its backups in Swift" in done.err
    assert destination.strategy(cloud.root) == "swift"
    assert cloud.run("trove-minicloud", "up", "--detach", "--swift").status == 0
    programs = cloud.run("trove-minicloud", "status", "-f", "json").json["programs"]
    assert "swift-proxy" in {each["program"] for each in programs}


def _names_if_up(cloud: LiveCloud) -> list[str] | None:
    status = state.load(cloud.root)
    programs = status.programs if status else ()
    up = any(each.name == "swift-proxy" and each.state == "ready" for each in programs)
    # It may have been killed since.
    with suppress(ClientException):
        return names(cloud) if up else None
    return None


@contextmanager
def no_proxy(cloud: LiveCloud) -> Iterator[None]:
    """Kill Swift's proxy, again whenever the supervisor has started it again."""
    port = destination.swift(cloud.root)
    assert port is not None
    folder = str(cloud.root.service("swift"))
    stop = threading.Event()

    def kill() -> None:
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if folder in command and "proxy" in command:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                    process.wait(60)

    def kill_on() -> None:
        while not stop.wait(0.1):
            kill()

    kill()
    killer = threading.Thread(target=kill_on)
    killer.start()
    try:
        yield
    finally:
        stop.set()
        killer.join()
