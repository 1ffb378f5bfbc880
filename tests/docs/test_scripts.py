# SPDX-License-Identifier: Apache-2.0
"""The shell scripts."""

import shutil
import subprocess

from tests.docs.pages import REPOSITORY
from tests.end_to_end.lacking import lacks


def test_shellcheck_finds_nothing_in_the_shell_scripts() -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        lacks("shellcheck")
    scripts = [
        *(path for path in REPOSITORY.joinpath("tools").iterdir() if path.is_file()),
        REPOSITORY / "devstack" / "plugin.sh",
        REPOSITORY / "devstack" / "settings",
        REPOSITORY / ".ci" / "run",
    ]
    shell = [path for path in scripts if "bash" in path.read_text(encoding="utf-8")[:200]]
    assert len(shell) >= 4
    done = subprocess.run(
        [shellcheck, "--external-sources", *map(str, shell)],
        text=True, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
