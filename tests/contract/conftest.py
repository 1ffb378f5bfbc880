# SPDX-License-Identifier: Apache-2.0
"""The other projects' libraries, as they are installed, ready to be asked."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mistral_api import MistralApi


@pytest.fixture(scope="session")
def _mistral_api() -> MistralApi:
    return MistralApi()


@pytest.fixture
def api() -> MistralApi:
    """Mistral's API with an empty database, its default page limit, and its check of syntax."""
    return MistralApi()


@pytest.fixture(scope="session")
def trove(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/contract/trove_facts.py found out in a process of its own.

    Trove's and Mistral's global configurations don't fit into one process.
    """
    script = Path(__file__).with_name("trove_facts.py")
    command = [sys.executable, str(script), str(tmp_path_factory.mktemp("trove"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts
