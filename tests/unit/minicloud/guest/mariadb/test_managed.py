# SPDX-License-Identifier: Apache-2.0
from tests.unit.minicloud import examples
from trove_minicloud.guest import mariadb
from trove_minicloud.root import Root

INSTANCE = examples.instance(datastore="mariadb", version="10.11.19")


def test_a_server_without_an_option_file_is_not_serving(root: Root) -> None:
    assert not mariadb.is_serving(root, INSTANCE)


def test_the_command_to_connect_names_the_passwords_file_only(root: Root) -> None:
    assert mariadb.connect_command(root, INSTANCE) == (
        f"mariadb --defaults-file={root.path}/instances/instance-1/superuser.password"
    )
