# SPDX-License-Identifier: Apache-2.0
import pytest

from bench.cluster import mariadb
from bench.cluster.servers import Cluster
from trove_minicloud.guest.mariadb import binaries
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import NotReadyError


@pytest.fixture(autouse=True)
def made(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not MariaDB is installed here: a server that was made before."""
    paths = {tool: f"/usr/bin/{tool}" for tool in binaries.SERVER_TOOLS}
    monkeypatch.setattr(binaries, "find", lambda tools: binaries.Programs(paths, "10.11.19"))
    root.service(mariadb.NAME).mkdir(mode=0o711)


def test_no_password_is_an_argument_and_nobody_else_can_read_them(
    root: Root, chosen: Cluster
) -> None:
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
    mariadb.configure(root, chosen)
    options = (root.service(mariadb.NAME) / "my.cnf").read_text().splitlines()
    assert {"bind-address=127.0.0.1", f"port={chosen.mariadb_port}"} <= set(options)


def test_it_is_not_ready_where_nobody_listens(root: Root, chosen: Cluster) -> None:
    with pytest.raises(NotReadyError):
        mariadb.program(root, chosen).ready()
