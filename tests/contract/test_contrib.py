# SPDX-License-Identifier: Apache-2.0
"""The patches of contrib/, applied to copies of the installed packages, and what they change."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import REPOSITORY

HERE = Path(__file__).parent
LOGIN_AND_LOOK = ["GET /v3", "POST /v3/auth/tokens", "GET /v3/auth/tokens"]


def _facts(script: str, *arguments: str, before: Path | None = None) -> Any:
    """What a script of this folder prints, with a folder of packages before the installed ones."""
    path = filter(None, [str(before or ""), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(HERE / script), *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _patched(folder: Path, package: str, *patches: Path) -> Path:
    """A folder with a copy of an installed package, and with the patches applied."""
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None
    shutil.copytree(Path(found.origin).parent, folder / package)
    for patch in patches:
        # Not as a part of a repository that the folder may lie in.
        subprocess.run(
            ["git", "apply", patch],
            cwd=folder,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)},
            check=True,
            timeout=60,
        )
    return folder


def _patches(project: str) -> list[Path]:
    return sorted((REPOSITORY / "contrib" / project).glob("*.patch"))


def test_listed_and_created_backups_are_asked_for_once(tmp_path: Path) -> None:
    patched = _patched(tmp_path, "troveclient", *_patches("python-troveclient"))
    before = _facts("trove_requests.py")
    after = _facts("trove_requests.py", before=patched)
    assert (before["list"]["requests"], after["list"]["requests"]) == (1 + 5, 1)
    assert (before["create"]["requests"], after["create"]["requests"]) == (2, 1)
    assert after["list"]["rows"] == before["list"]["rows"]
    assert len(after["list"]["rows"]) == 5
    assert after["create"]["rows"] == before["create"]["rows"]


#: Requests to Keystone of the first action of a trust, and of the next.
KEYSTONE = {
    "released": ([], 6, 6),
    "mini cloud": (["remember"], 6, 0),
    "first patch": ([], 3, 3),
    "both patches": ([], 3, 0),
}


@pytest.mark.parametrize("code", KEYSTONE)
def test_keystone_is_asked_less_often_where_trove_is(tmp_path: Path, code: str) -> None:
    arguments, first, second = KEYSTONE[code]
    patches = {"first patch": 1, "both patches": 2}.get(code, 0)
    chosen = _patches("mistral-extra")[:patches]
    patched = _patched(tmp_path, "mistral_extra", *chosen) if chosen else None
    facts = _facts("keystone_requests.py", *arguments, before=patched)

    # Another project's or user's catalog may be another.
    for who, count in (("first", first), ("second", second), ("other project", first)):
        assert facts[who]["keystone"] == LOGIN_AND_LOOK * (count // 3)
    assert facts["other user"]["keystone"] == facts["first"]["keystone"]
    # What a sender wrote is for the sender alone, though it came first.
    assert facts["sent along"] == {"keystone": [], "trove": ["elsewhere.test/v1.0/p/backups"]}
    for who, project in (("first", "p"), ("second", "p"), ("other project", "q")):
        assert facts[who]["trove"] == [f"trove.test/v1.0/{project}/backups"]
