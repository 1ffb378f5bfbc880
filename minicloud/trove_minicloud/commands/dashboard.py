# SPDX-License-Identifier: Apache-2.0
"""What `up --dashboard` does besides starting the cloud: have a Horizon, and wait for it."""

import sys
import time
from pathlib import Path

from keystoneauth1.exceptions import ClientException

from trove_minicloud import settings
from trove_minicloud.clients.catalog import offer_compute
from trove_minicloud.errors import MiniCloudError, StartupError
from trove_minicloud.root import Root
from trove_minicloud.services import horizon
from trove_minicloud.services.horizon import NAME, Dashboard
from trove_minicloud.supervision import state

__all__ = ["NAME", "enable", "login", "wait"]

_TIMEOUT = 270.0
_POLL_INTERVAL = 0.2


def enable(root: Root, python: Path | None) -> Dashboard:
    """Have the supervisor, running now or started later, keep a Horizon running.

    :param python: the interpreter of the environment with Horizon; None looks beside ours.
    :raises MiniCloudError: there is no such environment.
    """
    root.prepare()
    return horizon.want(root, python or _installed())


def wait(root: Root, dashboard: Dashboard) -> float:
    """Wait until the dashboard of a cloud that is up answers; return the seconds it took.

    :raises StartupError: it doesn't, and why.
    """
    chosen = settings.load_or_create(root)
    try:
        offer_compute(chosen, dashboard.compute_url)
    except ClientException as error:
        raise StartupError(f"The flavors' endpoint could not be set up: {error}") from error
    started = time.monotonic()
    deaths_before: int | None = None
    while True:
        waited = time.monotonic() - started
        status = state.load(root)
        found = [each for each in status.programs if each.name == NAME] if status else []
        if found and found[0].state == "ready":
            return waited
        if found and deaths_before is None:
            deaths_before = found[0].restarts
        if waited > _TIMEOUT or (found and found[0].restarts != deaths_before):
            reason = found[0].reason if found else "the supervisor doesn't run it"
            raise StartupError(
                f"The dashboard is not up after {waited:.0f} s: {reason}; see {root.log(NAME)}."
            )
        time.sleep(_POLL_INTERVAL)


def login(root: Root, dashboard: Dashboard) -> list[str]:
    """Where the dashboard is and how to log in, in lines for people; a password is among them."""
    chosen = settings.load_or_create(root)
    return [
        f"Dashboard:  {dashboard.url}",
        f"User name:  {settings.USER}",
        f"Password:   {chosen.demo_password}",
    ]


def _installed() -> Path:
    """The interpreter of the environment that `make dashboard` installs, beside the own one."""
    python = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-dashboard") / "bin" / "python"
    if not python.exists():
        raise MiniCloudError(
            f"There is no Horizon in {python.parent.parent}. 'make dashboard' installs it there;"
            " --dashboard-python names the interpreter of another environment that has horizon,"
            " trove-dashboard and trove-schedules."
        )
    return python
