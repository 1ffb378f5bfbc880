# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trove_minicloud.commands import service
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.supervision import state

_SYSTEMCTL = """#!/bin/sh
echo "$(basename "$0") $*" >> {calls}
case "$*" in *is-active*) exit 3;; *"{fails}"*) echo "it refuses" >&2; exit 1;; esac
"""


class Systemd:
    """What was asked of it, in the place of systemctl and loginctl."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._calls = folder, folder / "calls"
        folder.mkdir()
        self.refuse("nothing at all")
        monkeypatch.setenv("PATH", f"{folder}:{os.defpath}")

    def refuse(self, what: str) -> None:
        for program in ("systemctl", "loginctl"):
            (self._folder / program).write_text(_SYSTEMCTL.format(calls=self._calls, fails=what))
            (self._folder / program).chmod(0o755)

    @property
    def calls(self) -> list[str]:
        found = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [call for call in found if "is-active" not in call]


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    return Systemd(tmp_path / "bin", monkeypatch)


@pytest.fixture(params=["system", "user"])
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The unit's file, as root and as a user."""
    system = request.param == "system"
    monkeypatch.setattr(os, "getuid", lambda: 0 if system else 1000)
    monkeypatch.setattr(service, "_SYSTEM", tmp_path / "system")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "system" if system else tmp_path / "config" / "systemd" / "user"
    return folder / service.NAME


def test_the_unit_is_written_enabled_and_started(root: Root, systemd: Systemd, file: Path) -> None:
    lines = service.install(root)
    system = "systemctl " if os.getuid() == 0 else "systemctl --user "
    linger = [] if os.getuid() == 0 else ["loginctl enable-linger"]
    calls = [*linger, f"{system}daemon-reload", f"{system}enable --now {service.NAME}"]
    assert systemd.calls == calls
    assert lines == [f"wrote {file}", *(f"ran {call}" for call in calls)]
    text = file.read_text()
    target = "multi-user" if os.getuid() == 0 else "default"
    assert text.endswith(f"WantedBy={target}.target\n")
    program = f'"{sys.executable}" -m trove_minicloud'
    assert f'\nExecStart={program} up --root "{root.path}"\n' in text
    assert f'\nExecStop={program} down --root "{root.path}"\n' in text
    # Again is fine.
    assert service.install(root) == lines


def test_what_the_shell_says_of_the_mini_cloud_is_kept(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROVE_MINICLOUD_PG_BINDIR", '/opt/100% "pg" $1')
    monkeypatch.setenv("OS_PASSWORD", "secret")
    text = service.unit(root, system=True)
    assert 'Environment="TROVE_MINICLOUD_PG_BINDIR=/opt/100%% \\"pg\\" $1"\n' in text
    assert "secret" not in text


def test_a_unit_of_another_root_is_not_replaced(root: Root, systemd: Systemd, file: Path) -> None:
    service.install(Root(root.path.with_name("other")))
    before = file.read_text()
    with pytest.raises(MiniCloudError, match="runs another mini cloud"):
        service.install(root)
    assert file.read_text() == before


def test_a_refusal_of_systemds_is_told(root: Root, systemd: Systemd, file: Path) -> None:
    systemd.refuse("enable --now")
    with pytest.raises(MiniCloudError, match=r"enable --now .* fails: it refuses"):
        service.install(root)


def test_a_cloud_that_is_up_without_systemd_is_left_alone(
    root: Root, systemd: Systemd, file: Path
) -> None:
    with state.supervisor_lock(root), pytest.raises(MiniCloudError, match="take it down first"):
        service.install(root)
    assert not file.exists()


def test_without_systemd_there_is_no_service(
    root: Root, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(MiniCloudError, match="no systemctl"):
        service.install(root)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("name", ["cloud", 'it\'s "my" $cloud 100%'])
def test_systemd_understands_the_unit(tmp_path: Path, name: str) -> None:
    file = tmp_path / service.NAME
    root = Root.at(tmp_path / name)
    file.write_text(service.unit(root, system=True))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert service.NAME not in done.stderr, done.stderr
