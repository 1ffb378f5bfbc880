# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta

import pytest
from osc_lib.exceptions import CommandError

from trove_schedules import clock
from trove_schedules.cli.openstack.report import ReportSchedule
from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.report import Report

NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def report(schedules, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    schedules.report.side_effect = lambda _, since, exclude: Report(since, NOW, ())


@pytest.mark.parametrize(
    ("arguments", "begin"), [((), "<!DOCTYPE html>"), (("-f", "csv"), "project_id,")]
)
def test_the_report_is_printed_in_the_form_that_is_asked_for(run, arguments, begin) -> None:
    assert run(ReportSchedule, *arguments).startswith(begin)


def test_it_begins_as_long_ago_as_is_asked_for(run, schedules) -> None:
    content = json.loads(run(ReportSchedule, "nightly", "--since", "36h", "-f", "json"))
    assert content["since"] == (NOW - timedelta(hours=36)).isoformat()
    schedules.report.assert_called_once_with(
        ["nightly"], since=NOW - timedelta(hours=36), exclude=[]
    )


def test_instances_that_need_no_backups_are_named(run, schedules) -> None:
    run(ReportSchedule, "--exclude", "test-*", "--exclude", "ci-*")
    assert schedules.report.call_args.kwargs["exclude"] == ["test-*", "ci-*"]


def test_without_a_span_it_is_of_a_month(run) -> None:
    assert json.loads(run(ReportSchedule, "-f", "json"))["since"] == "2026-03-02T00:00:00+00:00"


def test_an_administrator_reports_on_all_projects(run, schedules, app) -> None:
    overview = schedules.overview.return_value
    overview.report.return_value = Report(NOW - timedelta(days=1), NOW, ())
    app.client_manager.sdk_connection.identity.projects.return_value = []
    run(ReportSchedule, "--all-projects", "-f", "json")
    overview.report.assert_called_once()
    schedules.report.assert_not_called()


def test_a_span_that_is_none_is_refused_before_any_request(app) -> None:
    parser = ReportSchedule(app, None).get_parser("report")
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parser.parse_args(["--since", "soon"])


def test_what_keeps_it_from_being_read_is_an_error_and_prints_nothing(run, schedules, app) -> None:
    schedules.report.side_effect = ServiceUnavailableError(
        "is down", service="Trove", operation="list backups"
    )
    with pytest.raises(CommandError, match="is down"):
        run(ReportSchedule)
    assert app.stdout.getvalue() == ""
