# SPDX-License-Identifier: Apache-2.0
import pytest

from trove_minicloud import cluster
from trove_minicloud.cluster import Cluster
from trove_minicloud.root import Root


@pytest.fixture
def chosen(root: Root) -> Cluster:
    """The root is a cluster's."""
    cluster.want(root, None, None)
    loaded = cluster.load(root)
    assert loaded is not None
    return loaded
