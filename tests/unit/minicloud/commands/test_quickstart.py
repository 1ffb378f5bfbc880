# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from trove_minicloud.commands import quickstart
from trove_minicloud.commands.quickstart import Quickstart, QuickstartError
from trove_minicloud.root import Root


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is run, instead of being run."""
    seen: list[dict[str, Any]] = []

    def run(argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        seen.append({"argv": argv, **options})
        return subprocess.CompletedProcess(argv, 0, stdout="[]", stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def test_a_cloud_that_the_caller_is_logged_in_to_is_left_alone(
    commands: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_TOKEN", "OS_PROJECT_ID"):
        monkeypatch.setenv(name, "of the production cloud")
    monkeypatch.setenv("OS_CLOUD", "production")
    root = Root.at(tmp_path)
    Quickstart(root)._list("database", "backup", "list")
    [command] = commands
    assert {key: value for key, value in command["env"].items() if key.startswith("OS_")} == {
        "OS_CLOUD": "minicloud",
        "OS_CLIENT_CONFIG_FILE": str(root.clouds_file),
    }


def test_a_command_that_fails_or_hangs_ends_the_run_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, 3, stdout="", stderr="no such thing")

    def hang(argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(argv, options["timeout"])

    steps = Quickstart(Root.at(tmp_path))
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(QuickstartError, match=r"exit status 3:\nno such thing"):
        steps._list("database", "backup", "list")
    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(QuickstartError, match=f"after {quickstart.COMMAND_TIMEOUT:.0f} s"):
        steps._list("database", "backup", "list")
