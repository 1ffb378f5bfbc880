# SPDX-License-Identifier: Apache-2.0
"""The collection as its users have it: built, installed, and run by Ansible's own programs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "ansible"
#: The environment that has Ansible and the library, which `make test-ansible` makes.
ENVIRONMENT = Path(f"{sys.prefix}-ansible")
BIN = ENVIRONMENT / "bin"
#: Of its Python, which is this one's.
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
NAME = "trove_schedules.backups"


def wait() -> None:
    """What is done while a program runs, where it asks this process for nothing."""
    time.sleep(0.05)


class Collection:
    """The collection in a folder, and a way to have its modules run.

    :ivar meanwhile: is called again and again while a program runs, and takes a moment.
    :ivar variables: what the programs' environment has besides.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meanwhile: Callable[[], None] = wait
        self.variables: dict[str, str] = {}
        self.run("ansible-galaxy", "collection", "build", SOURCE, "--output-path", folder)
        [self.archive] = folder.glob("trove_schedules-backups-*.tar.gz")
        self.run("ansible-galaxy", "collection", "install", self.archive, "-p", folder, "--offline")

    @property
    def installed(self) -> Path:
        return self.folder / "ansible_collections" / "trove_schedules" / "backups"

    def run(self, program: str, *arguments: str | Path, may_fail: bool = False) -> str:
        """What a program of Ansible prints; the test fails if the program does."""
        code, printed = self._run([BIN / program, *arguments], self.folder)
        assert may_fail or code == 0, printed
        return printed

    def module(self, module: str, *, check: bool = False, **options: Any) -> Any:
        """What a module returns, as Ansible's executor gets it."""
        given = options | {"_ansible_check_mode": check, "_ansible_diff": True}
        file = self.folder / "arguments.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
        name = f"ansible_collections.{NAME}.plugins.modules.{module}"
        _, printed = self._run([BIN / "python", "-m", name, file], self.folder)
        return json.loads(printed)

    def sanity(self) -> str:
        """Ansible's own checks of a collection, in environments that are made before."""
        code, printed = self._run(
            [BIN / "ansible-test", "sanity", "--python", VERSION, "--requirements"],
            self.installed,
            HOME=str(ENVIRONMENT),
        )
        assert code == 0, printed
        return printed

    def _run(
        self, command: Sequence[str | Path], folder: Path, **variables: str
    ) -> tuple[int, str]:
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATH": f"{BIN}:/usr/bin:/bin",
            # The modules as they are installed, and the library as it is here.
            "PYTHONPATH": f"{self.folder}:{REPOSITORY / 'client'}",
        }
        with self.folder.joinpath("printed").open("w+") as printed:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                env=environment | self.variables | variables,
                text=True,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
            while process.poll() is None:
                self.meanwhile()
            printed.seek(0)
            return process.returncode, printed.read()
