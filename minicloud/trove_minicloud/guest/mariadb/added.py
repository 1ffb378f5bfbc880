# SPDX-License-Identifier: Apache-2.0
"""Why a MariaDB server that runs already can't be taken in: `add_server`."""

from typing import NoReturn

from trove_minicloud.errors import DatastoreError
from trove_minicloud.root import Root


def add_server(root: Root, name: str, project_id: str, dsn: str, password: str | None) -> NoReturn:
    """:raises DatastoreError: always; the text says what to do instead."""
    raise DatastoreError(
        "A MariaDB server that runs already can't be added: mariadb-backup reads the server's own"
        " files, on its machine and as their owner. Make one here instead"
        f" (trove-minicloud instance create --datastore mariadb {name}) and load a dump into it."
    )
