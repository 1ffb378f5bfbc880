# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
import yaml
from osc_lib.exceptions import CommandError

from tests import examples
from tests.examples import INSTANCE, SCHEDULE
from trove_schedules.cli.openstack.declared import ApplySchedule, ExportSchedule
from trove_schedules.declared import Action, Difference, Step, schema
from trove_schedules.errors import InvalidScheduleError, ScheduleConflictError

FILE = "schedules:\n- name: nightly\n  instance: m\n  pattern: 0 2 * * *\n"
CREATE = Step(
    Action.CREATE, INSTANCE, "orders-db", "new", SCHEDULE,
    (Difference("pattern", None, "0 2 * * *"), Difference("notify_url", None, "(secret)")),
)  # fmt: skip
CHANGE = Step(
    Action.CHANGE, INSTANCE, "orders-db", "hourly", SCHEDULE,
    (Difference("keep_last", 7, None), Difference("declared", False, True)),
    schedule=examples.schedule(),
)  # fmt: skip
DELETE = Step(Action.DELETE, INSTANCE, INSTANCE, "old\x1b", SCHEDULE, schedule=examples.schedule())
KEEP = Step(Action.KEEP, INSTANCE, "orders-db", "nightly", SCHEDULE, schedule=examples.schedule())
POLICY = Step(
    Action.CHANGE, "*", "*", "fleet", SCHEDULE,
    (Difference("match", [], ["db-*", "m"]), Difference("exclude", ["x"], [])),
)  # fmt: skip
PLAN = f"""\
+ new of orders-db
    pattern: 0 2 * * *
    notify_url: (secret)
~ hourly of orders-db ({SCHEDULE})
    keep_last: 7 -> none
    declared: false -> true
- old\\x1b of {INSTANCE} ({SCHEDULE})
1 to create, 1 to change, 1 to delete, 1 unchanged
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE)
    return str(path)


@pytest.fixture
def steps(schedules):
    found = [CREATE, KEEP, CHANGE, DELETE]
    schedules.schedule_steps.return_value = found
    return found


def test_what_differs_is_shown_and_then_done(run, schedules, steps, file, capsys) -> None:
    assert run(ApplySchedule, "-f", file) == PLAN
    schedules.schedule_steps.assert_called_once_with(yaml.safe_load(FILE), prune=False)
    assert [call.args for call in schedules.schedule_apply.call_args_list] == [
        (CREATE,), (CHANGE,), (DELETE,),
    ]  # fmt: skip
    said = capsys.readouterr().err
    assert "1 of 3: created new of orders-db\n" in said
    assert f"3 of 3: deleted old\\x1b of {INSTANCE} ({SCHEDULE})\n" in said


def test_a_dry_run_shows_it_only(run, schedules, steps, file) -> None:
    assert run(ApplySchedule, "-f", file, "--dry-run", "--prune") == PLAN
    schedules.schedule_steps.assert_called_once_with(yaml.safe_load(FILE), prune=True)
    schedules.schedule_apply.assert_not_called()


def test_a_policy_is_told_by_its_name(run, schedules, file) -> None:
    schedules.schedule_steps.return_value = [POLICY]
    said = run(ApplySchedule, "--file", file, "--dry-run")
    assert said.splitlines()[:3] == [
        f"~ policy fleet ({SCHEDULE})",
        "    match: none -> db-*, m",
        "    exclude: x -> none",
    ]


def test_where_all_is_as_declared_nothing_is_done(run, schedules, file) -> None:
    schedules.schedule_steps.return_value = [KEEP]
    said = "0 to create, 0 to change, 0 to delete, 1 unchanged\n"
    assert run(ApplySchedule, "--file", file) == said
    schedules.schedule_apply.assert_not_called()


def test_one_that_fails_stops_no_other_but_nothing_is_deleted(
    run, schedules, steps, file, caplog
) -> None:
    schedules.schedule_apply.side_effect = [ScheduleConflictError("a run is in progress"), None]
    with pytest.raises(CommandError, match=r"^1 of 3 changes failed; .* apply the file again$"):
        run(ApplySchedule, "-f", file)
    assert [call.args for call in schedules.schedule_apply.call_args_list] == [
        (CREATE,), (CHANGE,),
    ]  # fmt: skip
    assert "Failed to create new of orders-db: a run is in progress" in caplog.text
    assert "Not deleted because something failed: old\\x1b of" in caplog.text


def test_it_reads_standard_input(run, schedules, steps, monkeypatch) -> None:
    given = SimpleNamespace(buffer=io.BytesIO(FILE.encode()))
    monkeypatch.setattr("sys.stdin", given)
    run(ApplySchedule, "-f", "-", "--dry-run")
    schedules.schedule_steps.assert_called_once_with(yaml.safe_load(FILE), prune=False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a: [\nurl: https://hc.test/very-secret\n", "is no YAML in line 3, column 1; a pattern"),
        (b"url: very-secret\npattern: * * * * *\n", "is no YAML in line 2, column 1"),
        (b"url: https://hc.test/very-secret\x07", "is no YAML: it holds characters"),
        (b"url: \xff\xfe very-secret", "is no YAML: it holds characters"),
    ],
)
def test_a_file_that_is_no_yaml_is_told_without_what_it_holds(
    run, schedules, tmp_path, content, told
) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=told) as caught:
        run(ApplySchedule, "-f", str(path))
    assert "very-secret" not in str(caught.value)
    schedules.schedule_steps.assert_not_called()


def test_a_file_that_is_not_there_is_told(run, tmp_path) -> None:
    with pytest.raises(CommandError, match=r"can't read .*: No such file"):
        run(ApplySchedule, "-f", str(tmp_path / "none"))


def test_what_is_wrong_with_the_file_is_the_error(app, run, schedules, file) -> None:
    schedules.schedule_steps.side_effect = InvalidScheduleError("schedules[0]: name is missing")
    with pytest.raises(CommandError, match=r"schedules\[0\]: name is missing"):
        run(ApplySchedule, "-f", file)
    assert app.stdout.getvalue() == ""


def test_the_schema_is_printed_without_a_cloud(run, connect) -> None:
    assert json.loads(run(ApplySchedule, "--schema")) == schema()
    connect.assert_not_called()


def test_the_export_is_printed_as_it_is(run, schedules) -> None:
    schedules.schedule_export.return_value = FILE
    assert run(ExportSchedule) == FILE
    schedules.schedule_export.assert_called_once_with(secrets=False)
    run(ExportSchedule, "--secrets")
    schedules.schedule_export.assert_called_with(secrets=True)
