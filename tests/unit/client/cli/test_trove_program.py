# SPDX-License-Identifier: Apache-2.0
"""The ``trove`` program itself, on faked Keystone, Trove and Mistral: tables as the spec's."""

from __future__ import annotations

import io
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from troveclient import shell

from trove_schedules import workbook

PROJECT = "8f1d5d0c3f6f4c7e9f5d1d2c3b4a5968"
INSTANCE = "5328f62a-d999-4be3-90bb-83cc6af4469c"
OTHER_INSTANCE = "0c4b1c2e-6c5a-4a43-9c38-6b8b2a1b7d10"
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
TRIGGER = "d7593305-6c8d-4b6c-8f6c-3b2f4f8f5a11"
FIRST, SECOND = "38ef2289-4330-4554-8574-4b5351f69713", "3713355a-b65e-44e0-ac43-150b863a6e6e"
BACKUP = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"
INPUT = {"instance": INSTANCE, "description": None, "parent_id": None, "name": "myback"}

KEYSTONE, TROVE, MISTRAL = "http://keystone/v3", "http://trove/v1.0", "http://mistral/v2"
LOGIN = (
    *("--os-auth-url", KEYSTONE),
    *("--os-username", "demo", "--os-password", "secret", "--os-project-name", "demo"),
    *("--os-user-domain-name", "Default", "--os-project-domain-name", "Default"),
)

CREATED = """\
+---------------------+----------------------------------------------------------------------------------------------------------------+
| Property            | Value                                                                                                          |
+---------------------+----------------------------------------------------------------------------------------------------------------+
| created_at          | 2016-06-14 14:47:16.865731                                                                                     |
| id                  | fb149a29-be9b-49c1-a2f7-ca6c1213896f                                                                           |
| input               | {"instance": "5328f62a-d999-4be3-90bb-83cc6af4469c", "description": null, "parent_id": null, "name": "myback"} |
| instance            | 5328f62a-d999-4be3-90bb-83cc6af4469c                                                                           |
| name                | myback                                                                                                         |
| next_execution_time | 2016-06-14 07:48:00                                                                                            |
| parent_id           | None                                                                                                           |
| pattern             | */2 * * * *                                                                                                    |
+---------------------+----------------------------------------------------------------------------------------------------------------+
"""  # noqa: E501
SHOWN = """\
+---------------------+----------------------------------------------------------------------------------------------------------------+
| Property            | Value                                                                                                          |
+---------------------+----------------------------------------------------------------------------------------------------------------+
| created_at          | 2016-06-14 14:47:16                                                                                            |
| id                  | fb149a29-be9b-49c1-a2f7-ca6c1213896f                                                                           |
| input               | {"instance": "5328f62a-d999-4be3-90bb-83cc6af4469c", "description": null, "parent_id": null, "name": "myback"} |
| instance            | 5328f62a-d999-4be3-90bb-83cc6af4469c                                                                           |
| name                | myback                                                                                                         |
| next_execution_time | 2016-06-14 07:52:00                                                                                            |
| parent_id           | None                                                                                                           |
| pattern             | */2 * * * *                                                                                                    |
| updated_at          | 2016-06-14 14:49:59                                                                                            |
+---------------------+----------------------------------------------------------------------------------------------------------------+
"""  # noqa: E501
#: What a schedule that may not fire more often keeps of itself.
KEPT = {"id": SCHEDULE, "pattern": "*/2 * * * *"}
LISTED = """\
+--------------------------------------+--------+-------------+---------------------+
| ID                                   | Name   | Pattern     | Next Execution Time |
+--------------------------------------+--------+-------------+---------------------+
| fb149a29-be9b-49c1-a2f7-ca6c1213896f | myback | */2 * * * * | 2016-06-14 07:52:00 |
+--------------------------------------+--------+-------------+---------------------+
"""
EXECUTIONS = """\
+--------------------------------------+---------------------+---------+-------------------------------+
| ID                                   | Execution Time      | State   | Output                        |
+--------------------------------------+---------------------+---------+-------------------------------+
| 38ef2289-4330-4554-8574-4b5351f69713 | 2016-06-14 14:49:59 | SUCCESS | {"status": "Backup complete"} |
| 3713355a-b65e-44e0-ac43-150b863a6e6e | 2016-06-14 14:51:59 | SUCCESS | {"status": "Backup complete"} |
+--------------------------------------+---------------------+---------+-------------------------------+
"""  # noqa: E501


def trigger(**changes: Any) -> dict[str, Any]:
    return {
        "id": TRIGGER,
        "name": f"trove-backup:{INSTANCE}:{SCHEDULE}:1",
        "pattern": "*/2 * * * *",
        "workflow_name": workbook.WORKFLOW,
        "workflow_input": json.dumps(INPUT),
        "created_at": "2016-06-14 14:47:16",
        "updated_at": "2016-06-14 14:49:59",
        "next_execution_time": "2016-06-14 07:52:00",
    } | changes


def execution(execution_id: str, at: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": execution_id,
        "project_id": PROJECT,
        "workflow_name": workbook.WORKFLOW,
        "description": json.dumps({"triggered_by": {"type": "cron_trigger", "id": TRIGGER}}),
        "input": json.dumps(INPUT),
        "output": json.dumps({"status": "Backup complete"}),
        "state": "SUCCESS",
        "state_info": None,
        "created_at": at,
        "updated_at": at,
    } | changes


@pytest.fixture
def cloud(requests_mock: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cloud with one instance ``m``, one schedule of it, and two executions of that."""
    for name in [name for name in os.environ if name.startswith(("OS_", "TROVE"))]:
        monkeypatch.delenv(name)

    def service(kind: str, url: str) -> dict[str, Any]:
        endpoint = {"id": kind, "interface": "public", "region": "RegionOne", "url": url}
        return {"type": kind, "id": kind, "endpoints": [endpoint | {"region_id": "RegionOne"}]}

    token = {
        "methods": ["password"],
        "issued_at": "2016-06-14T14:00:00.000000Z",
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "user": {"id": "u", "name": "demo", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": PROJECT, "name": "demo", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r", "name": "member"}],
        "catalog": [service("database", f"{TROVE}/{PROJECT}"), service("workflowv2", MISTRAL)],
    }
    version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": KEYSTONE}]}
    requests_mock.get(KEYSTONE, json={"version": version})
    requests_mock.post(
        f"{KEYSTONE}/auth/tokens",
        json={"token": token},
        headers={"X-Subject-Token": "t0ken"},
        status_code=201,
    )
    trove = f"{TROVE}/{PROJECT}"
    instances = [{"id": INSTANCE, "name": "m"}, {"id": OTHER_INSTANCE, "name": "other"}]
    requests_mock.get(f"{trove}/instances", json={"instances": instances})
    backup = {
        "id": BACKUP,
        "instance_id": INSTANCE,
        "name": "myback",
        "status": "COMPLETED",
        "created": "2016-06-14T14:40:00",
    }
    requests_mock.get(f"{trove}/backups/{BACKUP}", json={"backup": backup})

    tag = f"trove-schedules-{workbook.version_of(workbook.text())}"
    workflow = {"id": "w", "scope": "public", "project_id": "x", "tags": [tag]}
    requests_mock.get(f"{MISTRAL}/workflows", json={"workflows": [workflow]})
    requests_mock.get(f"{MISTRAL}/cron_triggers", json={"cron_triggers": [trigger()]})
    requests_mock.delete(f"{MISTRAL}/cron_triggers/{TRIGGER}", status_code=204)
    newest_first = [
        execution(SECOND, "2016-06-14 14:51:59"),
        execution(FIRST, "2016-06-14 14:49:59"),
    ]
    requests_mock.get(f"{MISTRAL}/executions", json={"executions": newest_first})
    for each in newest_first:
        requests_mock.get(f"{MISTRAL}/executions/{each['id']}", json=each)
        requests_mock.delete(f"{MISTRAL}/executions/{each['id']}", status_code=204)
    return requests_mock


def trove(*arguments: str) -> None:
    shell.OpenStackTroveShell().main([*LOGIN, *arguments])


def sent(cloud: Any, method: str, url: str) -> Any:
    """The last request of this kind."""
    return [
        each
        for each in cloud.request_history
        if each.method == method and each.url.partition("?")[0] == url
    ][-1]


@pytest.fixture
def new_schedule(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("trove_schedules.manager.new_schedule_id", lambda: SCHEDULE)
    made = trigger(
        created_at="2016-06-14 14:47:16.865731",
        updated_at=None,
        next_execution_time="2016-06-14 07:48:00",
    )
    cloud.post(f"{MISTRAL}/cron_triggers", json=made, status_code=201)
    return cloud


def test_schedule_create_prints_the_specs_table(new_schedule, capsys):
    trove("schedule-create", "m", "*/2 * * * *", "myback")
    assert capsys.readouterr().out == CREATED


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["--description", "every “two” minutes"], {"description": "every “two” minutes"}),
        (["--parent", BACKUP], {"parent_id": BACKUP}),
        (["--incremental"], {"incremental": True}),
    ],
)
def test_schedule_create_asks_for_what_the_arguments_say(new_schedule, options, asked):
    trove("schedule-create", "m", "*/2 * * * *", "myback", *options)
    body = sent(new_schedule, "POST", f"{MISTRAL}/cron_triggers").json()
    assert body["pattern"] == "*/2 * * * *"
    given = json.loads(body["workflow_input"])
    assert given["schedule"].pop("owed_since")
    assert given == INPUT | {"incremental": False, "schedule": KEPT} | asked


def test_schedule_list_prints_the_specs_table_of_one_instance(cloud, capsys):
    trove("schedule-list", "m")
    assert capsys.readouterr().out == LISTED
    query = parse_qs(urlsplit(sent(cloud, "GET", f"{MISTRAL}/cron_triggers").url).query)
    assert query["name"] == [f"has:trove-backup:{INSTANCE}:"]


def test_schedule_list_without_an_instance_lists_them_all(cloud, capsys):
    trove("schedule-list")
    assert capsys.readouterr().out == LISTED
    query = parse_qs(urlsplit(sent(cloud, "GET", f"{MISTRAL}/cron_triggers").url).query)
    assert "name" not in query


def test_schedule_show_prints_the_specs_table(cloud, capsys):
    trove("schedule-show", SCHEDULE)
    assert capsys.readouterr().out == SHOWN


def test_a_schedule_may_be_given_by_its_name(cloud, capsys):
    trove("schedule-show", "myback")
    assert capsys.readouterr().out == SHOWN
    trove("execution-list", "myback")
    assert capsys.readouterr().out == EXECUTIONS


@pytest.mark.parametrize(
    ("encoding", "name", "told"),
    [
        ("ascii", "ночной", r"\u043d\u043e\u0447\u043d\u043e\u0439"),
        ("latin-1", "é😀", r"é\U0001f600"),
        ("utf-8", "é😀", "é😀"),
        ("utf-8", "night\x1b[2J\n", r"night\x1b[2J\n"),
    ],
)
def test_tables_are_whole_in_any_locale_and_do_nothing_to_the_terminal(
    cloud, monkeypatch, encoding, name, told
):
    row = trigger(workflow_input=json.dumps(INPUT | {"name": name}))
    cloud.get(f"{MISTRAL}/cron_triggers", json={"cron_triggers": [row]})
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    for words in (["schedule-list"], ["schedule-show", SCHEDULE]):
        trove(*words)
        text = raw.getvalue().decode(encoding)
        assert told in text
        assert "\x1b" not in text


def test_execution_list_prints_the_specs_table(cloud, capsys):
    trove("execution-list", SCHEDULE)
    assert capsys.readouterr().out == EXECUTIONS


def test_execution_list_passes_limit_and_marker_on(cloud):
    trove("execution-list", SCHEDULE, "--limit", "7", "--marker", SECOND)
    query = parse_qs(urlsplit(sent(cloud, "GET", f"{MISTRAL}/executions").url).query)
    assert (query["limit"], query["marker"]) == (["7"], [SECOND])


def test_execution_list_says_why_a_run_failed_in_few_words(cloud, capsys):
    text = "Trove refused. [action=<x>, action_ex_id=1, msg='Quota exceeded (HTTP 413)']"
    row = execution(
        FIRST,
        "2016-06-14 14:49:59",
        state="ERROR",
        state_info=text,
        output=json.dumps({"result": text}),
    )
    cloud.get(f"{MISTRAL}/executions", json={"executions": [row]})
    trove("execution-list", SCHEDULE)
    assert '| ERROR | {"result": "Quota exceeded (HTTP 413)"} |' in capsys.readouterr().out


def test_execution_delete_deletes_it_and_prints_nothing(cloud, capsys):
    trove("execution-delete", SECOND)
    assert sent(cloud, "DELETE", f"{MISTRAL}/executions/{SECOND}")
    assert capsys.readouterr().out == ""


def test_schedule_delete_deletes_it_and_prints_nothing(cloud, capsys):
    cloud.get(f"{MISTRAL}/executions", json={"executions": []})
    trove("schedule-delete", SCHEDULE)
    assert sent(cloud, "DELETE", f"{MISTRAL}/cron_triggers/{TRIGGER}")
    assert capsys.readouterr().out == ""


def test_schedule_delete_spares_a_run_in_progress_unless_forced(cloud, capsys):
    started = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
    running = execution(FIRST, started, state="RUNNING", output="{}")
    cloud.get(f"{MISTRAL}/executions", json={"executions": [running]})
    cloud.get(f"{MISTRAL}/tasks", json={"tasks": []})
    with pytest.raises(SystemExit, match="run in progress"):
        trove("schedule-delete", SCHEDULE)
    assert "DELETE" not in {each.method for each in cloud.request_history}

    trove("schedule-delete", SCHEDULE, "--force")
    assert sent(cloud, "DELETE", f"{MISTRAL}/cron_triggers/{TRIGGER}")


def test_errors_are_one_clean_line_and_exit_status_1(cloud, capfd, monkeypatch):
    monkeypatch.setattr("sys.argv", ["trove", *LOGIN, "schedule-show", "nonsense"])
    with pytest.raises(SystemExit) as caught:
        shell.main()
    # The interpreter prints an exit's text to stderr and exits with status 1.
    assert caught.value.code == (
        "ERROR: no backup schedule of this project has the id or name 'nonsense'; "
        "'openstack database backup schedule list' lists them"
    )


def test_an_unknown_instance_is_such_an_error_too(cloud):
    with pytest.raises(SystemExit, match=r"^ERROR: no database instance .*'mm'"):
        trove("schedule-create", "mm", "*/2 * * * *", "myback")
    assert not [each for each in cloud.request_history if each.path.endswith("/cron_triggers")]


def test_json_output_is_iso_times_and_objects(cloud, capsys):
    trove("--json", "schedule-show", SCHEDULE)
    shown = json.loads(capsys.readouterr().out)
    assert shown["input"] == INPUT
    assert shown["next_execution_time"] == "2016-06-14T07:52:00+00:00"

    trove("--json", "execution-list", SCHEDULE)
    listed = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in listed] == [FIRST, SECOND]
    assert listed[0]["output"] == {"status": "Backup complete"}


@pytest.mark.parametrize(
    "command",
    [
        "schedule-create",
        "schedule-list",
        "schedule-show",
        "schedule-delete",
        "execution-list",
        "execution-delete",
    ],
)
def test_every_command_has_help(command, capsys):
    shell.OpenStackTroveShell().main(["help", command])
    printed = capsys.readouterr().out
    assert f"usage: trove {command}" in printed
    assert "Times are UTC" in printed or "delete" in command


def test_a_login_by_token_is_enough(cloud, capsys):
    shell.OpenStackTroveShell().main(
        [
            *("--os-auth-url", KEYSTONE, "--os-auth-token", "given"),
            *("--os-project-name", "demo", "--os-project-domain-name", "Default"),
            *("schedule-show", SCHEDULE),
        ]
    )
    assert capsys.readouterr().out == SHOWN
    identity = sent(cloud, "POST", f"{KEYSTONE}/auth/tokens").json()["auth"]["identity"]
    assert identity == {"methods": ["token"], "token": {"id": "given"}}


def test_a_login_by_password_sends_it_with_its_domain(cloud):
    trove("schedule-show", SCHEDULE)
    identity = sent(cloud, "POST", f"{KEYSTONE}/auth/tokens").json()["auth"]["identity"]
    user = {"name": "demo", "password": "secret", "domain": {"name": "Default"}}
    assert identity == {"methods": ["password"], "password": {"user": user}}
