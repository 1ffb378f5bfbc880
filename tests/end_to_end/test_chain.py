# SPDX-License-Identifier: Apache-2.0
"""A schedule's chain of backups of a database that is written to all the while."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.cloud import LiveCloud, wait_for
from tests.end_to_end.damage import flipped_byte
from tests.end_to_end.databases import DATABASES, require
from tests.end_to_end.ledger import Ledger, Link
from trove_schedules import ScheduledBackups


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.name)
def ledger(request: pytest.FixtureRequest, cloud: LiveCloud) -> Ledger:
    require(request.param)
    # More moves would only have the tests read longer journals.
    made = Ledger(cloud, request.param, megabytes=50, pause=0.002)
    made.create()
    return made


@pytest.fixture(scope="module")
def chain(schedules: ScheduledBackups, ledger: Ledger) -> list[Link]:
    return ledger.take_chain(schedules, runs=4, full_every=3)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_every_link_restores_to_the_rows_of_its_moment(
    cloud: LiveCloud, ledger: Ledger, chain: list[Link], number: int
) -> None:
    name = f"{ledger.name}-{number}"
    # The full backup and an increment by a time that lies before the next one.
    if number in (0, 2):
        time = chain[number].backup["updated"]
        command = ("schedule", "restore", ledger.name, name, "--at", time, "--wait", "-f", "json")
        done = cloud.openstack(*command)
        assert done.json["backup_id"] == chain[number].backup["id"]
        assert done.json["status"] in ("ACTIVE", "HEALTHY")
        assert "it is ready. Connect to 127.0.0.1, port " in done.err
    else:
        cloud.restore(chain[number].backup["id"], name)
    try:
        ledger.require_moment(chain[number], name)
    finally:
        cloud.delete_instance(name)


def test_the_increments_name_their_parents_and_postgresql_ones_are_small(
    ledger: Ledger, chain: list[Link]
) -> None:
    full, first, second, next_full = (link.backup for link in chain)
    parents = [backup["parent_id"] for backup in (full, first, second, next_full)]
    assert parents == [None, full["id"], first["id"], None]
    sizes = [_stored(link.backup).stat().st_size for link in chain]
    # MariaDB's hold the log that was written meanwhile, which is as much as the writers write on a
    # fast machine; what they begin and end with, test_guest_mariadb compares.
    if ledger.database.name == "postgresql":
        assert sizes[1] < sizes[0] / 3, sizes
        assert sizes[2] < sizes[0] / 3, sizes


def test_one_flipped_byte_makes_the_restore_refuse(cloud: LiveCloud, chain: list[Link]) -> None:
    stored = _stored(chain[1].backup)
    with flipped_byte(stored):
        done = cloud.run(
            "trove-minicloud", "restore", chain[2].backup["id"], "--name", "never", check=False
        )
    assert done.status != 0
    assert str(stored) in done.err
    assert "sha256" in done.err.lower() or "checksum" in done.err.lower(), done.err
    names = cloud.run("trove-minicloud", "instance", "list", "-f", "json").json
    assert "never" not in {row["name"] for row in names}


def test_deleting_the_full_backup_deletes_what_builds_on_it(
    cloud: LiveCloud, chain: list[Link]
) -> None:
    files = [_stored(link.backup) for link in chain[:3]]
    cloud.openstack("delete", chain[0].backup["id"])
    wait_for("end of the files", lambda: not any(file.exists() for file in files), 120)
    gone = {link.backup["id"] for link in chain[:3]}

    def forgotten() -> bool:
        answer = cloud.asking.get(
            "/backups?limit=1000", endpoint_filter={"service_type": "database"}
        )
        return not gone & {row["id"] for row in answer.json()["backups"]}

    wait_for("end of the backups", forgotten, 120)
    assert not gone & {row["ID"] for row in cloud.openstack("list", "-f", "json").json}


def _stored(backup: dict[str, Any]) -> Path:
    return Path(backup["locationRef"].removeprefix("file://"))
