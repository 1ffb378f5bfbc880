# SPDX-License-Identifier: Apache-2.0
"""A machine that is lost, but for the store of its backups and a copy of its recovery key."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from bench import first_start
from tests.contract.stores import LOGIN, Files, serving_s3
from tests.end_to_end.cloud import FIRING_TIMEOUT, LiveCloud, new_cloud, wait_for
from tests.end_to_end.databases import DATABASES, Database, require
from tests.end_to_end.lacking import lacks
from tests.end_to_end.ticks import age_backups, fire, just_due, owe
from trove_minicloud import cli, settings
from trove_minicloud.cloud import daemon
from trove_minicloud.commands import dashboard as minicloud_dashboard
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.guest import instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.services import state_copies
from trove_minicloud.stores import choosing
from trove_schedules import Schedule, ScheduleExecution

_DATABASE = {"service_type": "database"}


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOGIN.items():
        monkeypatch.setenv(name.upper(), value)


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Files]:
    with serving_s3(tmp_path) as place:
        yield place


@dataclass(frozen=True)
class _Before:
    """An instance of the cloud that is lost: its schedule, and what is to be there afterwards."""

    database: Database
    instance: Instance
    schedule: Schedule
    #: The backups that are deleted and made after the copy of the state.
    gone: str
    kept: str
    runs: set[str]


def test_a_lost_cloud_goes_on_from_its_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for database in DATABASES:
        require(database)
    disk, key = tmp_path / "disk", tmp_path / "key"
    disk.mkdir()

    def with_folder(root: Root) -> None:
        first_start.prepare(root)
        choosing.use_folder(root, disk)

    with new_cloud(with_folder) as cloud:
        cloud.create_instance("without-a-backup")
        made = {}
        for database in DATABASES:
            instance = _filled(cloud, database)
            schedule = cloud.schedules().schedule_create(
                instance.id, just_due(), "nightly", attempts=1
            )
            _fire_with_copy(cloud, schedule)
            made[database.name] = instance, schedule
        lost = [_changed(cloud, database, *made[database.name]) for database in DATABASES]
        shutil.copy(cloud.root.recovery_key, key)
        _kill_everything(cloud)
        shutil.rmtree(cloud.root.path)

        new = Root.at(cloud.root.path.parent / "new")
        try:
            assert cli.main(["recover", str(disk), "--key", str(key), "--root", str(new.path)]) == 1
            assert "they are not back: without-a-backup (" in capsys.readouterr().err
            assert cli.main(["up", "--detach", "--root", str(new.path)]) == 0
            again = LiveCloud(new)
            assert len(_backups(again)) == 4
            for before in lost:
                _require_back(again, before)
            assert len(_backups(again)) == 6
            page = _page_of(again, "/project/backup_schedules/")
            for before in lost:
                assert f"/project/backup_schedules/{before.schedule.id}/" in page
        finally:
            daemon.down(new, 300)


def _changed(
    cloud: LiveCloud, database: Database, instance: Instance, schedule: Schedule
) -> _Before:
    """What comes and goes before the next copy of the state."""
    gone = cloud.take_backup(instance.id)["id"]
    _insert(cloud, database, instance, 1001)
    kept = cloud.take_backup(instance.id)["id"]
    cloud.openstack("delete", gone)
    wait_for("end of the backup", lambda: gone not in _backups(cloud), 120)
    runs = {run.id for run in cloud.schedules().execution_list(schedule.id)}
    return _Before(database, instance, schedule, gone, kept, runs)


def _require_back(cloud: LiveCloud, before: _Before) -> None:
    there = _backups(cloud)
    assert before.kept in there
    assert before.gone not in there
    same = instances.load(cloud.root, before.instance.id)
    assert (same.name, same.port) == (before.instance.name, before.instance.port)
    cloud.start_instance(same.id)
    assert _rows(cloud, before.database, same) == list(range(1, 1002))
    schedules = cloud.schedules()
    back = schedules.schedule_show(before.schedule.id)
    assert (back.id, back.pattern) == (before.schedule.id, before.schedule.pattern)
    assert {run.id for run in schedules.execution_list(back.id)} == before.runs
    # So that the due time lacks its backup.
    age_backups(cloud, same.id, timedelta(days=1))
    _fire(cloud, back)


def test_a_store_in_s3_is_adopted_by_a_fresh_root_and_brings_its_cloud_back(
    s3: Files, login: None, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    database = DATABASES[0]

    def with_s3(root: Root) -> None:
        first_start.prepare(root)
        choosing.use_s3(root, s3.endpoint, "backups", None)

    with new_cloud(with_s3) as cloud:
        instance = _filled(cloud, database)
        full = cloud.take_backup(instance.id)
        _insert(cloud, database, instance, 1001)
        last = cloud.take_backup(instance.id, incremental=1)
        wait_for("copy of the state", lambda: state_copies.record(cloud.root).copied_at, 120)
        shutil.copy(cloud.root.recovery_key, key)
        _kill_everything(cloud)
        shutil.rmtree(cloud.root.path)
        half = f"{instance.id}/00000000-0000-4000-8000-000000000000.tar.zst"
        s3.store.put(half, b"half")
        s3.store.put("notes.txt", b"not ours")

        fresh = Root.at(cloud.root.path.parent / "fresh")
        place = ["s3://backups", "--s3", s3.endpoint, "--root", str(fresh.path)]
        try:
            assert cli.main(["adopt", *place]) == 0
            adopted = LiveCloud(fresh)
            assert set(_backups(adopted)) == {full["id"], last["id"]}
            shown = adopted.backup(last["id"])
            for field in ("instance_id", "parent_id", "locationRef", "size", "name", "status"):
                assert shown[field] == last[field]
            adopted.restore(last["id"], "again")
            copy = instances.find(fresh, "again")
            assert _rows(adopted, database, copy) == list(range(1, 1002))
        finally:
            daemon.down(fresh, 300)
        assert {half, "notes.txt"} <= set(s3.names())

        new = Root.at(cloud.root.path.parent / "new")
        place = ["s3://backups", "--s3", s3.endpoint, "--root", str(new.path)]
        try:
            assert cli.main(["recover", *place, "--key", str(key)]) == 0
            assert cli.main(["up", "--detach", "--root", str(new.path)]) == 0
            again = LiveCloud(new)
            assert set(_backups(again)) == {full["id"], last["id"]}
            again.start_instance(instance.id)
            assert _rows(again, database, instances.load(new, instance.id))[-1] == 1001
            assert again.take_backup(instance.id)["locationRef"].startswith("s3://backups/")
        finally:
            daemon.down(new, 300)


def _filled(cloud: LiveCloud, database: Database) -> Instance:
    """An instance with the numbers from 1 to 1000."""
    if database.name != "postgresql":
        cloud.create_instance("filled", database.name)
    made = instances.find(cloud.root, "m" if database.name == "postgresql" else "filled")
    with database.connect(cloud.root, made) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE item (n int PRIMARY KEY)")
        cursor.execute(f"INSERT INTO item {database.numbers}", (1000,))
    return made


def _insert(cloud: LiveCloud, database: Database, instance: Instance, number: int) -> None:
    with database.connect(cloud.root, instance) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO item VALUES (%s)", (number,))


def _rows(cloud: LiveCloud, database: Database, instance: Instance) -> list[Any]:
    with database.connect(cloud.root, instance) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT n FROM item ORDER BY n")
        return [row[0] for row in cursor.fetchall()]


def _fire(cloud: LiveCloud, schedule: Schedule) -> None:
    """Have Mistral fire the schedule's trigger, and wait until the run has made its backup.

    A run that was in progress when the state was copied is in progress for ever in a cloud that was
    recovered from it.
    """
    schedules = cloud.schedules()
    known = {run.id for run in schedules.execution_list(schedule.id, include_all=True)}
    owe(cloud, schedule)
    fire(cloud, schedules.schedule_show(schedule.id))

    def ended() -> ScheduleExecution | None:
        found = schedules.execution_list(schedule.id, include_all=True)
        return next((run for run in found if run.ended and run.id not in known), None)

    run = wait_for("end of the run", ended, FIRING_TIMEOUT)
    assert (run.state, run.output.get("status")) == ("SUCCESS", "Backup complete"), run


def _fire_with_copy(cloud: LiveCloud, schedule: Schedule) -> None:
    """The same, a day after the last copy of the state: the backup brings another."""
    known = state_copies.record(cloud.root)
    if known.copied_at:
        earlier = datetime.fromisoformat(known.copied_at) - timedelta(days=1)
        known = replace(known, copied_at=earlier.isoformat())
        state_copies._save(cloud.root, known)
    _fire(cloud, schedule)

    def copied() -> bool:
        return state_copies.record(cloud.root).copied_at not in ("", known.copied_at)

    wait_for("copy of the state", copied, 120)


def _backups(cloud: LiveCloud) -> list[str]:
    answer = cloud.asking.get("/backups", endpoint_filter=_DATABASE)
    return [str(row["id"]) for row in answer.json()["backups"]]


def _page_of(cloud: LiveCloud, path: str) -> str:
    """What the cloud's user reads in the dashboard."""
    try:
        dashboard = minicloud_dashboard.enable(cloud.root, None)
    except MiniCloudError as error:
        lacks(f"the dashboard of a cloud that was recovered: {error}")
    minicloud_dashboard.wait(cloud.root, dashboard)
    chosen = settings.load_or_create(cloud.root)
    with requests.Session() as browser:
        browser.get(f"{dashboard.url}auth/login/").raise_for_status()
        [token] = [each.value for each in browser.cookies if "csrf" in each.name]
        form = {
            "csrfmiddlewaretoken": token,
            "username": settings.USER,
            "password": chosen.demo_password,
            "region": "0",
        }
        browser.post(f"{dashboard.url}auth/login/", form).raise_for_status()
        page = browser.get(dashboard.url.rstrip("/") + path, allow_redirects=False)
    assert page.status_code == 200, page.headers
    return page.text


def _kill_everything(cloud: LiveCloud) -> None:
    """As a machine that is gone."""
    # The keeper first: it would start another supervisor.
    keeper = cloud.keeper()
    gone = [keeper, *keeper.children(recursive=True)]
    for process in gone:
        process.suspend()
    for process in gone:
        process.kill()
    _, alive = psutil.wait_procs(gone, 60)
    assert alive == []
