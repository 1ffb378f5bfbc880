# SPDX-License-Identifier: Apache-2.0
"""Records what a run has shown, for the page *What works where*."""

from __future__ import annotations

import inspect
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import pytest

from tests.releases import page
from trove_schedules.ids import UUID

_PROGRAMS = {
    "Keystone": "keystone",
    "Mistral": "mistral",
    "mistral-extra": "mistral-extra",
    "Trove": "trove",
    "Swift": "swift",
    "Horizon": "horizon",
    "trove-dashboard": "trove-dashboard",
    "python-mistralclient": "python-mistralclient",
    "python-troveclient": "python-troveclient",
    "python-openstackclient": "python-openstackclient",
    "openstacksdk": "openstacksdk",
}
_ROWS = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="write the page 'What works where'")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ROWS] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function, call: pytest.CallInfo[Any]) -> Iterator[None]:
    report = yield
    row = inspect.getdoc(item.function)
    rows = item.config.stash[_ROWS]
    if report.failed or hasattr(report, "wasxfail"):
        # The next run has other ids.
        rows[row] = re.sub(UUID, "…", str(call.excinfo.value).partition("\n")[0])
    elif report.passed and report.when == "call":
        rows[row] = page.YES
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.getoption("--record"):
        return
    versions = {name: metadata.version(package) for name, package in _PROGRAMS.items()}
    python = ".".join(platform.python_version_tuple()[:2])
    page.save(
        page.Result(
            _release(versions["Keystone"]),
            f"{datetime.now(UTC):%Y-%m-%d}",
            versions | {"Python": python},
            session.config.stash[_ROWS],
        )
    )


def _release(keystone: str) -> str:
    """The OpenStack release: two a year, and each has a major version of Keystone of its own."""
    number = int(keystone.partition(".")[0]) - 27
    return f"{2025 + number // 2}.{number % 2 + 1}"
