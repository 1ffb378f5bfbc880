# SPDX-License-Identifier: Apache-2.0
"""A cluster as packages run it: the API under uWSGI, and periodic servers as our unit starts them.

`python -m tests.end_to_end.packaged ROOT` is its supervisor, in the background.
"""

from __future__ import annotations

import configparser
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from bench.cluster.layout import Distributed
from tests.docs.pages import REPOSITORY
from trove_minicloud.cloud import daemon
from trove_minicloud.root import Root
from trove_minicloud.services.mistral import NAME
from trove_minicloud.supervision.program import Program

SYSTEMD = REPOSITORY / "deploy" / "systemd"
UNIT = "mistral-periodic.service"
#: The folder that stands for /etc/mistral.
ETC = "etc"
PERIODIC = ("mistral-periodic-1", "mistral-periodic-2")


class Packaged(Distributed):
    """The API is served by uWSGI, and the periodic servers are started as the unit says."""

    def mistral(self) -> Program:
        api = super().mistral()
        argv = (sys.executable, "-m", "tests.end_to_end.packaged_api", str(self._directory))
        return _soon_over(api, (*argv, str(self._settings.mistral_port)))

    def servers(self) -> list[Program]:
        argv = exec_start(SYSTEMD / UNIT, self._directory / ETC)
        return [
            _soon_over(each, argv if each.name in PERIODIC else each.argv)
            for each in super().servers()
        ]

    @property
    def _directory(self) -> Path:
        return self._root.service(NAME)


def _soon_over(program: Program, argv: tuple[str, ...]) -> Program:
    """With this command line, and killed where it takes longer to end: nobody misses anything."""
    return replace(program, argv=argv, stop_timeout=1.0)


def exec_start(unit: Path, etc: Path) -> tuple[str, ...]:
    """The command line of a unit, with this environment for /usr/bin and a folder for /etc."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(unit.read_text(encoding="utf-8"))
    program, *arguments = shlex.split(parser["Service"]["ExecStart"])
    assert Path(program).parent == Path("/usr/bin")
    here = Path(sys.executable).with_name(Path(program).name)
    return str(here), *(each.replace("/etc/mistral", str(etc)) for each in arguments)


if __name__ == "__main__":
    daemon.main(Root.at(sys.argv[1]), Packaged)
