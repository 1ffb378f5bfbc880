# SPDX-License-Identifier: Apache-2.0
"""Ask a module that runs in a process of its own, because what it starts can't be stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


def told(module: str, directory: Path, timeout: int) -> dict[str, Any]:
    """What a module of this folder prints, as JSON.

    :param directory: for its files.
    :param timeout: seconds.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"tests.contract.{module}", str(directory)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path])},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
