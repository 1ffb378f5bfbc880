# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from trove_minicloud import cluster
from trove_minicloud.cluster import Cluster
from trove_minicloud.programs import NotReadyError
from trove_minicloud.root import Root
from trove_minicloud.services import mariadb


@pytest.fixture
def chosen(root: Root) -> Cluster:
    cluster.want(root, None, None)
    loaded = cluster.load(root)
    assert loaded is not None
    return loaded


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mariadb, "_INSTALLED", (Path("/"),))


def test_no_password_is_an_argument_and_nobody_else_can_read_them(
    root: Root, chosen: Cluster
) -> None:
    (root.service(mariadb.NAME) / "data").mkdir(parents=True)
    mariadb.configure(root, chosen)
    accounts = root.service(mariadb.NAME) / "accounts.sql"
    assert accounts.stat().st_mode & 0o077 == 0
    program = mariadb.program(root, chosen)
    said = " ".join([*program.argv, *program.env.values()])
    for service in ("keystone", "mistral", "trove"):
        password = getattr(chosen, f"{service}_database_password")
        assert f"'{service}'@'127.0.0.1' IDENTIFIED BY '{password}'" in accounts.read_text()
        assert password not in said


def test_it_listens_on_loopback(root: Root, chosen: Cluster) -> None:
    assert "--bind-address=127.0.0.1" in mariadb.program(root, chosen).argv


def test_it_is_not_ready_where_nobody_listens(root: Root, chosen: Cluster) -> None:
    with pytest.raises(NotReadyError):
        mariadb.program(root, chosen).ready()
