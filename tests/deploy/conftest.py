# SPDX-License-Identifier: Apache-2.0
"""The files of deploy/, rendered or run by the deployment tools themselves.

These tests run in the environment that has the tools: `make test-deploy`.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
BIN = Path(sys.executable).parent

if find_spec("kolla") is None:
    # The other environments, whose runs name their folders, have nothing to run here.
    collect_ignore_glob = ["test_*.py"]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a program of this environment prints; the test fails if the program does."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(cwd), "LANG": "C.UTF-8"} | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def periodic() -> list[str]:
    """The command line of the unit for packages, which tests/end_to_end runs."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(DEPLOY / "systemd" / "mistral-periodic.service")
    return unit["Service"]["ExecStart"].split()
