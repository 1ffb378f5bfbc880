# SPDX-License-Identifier: Apache-2.0
import pytest

from trove_minicloud.errors import DatastoreError
from trove_minicloud.guest import mariadb
from trove_minicloud.root import Root


def test_a_server_that_runs_already_is_refused_with_what_to_do_instead(root: Root) -> None:
    with pytest.raises(DatastoreError, match="instance create --datastore mariadb legacy"):
        mariadb.add_server(root, "legacy", "p", "mysql://root@127.0.0.1/", None)
    assert not list(root.instances.iterdir())
