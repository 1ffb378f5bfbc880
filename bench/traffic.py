# SPDX-License-Identifier: Apache-2.0
"""Requests that the services of a mini cloud say they sent: urllib3 logs each with its answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import LIGHT
from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services.config_files import logging_options

_LEVELS = f"default_log_levels = {logging_options()['default_log_levels']}," + (
    "urllib3.connectionpool=DEBUG\n"
)
#: The mini cloud's options that bring the light guest in, and log each request of the services.
OPTIONS = {"mistral": f"[DEFAULT]\n{_LEVELS}", "trove": LIGHT["trove"] + _LEVELS}
_REQUEST = re.compile(r' http://127\.0\.0\.1:(\d+) "([A-Z]+) \S+ HTTP/1\.1" (\d+) ')


@dataclass(frozen=True)
class Traffic:
    """Requests of Mistral and Trove.

    :ivar trove: to Trove, by method.
    :ivar refused: of these, because the project sent too many.
    :ivar keystone: to Keystone, by Trove too.
    """

    trove: Counter[str]
    refused: int
    keystone: int


def traffic(lines: Iterable[str], trove: int, keystone: int) -> Traffic:
    """What urllib3 logged of requests to these ports."""
    found = [match.groups() for line in lines if (match := _REQUEST.search(line))]
    asked = [(method, status) for port, method, status in found if int(port) == trove]
    return Traffic(
        trove=Counter(method for method, _ in asked),
        refused=sum(status == "413" for _, status in asked),
        keystone=sum(int(port) == keystone for port, _, _ in found),
    )


class Wire:
    """The requests since it was made."""

    def __init__(self, root: Root) -> None:
        self._settings = settings.load_or_create(root)
        self._logs = [root.log(name) for name in ("mistral", "trove")]
        self._began = [log.stat().st_size for log in self._logs]

    def traffic(self) -> Traffic:
        lines: list[str] = []
        for log, began in zip(self._logs, self._began, strict=True):
            lines += _after(log, began).splitlines()
        return traffic(lines, self._settings.trove_port, self._settings.keystone_port)


def _after(log: Path, position: int) -> str:
    with log.open("rb") as stream:
        stream.seek(position)
        return stream.read().decode(errors="replace")
