# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML page that needs nothing else: for people who sign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version

import jinja2

from trove_schedules.report import drawing
from trove_schedules.report.due_times import Outcome
from trove_schedules.report.report import Report
from trove_schedules.words import counted, span


def page(report: Report, projects: Mapping[str, str]) -> str:
    """The page; its pictures are in it, and it loads nothing.

    :param projects: the names of projects, by their ids.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trove_schedules", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"time": _time, "span": span, "counted": counted}
    return environment.get_template("page.html").render(
        report=report,
        projects=projects,
        outcomes=list(Outcome),
        letters=drawing.LETTERS,
        calendar=drawing.calendar,
        charts=drawing.charts,
        version=version("trove-schedules"),
    )


def _time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "never"
