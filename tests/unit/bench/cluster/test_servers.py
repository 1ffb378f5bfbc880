# SPDX-License-Identifier: Apache-2.0
import json
import os

import pytest

from bench.cluster import servers
from trove_minicloud import settings
from trove_minicloud.errors import DamagedFileError, MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports, state


def test_a_root_is_no_cluster_unless_it_was_made_one(root: Root) -> None:
    settings.load_or_create(root)
    assert servers.load(root) is None


def test_ports_and_secrets_are_drawn_once_and_numbers_kept_until_changed(root: Root) -> None:
    servers.want(root, 3, None)
    first = servers.load(root)
    assert first is not None
    assert (first.engines, first.executors) == (3, servers.USUAL_SERVERS)
    servers.want(root, None, None)
    assert servers.load(root) == first
    servers.want(root, None, 1)
    second = servers.load(root)
    assert second is not None
    assert (second.engines, second.executors) == (3, 1)
    assert second.rabbitmq_password == first.rabbitmq_password


def test_only_the_owner_can_read_them(root: Root) -> None:
    servers.want(root, None, None)
    assert (root.path / "cluster.json").stat().st_mode & 0o077 == 0


def test_its_ports_are_not_chosen_for_anything_else(root: Root) -> None:
    servers.want(root, None, None)
    values = json.loads((root.path / "cluster.json").read_text())
    kept = {value for name, value in values.items() if name.endswith("_port")}
    assert len(kept) == 4
    assert not kept & set(ports.choose(500, root))


@pytest.mark.parametrize("number", [0, -1, 33])
def test_a_number_of_servers_that_makes_no_sense_is_refused(root: Root, number: int) -> None:
    with pytest.raises(MiniCloudError, match=f"1 to 32 executors, not {number}"):
        servers.want(root, None, number)
    assert servers.load(root) is None


def test_what_is_on_sqlite_stays_there(root: Root) -> None:
    settings.load_or_create(root)
    with pytest.raises(MiniCloudError, match="can't become a cluster"):
        servers.want(root, None, None)


def test_the_numbers_of_a_cluster_that_is_up_are_not_changed(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.want(root, 2, 2)
    monkeypatch.setattr(state, "supervisor_pid", lambda _root: os.getpid())
    servers.want(root, 2, None)
    with pytest.raises(MiniCloudError, match="is up; take it down"):
        servers.want(root, 3, None)


def test_a_damaged_file_is_named(root: Root) -> None:
    (root.path / "cluster.json").write_text("{}")
    with pytest.raises(DamagedFileError, match=r"cluster\.json"):
        servers.load(root)
