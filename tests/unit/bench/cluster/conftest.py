# SPDX-License-Identifier: Apache-2.0
import pytest

from bench.cluster import servers
from bench.cluster.servers import Cluster
from tests.unit.minicloud.conftest import root, tmp_path
from trove_minicloud.root import Root


@pytest.fixture
def chosen(root: Root) -> Cluster:
    """The root is a cluster's."""
    servers.want(root, None, None)
    loaded = servers.load(root)
    assert loaded is not None
    return loaded


__all__ = ["chosen", "root", "tmp_path"]
