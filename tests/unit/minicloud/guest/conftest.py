# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from trove_minicloud.guest.storage.local import LocalStore
from trove_minicloud.root import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A prepared root without anything in it."""
    root = Root.at(tmp_path / "root")
    root.prepare()
    return root


@pytest.fixture
def store(root: Root) -> LocalStore:
    return LocalStore(root.backups)
