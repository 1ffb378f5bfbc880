# SPDX-License-Identifier: Apache-2.0
"""Types `openstack` commands: each in a fork of one process that has the program loaded.

To load it costs twenty times what most commands cost, and there are many. Run as a module, this
is that process: it takes an order a line, and answers each with the command's exit status.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

REPOSITORY = Path(__file__).parents[2]


class Typist:
    """The process, started by the first order. It ends with the one that has it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Lock()

    def type(
        self, words: Sequence[str], env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """What ``openstack WORDS`` says in this environment.

        :raises subprocess.TimeoutExpired: it has not ended by then.
        """
        with self._turn, tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            order = {"words": words, "env": dict(env), "out": str(out), "err": str(err)}
            process = self._started()
            assert process.stdin and process.stdout
            watch = threading.Timer(timeout, process.kill)
            watch.start()
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            watch.cancel()
            if not answer:
                raise subprocess.TimeoutExpired(["openstack", *words], timeout)
            return subprocess.CompletedProcess(
                ["openstack", *words], int(answer), out.read_text(), err.read_text()
            )

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                cwd=REPOSITORY,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process


def _serve() -> None:
    from openstackclient import shell

    import trove_schedules

    # What commands import when they need it, which is half the work of most.
    for module in pkgutil.walk_packages(trove_schedules.__path__, "trove_schedules."):
        importlib.import_module(module.name)
    # It loads the plugins too.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        shell.main(["help", "database", "backup", "schedule", "list"])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _type(shell.main, json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _type(program: Any, order: dict[str, Any]) -> NoReturn:
    os.environ.clear()
    os.environ.update(order["env"])
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, order["out"], os.O_WRONLY | os.O_CREAT),
        (2, order["err"], os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(path, flags, 0o600), number)
    sys.argv = ["openstack", *order["words"]]
    try:
        status = program(order["words"])
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    _serve()
