# SPDX-License-Identifier: Apache-2.0
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cluster import debian
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root

MakeTool = Callable[[str, str], None]


@pytest.fixture
def make_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeTool:
    """Puts shell scripts before the machine's own programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def make(name: str, script: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return make


def test_what_is_needed_is_unpacked_once_for_everybody_to_read(
    root: Root, make_tool: MakeTool, tmp_path: Path
) -> None:
    make_tool(
        "apt-get",
        'echo "$@" >>' + str(tmp_path / "asked") + "\n"
        'case "$1" in --simulate) echo "Inst helper (1)"; echo "Conf helper";;\n'
        '*) for deb; do case "$deb" in -*|download) ;; *) : >"$deb.deb";; esac; done;; esac',
    )
    make_tool("dpkg", 'mkdir -m 700 -p "$3/usr"; basename "$2" >"$3/usr/$(basename "$2")"')
    for _ in range(2):
        home = debian.unpack(root, ["tool", "data"])
    assert sorted(path.name for path in (home / "usr").iterdir()) == [
        "data.deb",
        "helper.deb",
        "tool.deb",
    ]
    assert stat.S_IMODE((home / "usr").stat().st_mode) == 0o755
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["--simulate", "download"]


def test_packages_that_cannot_be_had_are_named_and_nothing_is_left(
    root: Root, make_tool: MakeTool
) -> None:
    make_tool("apt-get", "echo 'E: Unable to locate package tool' >&2; exit 100")
    with pytest.raises(MiniCloudError, match=r"packages tool data can't be had.*Unable to locate"):
        debian.unpack(root, ["tool", "data"])
    assert list((root.path / "packages").iterdir()) == []


def test_a_machine_without_debians_tools_is_told_what_to_install(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(root.path))
    with pytest.raises(MiniCloudError, match="tool can't be had here: there is no apt-get"):
        debian.unpack(root, ["tool"])


def test_a_download_that_hangs_is_given_up(
    root: Root, make_tool: MakeTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tool("apt-get", "exec sleep 60")
    monkeypatch.setattr(debian, "_TIMEOUT", 0.2)
    with pytest.raises(MiniCloudError, match="apt-get took more than"):
        debian.unpack(root, ["tool"])
    assert subprocess.run(["pgrep", "-f", str(root.path)], check=False).returncode == 1
