# SPDX-License-Identifier: Apache-2.0
"""Becomes Mistral's API under uWSGI, with the settings that the deployments have in common.

Arguments: the service's folder and the port. It makes the tables, and lays out what stands for
/etc/mistral: the mini cloud's options but one, and our file of `mistral.conf.d`.
"""

import os
import shutil
import sys
from pathlib import Path

from bench.cluster import run_mistral_server
from tests.end_to_end.packaged import ETC, SYSTEMD
from trove_minicloud.files import write_private
from trove_minicloud.services.serving import die_with_parent

_UWSGI = """\
[uwsgi]
http-socket = 127.0.0.1:{port}
module = mistral.wsgi:application
master = true
processes = 2
enable-threads = true
lazy-apps = true
need-app = true
die-on-term = true
no-orphans = true
buffer-size = 65535
add-header = Connection: close
"""


def main(directory: Path, port: str) -> None:
    die_with_parent()
    run_mistral_server.prepare(directory)
    etc = _etc(directory)
    write_private(etc / "uwsgi.ini", _UWSGI.format(port=port))
    os.environ["MISTRAL_CONFIG_FILE"] = str(etc / "mistral.conf")
    os.environ["MISTRAL_CONFIG_DIR"] = str(etc / "mistral.conf.d")
    code = "import sys, pyuwsgi; pyuwsgi.run(sys.argv[1:])"
    os.execv(sys.executable, [sys.executable, "-c", code, "--ini", str(etc / "uwsgi.ini")])


def _etc(directory: Path) -> Path:
    etc = directory / ETC
    if etc.exists():
        # A restart: a test may have taken our file away.
        return etc
    etc.joinpath("mistral.conf.d").mkdir(parents=True)
    # Whether the API fires triggers is up to our file.
    text = directory.joinpath("mistral.conf").read_text(encoding="utf-8")
    assert "run_in_api = False\n" in text
    write_private(etc / "mistral.conf", text.replace("run_in_api = False\n", ""))
    shutil.copy(SYSTEMD / "trove-schedules.conf", etc / "mistral.conf.d")
    return etc


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
