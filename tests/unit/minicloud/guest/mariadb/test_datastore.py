# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import DatastoreError
from trove_minicloud.guest.mariadb.datastore import MariaDB
from trove_minicloud.root import Root

INSTANCE = examples.instance(datastore="mariadb", version="10.11.19")


def test_a_server_without_an_option_file_is_not_serving(root: Root) -> None:
    assert not MariaDB().is_serving(root, INSTANCE)


def test_the_command_to_connect_names_the_passwords_file_only(root: Root) -> None:
    assert MariaDB().connect_command(root, INSTANCE) == (
        f"mariadb --defaults-file={root.path}/instances/instance-1/superuser.password"
    )


def test_a_server_that_runs_already_is_refused_with_what_to_do_instead(root: Root) -> None:
    with pytest.raises(DatastoreError, match="instance create --datastore mariadb legacy"):
        MariaDB().add_server(root, "legacy", "p", "mysql://root@127.0.0.1/", None)
    assert not list(root.instances.iterdir())
