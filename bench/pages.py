# SPDX-License-Identifier: Apache-2.0
"""The dashboard's list of schedules, of projects with 20 and with 1,000: seconds and requests.

Each schedule has an instance of its own, backups of a week and the runs of two days. One of a
hundred has neither runs nor backups, and needs help. The page comes first, and then asks for the
states of all of its project's schedules and for the names of the instances. Trove's limit of
requests is lifted. Needs the environment that has Horizon, beside its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import requests

from bench import report
from bench.crowd import Crowd
from bench.minicloud import mini_cloud
from bench.overview import ILL, Cloud
from bench.report import Report
from trove_minicloud.commands import dashboard
from trove_minicloud.root import Root

SIZES = (20, 1000)
#: A page of a thousand instances' names is 50 requests, and Trove's usual limit 200 a minute.
_UNHURRIED = {"trove": "[DEFAULT]\nhttp_get_rate = 100000\n"}
_LIST = "project/backup_schedules/"
_STATES = f"{_LIST}states/"
_NAMES = f"{_LIST}instance_names/"
_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
_ATTRIBUTE = {name: re.compile(rf'{name}="([^"]*)"') for name in ("name", "value")}


class Visitor:
    """A user of the dashboard, without scripts."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._url = url
        self._http = requests.Session()
        page = self._http.get(f"{url}auth/login/").text
        hidden = {
            _ATTRIBUTE["name"].search(each)[1]: _ATTRIBUTE["value"].search(each)[1]  # type: ignore[index]
            for each in _HIDDEN.findall(page)
        }
        self._http.post(
            f"{url}auth/login/",
            hidden | {"username": name, "password": password},
            headers={"Referer": f"{url}auth/login/"},
            allow_redirects=False,
        ).raise_for_status()

    def rows(self, size: int) -> int:
        """Rows of the first page, of at most this many."""
        self._http.cookies.set("API_RESULT_PAGE_SIZE", str(size))
        return self._get(_LIST).text.count("data-object-id=")

    def ill(self) -> int:
        """How many schedules need help."""
        return int(self._get(_STATES).json()["ill"])

    def names(self) -> int:
        """How many instances have a name."""
        return len(self._get(_NAMES).json()["names"])

    def _get(self, page: str) -> requests.Response:
        answer = self._http.get(f"{self._url}{page}", allow_redirects=False)
        if answer.status_code != requests.codes.ok:
            # Without a login it is the way to the form.
            raise RuntimeError(f"{answer.url} answers {answer.status_code}")
        return answer


def measure(root: Root, url: str, found: Report, size: int, rounds: int) -> None:
    """The pages of a project with this many schedules."""
    project = Crowd(root).project()
    Cloud(root, 1, size, [project.id])
    visitor = Visitor(url, *project.login)
    asked: list[str] = []
    project.session.session = requests.Session()
    project.session.session.hooks["response"].append(
        lambda answer, *_, **__: asked.append(answer.url)
    )
    api = project.schedules
    listed = _requests(asked, api.schedule_list)
    names = _requests(asked, api.instance_names)
    states = _requests(asked, api.schedule_health)
    for rows in sorted({min(20, size), size}):
        what = f"list of {rows} of {size} schedules"
        found.expect(f"{what}: rows", visitor.rows(rows), rows)
        found.add(what, "s", _seconds(rounds, lambda rows=rows: visitor.rows(rows)))
    found.add(f"list, of {size} schedules", "requests", listed)
    what = f"states of {size} schedules"
    found.expect(f"{what}: those that need help", visitor.ill(), -(-size // ILL))
    found.add(what, "s", _seconds(rounds, visitor.ill))
    found.add(what, "requests", states)
    what = f"names of the instances of {size} schedules"
    found.expect(f"{what}: names", visitor.names(), size)
    found.add(what, "s", _seconds(rounds, visitor.names))
    found.add(what, "requests", names)


def _requests(asked: list[str], call: Callable[[], object]) -> int:
    """How many a call sends, once it is logged in."""
    call()
    asked.clear()
    call()
    return len(asked)


def _seconds(rounds: int, call: Callable[[], object]) -> list[float]:
    timed = report.timed(call)
    return [timed() for _ in range(rounds)]


def run(full: bool) -> Report:
    found = Report("pages")
    with mini_cloud(overrides=_UNHURRIED) as root:
        horizon = dashboard.enable(root, None)
        dashboard.wait(root, horizon)
        for size in SIZES:
            measure(root, horizon.url, found, size, rounds=5 if full else 3)
    return found


if __name__ == "__main__":
    sys.exit(report.main(run))
