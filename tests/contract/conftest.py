# SPDX-License-Identifier: Apache-2.0
"""The other projects' libraries, as they are installed, ready to be asked."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.mistral_api import MistralApi


@pytest.fixture(scope="session")
def _mistral_api() -> MistralApi:
    return MistralApi()


@pytest.fixture
def api(_mistral_api: MistralApi) -> Iterator[MistralApi]:
    """Mistral's API with an empty database, its default page limit, and its check of syntax."""
    _mistral_api.clear()
    yield _mistral_api
    _mistral_api.max_limit(1000)
    _mistral_api.check_syntax(True)


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
