# SPDX-License-Identifier: Apache-2.0
"""Backups in S3: a server that checks signatures, a login from the environment, and its faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import first_start
from tests.contract.stores import LOGIN, Files, serving_s3
from tests.end_to_end.cloud import LiveCloud, fill, hung_tool, new_cloud, wait_for
from tests.end_to_end.refusals import Refusals, refusals
from trove_minicloud import cli
from trove_minicloud.guest import instances
from trove_minicloud.root import Root
from trove_minicloud.stores import destination
from trove_minicloud.stores.store import STATE


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    with serving_s3(tmp_path_factory.mktemp("s3")) as place:
        yield place


@pytest.fixture(scope="module")
def way(s3: Files) -> Iterator[Refusals]:
    """By which the mini cloud comes to the server."""
    with refusals(s3.endpoint) as made:
        yield made


@pytest.fixture(scope="module")
def cloud(way: Refusals) -> Iterator[LiveCloud]:
    def with_s3(root: Root) -> None:
        first_start.prepare(root)
        options = ["--root", str(root.path), "--s3", way.endpoint, "--s3-bucket", "backups"]
        environment = {name.upper(): value for name, value in LOGIN.items()}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
            assert cli.main(["up", "--detach", *options]) == 1
            assert destination.strategy(root) == "local"
            patch.setenv("AWS_SECRET_ACCESS_KEY", LOGIN["aws_secret_access_key"])
            assert cli.main(["up", "--detach", *options]) == 0

    with new_cloud(with_s3) as live:
        fill("m", live, megabytes=80)
        yield live


@pytest.fixture(scope="module")
def instance(cloud: LiveCloud) -> str:
    return instances.find(cloud.root, "m").id


def of_backups(s3: Files) -> list[str]:
    """The objects, but for the copies of the cloud's own state."""
    return [each for each in s3.names() if not each.startswith(STATE)]


def test_a_chain_restores_from_s3_and_goes_when_it_is_deleted(
    cloud: LiveCloud, instance: str, s3: Files
) -> None:
    with cloud.connect("m") as connection:
        connection.execute("create table kept as select 1 as number")
    full = cloud.take_backup(instance)
    with cloud.connect("m") as connection:
        connection.execute("insert into kept values (2)")
    last = cloud.take_backup(instance, incremental=1)
    assert full["locationRef"] == f"s3://backups/{instance}/{full['id']}.tar.zst"
    assert last["parent_id"] == full["id"]

    cloud.restore(last["id"], "from-s3")
    with cloud.connect("from-s3") as connection:
        assert connection.execute("select * from kept order by 1").fetchall() == [(1,), (2,)]
    s3.damage(f"{instance}/{full['id']}.tar.zst")
    done = cloud.run("trove-minicloud", "restore", last["id"], "--name", "never", check=False)
    assert done.status != 0
    assert "is damaged: its sha256 should be" in done.err
    assert full["locationRef"] in done.err

    cloud.openstack("delete", full["id"])
    wait_for("end of the objects", lambda: of_backups(s3) == [], 180)


def test_only_what_is_not_there_is_removed(
    cloud: LiveCloud, instance: str, s3: Files, way: Refusals
) -> None:
    with way.refusing(".json"):
        good = cloud.take_backup(instance)
    assert len(of_backups(s3)) == 3

    # One whose worker dies without a word, with a store that can't be read.
    with way.refusing(".json") as refused:
        backup = cloud.ask_for_backup(instance)
        tool = hung_tool(cloud, "m")
        worker = tool.parent()
        assert worker is not None
        worker.kill()
        assert cloud.wait_for_backup(backup)["status"] == "FAILED"
    assert len(refused) == 5
    assert "the access key may not do that" in cloud.failure(instance)
    assert f"{instance}/{good['id']}.json" in s3.names()

    # The next one finds that there is nothing of it.
    after = cloud.take_backup(instance)
    for each in (good["id"], after["id"], backup):
        cloud.openstack("delete", each)
    wait_for("end of the objects", lambda: of_backups(s3) == [], 180)


def test_a_login_that_is_refused_fails_the_backup_and_says_so(
    cloud: LiveCloud, instance: str, s3: Files
) -> None:
    settings = destination.s3(cloud.root)
    assert settings is not None
    login = Path(settings.credentials)
    assert oct(login.stat().st_mode & 0o777) == "0o600"
    right = login.read_text()
    login.write_text(right.replace("= right", "= wrong"))
    try:
        backup = cloud.ask_for_backup(instance)
        assert cloud.wait_for_backup(backup)["status"] == "FAILED"
        assert "the secret does not belong to the access key" in cloud.failure(instance)
        login.chmod(0o644)
        login.write_text(right)
        backup = cloud.ask_for_backup(instance)
        assert cloud.wait_for_backup(backup)["status"] == "FAILED"
        assert "others can read it (mode 0644): chmod 600" in cloud.failure(instance)
    finally:
        login.chmod(0o600)
        login.write_text(right)
    cloud.take_backup(instance)
    assert len(of_backups(s3)) == 3
