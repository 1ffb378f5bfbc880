# SPDX-License-Identifier: Apache-2.0
"""The commands of policies: what they ask for, and what they print."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.examples import INSTANCE, SCHEDULE
from trove_schedules import Policy
from trove_schedules.backups.retention import Verdict
from trove_schedules.cli.openstack.execution import ListPolicyExecution, ShowExecution
from trove_schedules.cli.openstack.policy import (
    CreatePolicy,
    DeletePolicy,
    HealthPolicy,
    ListPolicy,
    PausePolicy,
    PreviewPolicy,
    ResumePolicy,
    SetPolicy,
    ShowPolicy,
    UnsetPolicy,
)
from trove_schedules.cli.openstack.prune import PrunePolicy
from trove_schedules.cli.openstack.run import RunPolicy
from trove_schedules.clients.trove import Backup
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import InvalidPatternError, ScheduleConflictError, ServiceError
from trove_schedules.health import Health, Limits, PolicyHealth, State
from trove_schedules.schedules.selection import POLICY_OPTIONS, Candidate, Choice, Selection
from trove_schedules.schedules.warnings import Remark

NO_OPTIONS: dict[str, Any] = dict.fromkeys(POLICY_OPTIONS)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], {}),
        (["--match", "a*", "--match", "b"], {"match": ["a*", "b"]}),
        (["--exclude", "a*"], {"exclude": ["a*"]}),
        (["--datastore", "mysql", "--datastore", "mariadb"], {"datastores": ["mysql", "mariadb"]}),
        (["--replicas", "--max-parallel", "9"], {"replicas": True, "max_parallel": 9}),
        (["--keep-last", "7", "--incremental"], {"keep_last": 7, "incremental": True}),
        (["--description", "d", "--timezone", "Asia/Tokyo"], {"description": "d",
                                                              "timezone": "Asia/Tokyo"}),
    ],
)  # fmt: skip
class TestOptions:
    def test_create_asks_for_what_the_arguments_say(self, take, schedules, policy, words, asked):
        schedules.policy_create.return_value = policy
        take(CreatePolicy, "nightly", "0 2 * * *", *words)
        switches = {"incremental": False, "replicas": False}
        wanted = {
            name: value for name, value in NO_OPTIONS.items() if name not in ("pattern", "name")
        }
        schedules.policy_create.assert_called_once_with(
            "nightly", "0 2 * * *", **(wanted | switches | asked)
        )

    def test_set_asks_for_what_the_arguments_say(self, take, schedules, words, asked):
        take(SetPolicy, "nightly", *words, "--force")
        schedules.policy_set.assert_called_once_with("nightly", force=True, **(NO_OPTIONS | asked))


def test_what_is_to_be_said_of_a_policy_goes_to_stderr(take, schedules, policy, capsys):
    schedules.policy_create.return_value = schedules.policy_set.return_value = policy
    schedules.policy_remarks.return_value = [Remark("600 in all", warning=True)]
    take(CreatePolicy, "nightly", "0 2 * * *")
    take(SetPolicy, "nightly", "--keep-last", "3")
    take(UnsetPolicy, "nightly", "--match")
    assert [each.args for each in schedules.policy_remarks.call_args_list] == [(policy,)] * 3
    assert capsys.readouterr().err == "warning: 600 in all\n" * 3
    schedules.schedule_remarks.assert_not_called()


def test_unset_takes_away_what_the_arguments_say(take, schedules):
    take(UnsetPolicy, "nightly", "--match", "--replicas", "--keep-last", "--datastore")
    schedules.policy_set.assert_called_once_with(
        "nightly", unset=["match", "replicas", "keep_last", "datastores"], force=False
    )


@pytest.mark.parametrize("command", [CreatePolicy, SetPolicy, UnsetPolicy])
def test_a_policy_has_no_parent(take, schedules, capsys, command):
    with pytest.raises(SystemExit):
        take(command, "nightly", *(["0 2 * * *"] if command is CreatePolicy else []), "--parent")
    assert "--parent" in capsys.readouterr().err
    assert schedules.mock_calls == []


def test_a_pattern_without_quotes_is_told_to_be_put_in_quotes(take, schedules, capsys):
    with pytest.raises(SystemExit):
        take(CreatePolicy, "nightly", "0", "2", "*", "*", "*")
    assert "put the pattern in quotes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "method"),
    [(PausePolicy, "policy_pause"), (ResumePolicy, "policy_resume"),
     (DeletePolicy, "policy_delete")],
)  # fmt: skip
def test_several_are_done_and_what_failed_is_said(run, schedules, caplog, command, method):
    asked = getattr(schedules, method)
    asked.side_effect = [None, ScheduleConflictError("policy b has a run in progress"), None]
    with pytest.raises(Exception, match=r"1 of 3 policies failed to "):
        run(command, "a", "b", "c", "--force")
    assert [each.args for each in asked.call_args_list] == [("a",), ("b",), ("c",)]
    assert {each.kwargs["force"] for each in asked.call_args_list} == {True}
    assert "policy 'b'" in caplog.text


def test_a_list_tells_what_each_takes(run, schedules, policy):
    everything = replace(policy, selection=Selection(replicas=True), name="all")
    schedules.policy_list.return_value = [policy, everything]
    rows = json.loads(run(ListPolicy, "-f", "json"))
    assert [list(row) for row in rows] == [["ID", "Name", "Instances", "Pattern", "Next Due"]] * 2
    assert rows[0]["ID"] == SCHEDULE
    assert [row["Instances"] for row in rows] == [
        "db-*, x; not db-test; of mysql",
        "all; replicas too",
    ]


def test_a_long_list_tells_all_the_options(run, schedules, policy):
    schedules.policy_list.return_value = [replace(policy, keep_last=7)]
    [row] = json.loads(run(ListPolicy, "--long", "-f", "json"))
    assert (row["At A Time"], row["Retention"], row["Builds On"]) == (5, "last 7", "full")


def test_show_tells_every_option_and_its_health_and_no_instance(run, schedules, policy, health):
    schedules.policy_show.return_value = policy
    next_drill = datetime(2026, 1, 4, 4, 7, tzinfo=UTC)
    schedules.policy_drill_show.return_value = ScheduleDrill(
        policy.id, "7 4 * * *", next_drill, "t"
    )
    shown = json.loads(run(ShowPolicy, "nightly", "-f", "json"))
    schedules.policy_show.assert_called_once_with("nightly")
    assert shown.keys() >= POLICY_OPTIONS.keys() | {"id", "paused", "input", "created_at"}
    assert not shown.keys() & {"instance", "parent_id"}
    schedules.policy_health.assert_called_once_with([policy])
    assert (shown["health"], shown["health_reason"]) == ("LOST", health.reason)
    assert shown["longest_unproven"] == "db-2"
    schedules.policy_drill_show.assert_called_once_with(policy)
    assert (shown["drill_every"], shown["next_drill"]) == (
        "7 4 * * *",
        "2026-01-04T04:07:00+00:00",
    )
    assert (shown["match"], shown["max_parallel"], shown["replicas"]) == (["db-*", "x"], 5, False)


def test_people_read_patterns_one_after_another(run, schedules, policy, health):
    schedules.policy_show.return_value = policy
    schedules.policy_drill_show.return_value = None
    said = run(ShowPolicy, "nightly")
    assert "| db-*, x " in said
    assert "input" not in said


@pytest.mark.parametrize(("flags", "force"), [([], False), (["--force"], True)])
def test_drills_are_repeated_and_ended_as_an_option_is_set_and_unset(take, schedules, flags, force):
    take(SetPolicy, "nightly", "--drill-every", "H 4 * * *", *flags)
    take(UnsetPolicy, "nightly", "--drill-every", *flags)
    asked = [(call.args, call.kwargs) for call in schedules.policy_drill_every.call_args_list]
    assert asked == [
        (("nightly", "H 4 * * *"), {"force": force}),
        (("nightly", None), {"force": force}),
    ]
    schedules.policy_set.assert_not_called()


def test_drills_and_other_options_are_changed_together(take, schedules, policy):
    schedules.policy_set.return_value = policy
    take(SetPolicy, "nightly", "--name", "other", "--drill-every", "0 4 * * *")
    take(UnsetPolicy, "other", "--deadline", "--drill-every")
    schedules.policy_set.assert_called_with("other", unset=["deadline"], force=False)
    asked = [call.args for call in schedules.policy_drill_every.call_args_list]
    assert asked == [(policy, "0 4 * * *"), (policy, None)]


def test_a_wrong_pattern_of_drills_is_refused_before_anything_is_changed(take, schedules):
    with pytest.raises(InvalidPatternError):
        take(SetPolicy, "nightly", "--name", "other", "--drill-every", "every sunday")
    assert schedules.mock_calls == []


@pytest.fixture
def health(schedules, policy: Policy, good: Health) -> PolicyHealth:
    bad = replace(good, state=State.LOST, instance_name="db-2", last_success=None, reason="lost")
    told = PolicyHealth(
        policy_id=policy.id,
        name="nightly",
        state=State.LOST,
        reason="2 instances: 1 LOST, 1 OK (db-2)",
        next_execution_time=policy.next_execution_time,
        instances=(bad, replace(good, instance_name="db-1")),
        not_reached=0,
        gone=(),
        longest_unproven=bad,
    )
    schedules.policy_health.return_value = [told]
    return told


def test_health_has_a_line_for_all_and_one_for_each(app, connect, schedules, health):
    command = HealthPolicy(app, None)
    words = ["nightly", "--max-age", "26h", "--long", "-f", "json"]
    assert command.run(command.get_parser("openstack").parse_args(words)) == 2
    schedules.policy_health.assert_called_once_with(
        ["nightly"], limits=Limits(max_age=timedelta(hours=26))
    )
    rows = json.loads(app.stdout.getvalue())
    assert [(row["State"], row["Instance"], row["Reason"][:6]) for row in rows] == [
        ("LOST", None, "2 inst"),
        ("LOST", "db-2", "lost"),
        ("OK", "db-1", "last b"),
    ]
    assert [row["Instance ID"] for row in rows] == [None, INSTANCE, INSTANCE]
    assert {row["Policy"] for row in rows} == {"nightly"}
    assert [row["Last Size"] for row in rows] == [None, 0.25, 0.25]
    assert [row["Longest Unproven"] for row in rows] == ["db-2", None, None]


def test_the_health_of_another_project_is_an_overview_s(app, connect, schedules, health):
    schedules.overview.return_value.policy_health.return_value = [health]
    command = HealthPolicy(app, None)
    words = ["--all-projects", "-f", "json"]
    assert command.run(command.get_parser("openstack").parse_args(words)) == 2
    schedules.overview.assert_called_once_with()
    assert "Project" in json.loads(app.stdout.getvalue())[0]


def test_people_read_that_a_line_is_for_all(run, health):
    assert "| (all) " in run(HealthPolicy)


@pytest.mark.parametrize("trouble", [None, ServiceError("no", service="Keystone", operation="x")])
def test_where_nothing_is_known_the_exit_status_says_so(app, connect, schedules, trouble):
    schedules.policy_health.return_value = []
    schedules.policy_health.side_effect = trouble
    command = HealthPolicy(app, None)
    assert command.run(command.get_parser("openstack").parse_args([])) == 3


def test_a_preview_tells_what_is_taken_and_why_not_the_others(run, schedules):
    schedules.policy_preview.return_value = [
        Candidate(INSTANCE, "db-1", Choice.TAKEN, None),
        Candidate(INSTANCE, "db-2", Choice.UNABLE, "status ERROR"),
    ]
    rows = json.loads(run(PreviewPolicy, "nightly", "-f", "json"))
    schedules.policy_preview.assert_called_once_with("nightly")
    assert rows == [
        {"Choice": "taken", "Name": "db-1", "Instance": INSTANCE, "Reason": None},
        {"Choice": "unable", "Name": "db-2", "Instance": INSTANCE, "Reason": "status ERROR"},
    ]


def test_prune_tells_of_each_instance(run, schedules, covered):
    backup: Backup = covered.backup
    schedules.policy_prune.return_value = [Verdict(backup, True, "not one of the newest 2")]
    [row] = json.loads(run(PrunePolicy, "nightly", "--dry-run", "-f", "json"))
    schedules.policy_prune.assert_called_once_with("nightly", dry_run=True)
    assert list(row) == [
        *("Instance", "Backup", "Created", "Status", "Verdict", "Kept By", "Reason"),
    ]
    assert (row["Instance"], row["Verdict"]) == (INSTANCE, "delete")


def test_executions_are_asked_for_by_the_policy_for_a_schedule_may_be_named_so(
    take, schedules, policy, execution
):
    schedules.policy_show.return_value = policy
    schedules.execution_list.return_value = [execution]
    words = ["--instance", "db-1", "--limit", "3", "--marker", "m", "--all"]
    columns, _ = take(ListPolicyExecution, "nightly", *words)
    schedules.policy_show.assert_called_once_with("nightly")
    schedules.execution_list.assert_called_once_with(
        policy, marker="m", limit=3, include_all=True, drills_only=False, instance="db-1"
    )
    assert columns == ("ID", "Execution Time", "State", "Output")


def test_drills_are_listed_with_their_instances(run, take, schedules, policy, execution):
    schedules.policy_show.return_value = policy
    drill = replace(execution, instance=INSTANCE)
    schedules.execution_list.return_value = [drill, replace(execution, instance="*")]
    rows = json.loads(run(ListPolicyExecution, "nightly", "--drills", "-f", "json"))
    assert schedules.execution_list.call_args.kwargs["drills_only"] is True
    assert [row["Instance"] for row in rows] == [INSTANCE, "*"]
    with pytest.raises(SystemExit):
        take(ListPolicyExecution, "nightly", "--drills", "--instance", "db-1")


def test_an_execution_tells_its_instance(run, schedules, execution):
    schedules.execution_show.return_value = replace(execution, instance=INSTANCE)
    assert json.loads(run(ShowExecution, "e", "-f", "json"))["instance"] == INSTANCE


@pytest.mark.parametrize(
    ("state", "output", "status"),
    [
        ("SUCCESS", {"status": "Backed up 9 of 9", "counts": {"taken": 9, "made": 9}}, 0),
        ("SUCCESS", {"status": "Backed up 2 of 9, 7 already backed up",
                     "counts": {"taken": 9, "made": 2, "done": 7}}, 0),
        ("SUCCESS", {"status": "Backed up 7 of 9, 2 not reached",
                     "counts": {"taken": 9, "made": 7, "not_reached": 2}}, 2),
        ("SUCCESS", {"status": "Backed up 8 of 9, 1 in progress",
                     "counts": {"taken": 9, "made": 8, "done": 0, "running": 1}}, 2),
        ("ERROR", {"status": "Backed up 7 of 9, 2 failed", "counts": {"failed": 2}}, 1),
        ("SUCCESS", {"status": "Skipped: all 9 already backed up"}, 2),
        ("SUCCESS", {"status": "Backed up 9 of 9", "counts": "odd"}, 0),
    ],
)  # fmt: skip
def test_a_run_is_followed_to_its_end(app, connect, schedules, execution, state, output, status):
    schedules.policy_run.return_value = execution
    schedules.execution_show.return_value = replace(execution, state=state, output=output)
    command = RunPolicy(app, None)
    arguments = ["nightly", "--wait", "-f", "json"]
    assert command.run(command.get_parser("openstack").parse_args(arguments)) == status
    schedules.policy_run.assert_called_once_with("nightly")
