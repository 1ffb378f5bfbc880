# SPDX-License-Identifier: Apache-2.0
import sys
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from trove_minicloud import settings
from trove_minicloud.clients.catalog import offer_compute
from trove_minicloud.commands import dashboard
from trove_minicloud.errors import MiniCloudError, StartupError
from trove_minicloud.root import Root
from trove_minicloud.services import horizon
from trove_minicloud.supervision import state
from trove_minicloud.supervision.state import CloudStatus, ProgramState, ProgramStatus

PYTHON = Path("/somewhere/bin/python")


@pytest.fixture(autouse=True)
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "offer_compute", create_autospec(offer_compute))


def _save(root: Root, name: ProgramState, restarts: int, reason: str = "") -> None:
    program = ProgramStatus("horizon", name, datetime.now(UTC), restarts, reason, None)
    state.save(root, CloudStatus(1, "running", "", (program,)))


def test_without_an_environment_the_error_says_how_to_make_one(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    with pytest.raises(MiniCloudError, match="make dashboard"):
        dashboard.enable(root, None)
    assert horizon.wanted(root) is None


def test_the_environment_beside_the_own_one_is_found(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    python = tmp_path / ".venv-dashboard" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert dashboard.enable(root, None).python == str(python)


def test_waiting_ends_when_it_is_ready(root: Root) -> None:
    wanted = dashboard.enable(root, PYTHON)
    _save(root, "ready", 3)
    assert dashboard.wait(root, wanted) < 5


def test_waiting_ends_with_the_reason_when_it_dies(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = dashboard.enable(root, PYTHON)
    _save(root, "restarting", 1, "an earlier death")
    died = []

    def sleep(_seconds: float) -> None:
        died.append(1)
        _save(root, "restarting", 2, "ended with exit code 1")

    monkeypatch.setattr(dashboard.time, "sleep", sleep)
    with pytest.raises(StartupError, match=r"exit code 1.*horizon\.log"):
        dashboard.wait(root, wanted)
    assert len(died) == 1, "an earlier death is not this one's"


def test_the_login_is_told_with_the_address(root: Root) -> None:
    wanted = dashboard.enable(root, PYTHON)
    told = "\n".join(dashboard.login(root, wanted))
    chosen = settings.load_or_create(root)
    for each in (wanted.url, settings.USER, chosen.demo_password):
        assert each in told
