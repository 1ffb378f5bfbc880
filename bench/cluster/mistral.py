# SPDX-License-Identifier: Apache-2.0
"""Mistral's stock servers, each a program of its own."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trove_minicloud.root import Root
from trove_minicloud.services.mistral import NAME, serves
from trove_minicloud.settings import Settings
from trove_minicloud.supervision.program import NotReadyError, Program

_STARTED = b" server started."


def api_program(root: Root, settings: Settings) -> Program:
    """The API server; the first to be started, because it makes the tables."""
    return _program(root, f"{NAME}-api", "api", serves(settings))


def server_programs(root: Root, engines: int, executors: int, periodics: int) -> list[Program]:
    """The other servers, which are ready when they say so."""
    programs = []
    for kind, count in (("engine", engines), ("executor", executors), ("periodic", periodics)):
        for number in range(1, count + 1):
            name = f"{NAME}-{kind}-{number}"
            program = _program(root, name, kind, _says_started(root.log(name)))
            # It says so once.
            programs.append(replace(program, if_silent="unasked"))
    return programs


def _says_started(log: Path) -> Callable[[], None]:
    """Ready when "… server started." has been logged since it was ready last."""
    seen = log.stat().st_size if log.exists() else 0

    def ready() -> None:
        nonlocal seen
        with log.open("rb") as stream:
            # A full log is put aside.
            seen = min(seen, log.stat().st_size)
            stream.seek(seen)
            new = stream.read()
        if _STARTED not in new:
            raise NotReadyError("it has not said that it has started")
        seen += len(new)

    return ready


def _program(root: Root, name: str, kind: str, ready: Callable[[], None]) -> Program:
    directory = root.service(NAME)
    return Program(
        name=name,
        argv=(sys.executable, "-m", "bench.cluster.run_mistral_server", str(directory), kind),
        env={},
        cwd=directory,
        log=root.log(name),
        user=None,
        ready=ready,
        # The first start makes the tables by the stock migrations.
        ready_timeout=240,
    )
