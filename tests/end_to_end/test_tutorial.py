# SPDX-License-Identifier: Apache-2.0
"""The tutorial, typed as it stands on the page."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY, blocks
from tests.end_to_end.cloud import BIN, remove
from tests.end_to_end.folders import passable_folder
from trove_minicloud.root import ROOT_VARIABLE, Root

TUTORIAL = REPOSITORY / "docs" / "tutorial.md"


@pytest.mark.timeout(1000)
def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    """It waits for a true cron minute, as its reader does."""
    commands = "\n".join(text for _, text in blocks(TUTORIAL))
    # The page is for a clone with its own environment, which may be elsewhere here.
    tmp_path.joinpath(".venv").symlink_to(BIN.parent)
    env = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    root = Root.at(passable_folder() / "cloud")
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=tmp_path,
            env=env | {ROOT_VARIABLE: str(root.path)},
            text=True,
            capture_output=True,
            check=False,
            timeout=900,
        )
    finally:
        remove(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout, done.stdout
    assert "1000" in done.stdout.partition("shop-again")[2], done.stdout
