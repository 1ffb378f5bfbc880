# SPDX-License-Identifier: Apache-2.0
"""systemd understands each line of our units. What the unit runs is run by tests/end_to_end."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import DEPLOY
from tests.end_to_end.lacking import lacks

UNITS = sorted(path for path in DEPLOY.rglob("*") if path.suffix in (".service", ".timer"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_has_nothing_to_say_of_a_unit(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        lacks("systemd-analyze")
    # The program is not on this machine.
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
    tmp_path.joinpath(unit.name).write_text(text)
    done = subprocess.run(
        [analyze, "verify", tmp_path / unit.name],
        text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
