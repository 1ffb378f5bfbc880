# SPDX-License-Identifier: Apache-2.0
"""What a report is gathered from, by how many requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.client.fake_cloud import use_clock
from trove_schedules import workbook
from trove_schedules.coverage import Cover
from trove_schedules.errors import InvalidScheduleError, ScheduleNotFoundError
from trove_schedules.report import Outcome
from trove_schedules.schedules.names import marker


@pytest.fixture(autouse=True)
def mistrals_clock(cloud, monkeypatch):
    use_clock(monkeypatch, lambda: cloud.mistral.now, ["lists"])


@pytest.fixture
def nights(cloud, schedules, schedule):
    """Three nights: a backup that is deleted since, a failed run, and a backup that is there."""
    cloud.mistral.add_workflow(cloud.project, name=workbook.DRILL)
    [trigger] = cloud.mistral.rows("cron_triggers")
    first = schedule.created_at.replace(hour=2, minute=0, second=0)

    def ran(night, **values):
        at = first + timedelta(days=night)
        cloud.mistral.add_execution(
            cloud.project, trigger["id"], created_at=at, updated_at=at, **values
        )
        return at

    ran(0, output={"status": "Backup complete", "backup_id": "gone"})
    ran(1, state="ERROR", state_info="[action=x, msg='no space']", output={})
    at = ran(2, output={"status": "Backup complete", "backup_id": "b"})
    cloud.add_backup(
        schedule.instance,
        description=f"nightly {marker(schedule.id)}",
        created=f"{at:%Y-%m-%dT%H:%M:%S}",
        updated=f"{at + timedelta(minutes=3):%Y-%m-%dT%H:%M:%S}",
    )
    cloud.add_backup(schedule.instance, description="by hand", created="2026-01-02T12:00:00")
    drilled = at + timedelta(hours=1)
    cloud.mistral.add_execution(
        cloud.project,
        workflow_name=workbook.DRILL,
        created_at=drilled,
        updated_at=drilled,
        input={"instance": schedule.instance, "schedule": {"id": schedule.id}},
        output={"status": "Drill passed: backup b restored in 6 s", "backup_id": "b"},
    )
    cloud.mistral.rewind(at + timedelta(hours=5))
    return schedule


def test_due_times_are_told_from_backups_and_executions(schedules, nights):
    found = schedules.report(since=nights.created_at)

    [told] = found.schedules
    assert [each.outcome for each in told.due_times] == [
        Outcome.BACKED_UP,
        Outcome.FAILED,
        Outcome.BACKED_UP,
    ]
    gone, failed, there = told.due_times
    assert (gone.backup_id, gone.reason, gone.size) == ("gone", "deleted since", None)
    assert failed.reason == "no space"
    assert (there.size, there.seconds) == (0.1, 180.0)
    assert (told.instance_name, told.schedule.id) == ("m", nights.id)
    assert ("Pattern", "0 2 * * *") in told.promises
    assert told.longest_gap.length == timedelta(days=2)
    [drill] = told.drills
    assert (drill.passed, told.last_proven) == (True, drill.at)
    assert found.counts == {Outcome.BACKED_UP: 2, Outcome.FAILED: 1}


def test_a_report_of_many_schedules_costs_no_more_requests_than_one(cloud, schedules, nights):
    def asked(*wanted):
        before = len(cloud.mock.request_history)
        schedules.report(wanted, since=nights.created_at)
        return len(cloud.mock.request_history) - before

    alone = asked()
    for number in range(5):
        schedules.schedule_create(nights.instance, "0 3 * * *", f"other {number}")
    assert asked() == alone


def test_what_protects_each_instance_is_in_a_report_on_all_schedules(cloud, schedules, nights):
    forgotten = cloud.add_instance("forgotten")
    cloud.add_instance("test-1")
    found = schedules.report(since=nights.created_at, exclude=["test-*"])
    assert [(each.name, each.state) for each in found.coverage] == [
        ("forgotten", Cover.UNPROTECTED),
        ("m", Cover.PROTECTED),
        ("test-1", Cover.EXCLUDED),
    ]
    assert [each.instance for each in found.unprotected] == [forgotten]
    chosen = schedules.report([nights.id], since=nights.created_at)
    assert (chosen.coverage, chosen.unprotected) == (None, ())


def test_drills_beyond_the_first_page_are_read_once(cloud, schedules, nights, monkeypatch):
    monkeypatch.setattr("trove_schedules.drills.proofs.SIGHT", 1)
    at = cloud.mistral.now
    cloud.mistral.add_execution(
        cloud.project,
        workflow_name=workbook.DRILL,
        created_at=at,
        updated_at=at,
        input={"instance": nights.instance, "schedule": {"id": nights.id}},
        output={"status": "Drill passed: newer"},
    )
    [told] = schedules.report(since=nights.created_at).schedules
    assert [each.said for each in told.drills] == [
        "Drill passed: backup b restored in 6 s",
        "Drill passed: newer",
    ]


def test_a_schedule_that_is_not_there_is_an_error(schedules, nights):
    with pytest.raises(ScheduleNotFoundError):
        schedules.report([nights.id, "nobody"], since=nights.created_at)


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(days=-1), timedelta(days=3 * 366 + 1)])
def test_a_begin_that_lies_ahead_or_very_far_back_is_refused(cloud, schedules, ago):
    with pytest.raises(InvalidScheduleError, match="give a time before now, and at most 1098 days"):
        schedules.report(since=cloud.mistral.now - ago)
    assert cloud.mock.request_history == []


def test_an_administrator_reports_on_another_project(cloud, nights):
    theirs = cloud.schedules(admin=True).overview(project=cloud.project)
    [told] = theirs.report(since=datetime(2025, 12, 1, tzinfo=UTC)).schedules
    assert told.schedule.project_id == cloud.project


@pytest.fixture
def policy(cloud, schedules):
    for name in (workbook.POLICY, workbook.DRILL):
        cloud.mistral.add_workflow(cloud.project, name=name)
    return schedules.policy_create("fleet", "0 2 * * *", attempts=1)


@pytest.fixture
def fleet(cloud, schedules, policy):
    """Three nights of a policy with the instances m and n; the ids of both.

    First m has a backup that is deleted since, and n can't be backed up. Then nothing could be
    listed. Then both are backed up, and somebody runs it by hand, which fails for n.
    """
    times = {"created": "2025-06-01T00:00:00", "updated": "2025-06-01T00:00:00"}
    m, n = (cloud.add_instance(name, **times) for name in ("m", "n"))
    [trigger] = cloud.mistral.rows("cron_triggers")
    first = policy.created_at.replace(hour=2, minute=0, second=0)

    def ran(at, *, manual=None, **values):
        by_hand = {"type": "manual", "id": trigger["id"], "user": manual}
        own = {"description": json.dumps({"triggered_by": by_hand})} if manual else {}
        moment = {"created_at": at, "updated_at": at + timedelta(minutes=1)}
        return cloud.mistral.add_execution(
            cloud.project, trigger["id"], workflow_name=workbook.POLICY, **moment | own | values
        )["id"]

    def part(root, at, instance, *, manual=False, **values):
        told = {"id": policy.id} | ({"manual": True} if manual else {})
        moment = {"created_at": at, "updated_at": at + timedelta(minutes=1)}
        cloud.mistral.add_execution(
            cloud.project,
            description="",
            input={"instance": instance, "schedule": told},
            root_execution_id=root,
            **moment | values,
        )

    unable = [{"instance": n, "name": "n", "reason": "status SHUTDOWN"}]
    output = {"status": "Backed up 1 of 2", "counts": {"unable": 1}, "unable": unable}
    root = ran(first, state="ERROR", state_info="x", output=output)
    done = {"status": "Backup complete", "backup_id": "gone"}
    part(root, first, m, output=done)
    second = first + timedelta(days=1)
    ran(second, state="ERROR", state_info="msg='Trove can not list']", output={"counts": {}})
    third = first + timedelta(days=2)
    root = ran(third, output={"status": "Backed up 2 of 2", "counts": {}})
    for instance in (m, n):
        part(root, third, instance, output={"status": "Backup complete", "backup_id": "b"})
        cloud.add_backup(
            instance,
            description=marker(policy.id),
            created=f"{third:%Y-%m-%dT%H:%M:%S}",
            updated=f"{third + timedelta(minutes=3):%Y-%m-%dT%H:%M:%S}",
        )
    noon = third + timedelta(hours=2)
    root = ran(noon, manual="ada", state="ERROR", output={"status": "1 failed", "counts": {}})
    part(root, noon, n, manual=True, state="ERROR", state_info="msg='No quota.']", output={})
    cloud.mistral.add_execution(
        cloud.project,
        workflow_name=workbook.DRILL,
        created_at=noon,
        updated_at=noon,
        input={"instance": m, "schedule": {"id": policy.id}},
        output={"status": "Drill passed: backup b restored in 6 s", "backup_id": "b"},
    )
    cloud.mistral.rewind(third + timedelta(hours=5))
    return m, n


def test_each_instance_of_a_policy_is_told_of_like_a_schedule(schedules, policy, fleet):
    m, n = fleet
    found = schedules.report(since=policy.created_at)
    told = {each.schedule.instance: each for each in found.schedules}
    assert [each.by_policy for each in found.schedules] == [True, True]
    assert {each.schedule.id for each in found.schedules} == {policy.id}
    assert len({each.key for each in found.schedules}) == 2
    assert [(each.outcome, each.reason) for each in told[m].due_times] == [
        (Outcome.BACKED_UP, "deleted since"),
        (Outcome.FAILED, "Trove can not list"),
        (Outcome.BACKED_UP, ""),
    ]
    assert [(each.outcome, each.reason) for each in told[n].due_times] == [
        (Outcome.FAILED, "status SHUTDOWN"),
        (Outcome.FAILED, "Trove can not list"),
        (Outcome.BACKED_UP, ""),
    ]
    assert (told[m].instance_name, told[m].by_hand) == ("m", ())
    [by_hand] = told[n].by_hand
    assert (by_hand.by, by_hand.status) == ("ada", "No quota.")
    assert [drill.passed for drill in told[m].drills] == [True]
    assert told[n].drills == ()


def test_an_instance_that_a_policy_takes_is_owed_nothing_from_before_its_birth(
    cloud, schedules, policy, fleet
):
    born = policy.created_at + timedelta(days=2)
    late = cloud.add_instance(
        "late", created=f"{born:%Y-%m-%dT%H:%M:%S}", updated=f"{born:%Y-%m-%dT%H:%M:%S}"
    )
    found = schedules.report(since=policy.created_at)
    [told] = [each for each in found.schedules if each.schedule.instance == late]
    assert told.known_from == born
    assert [each.outcome for each in told.due_times] == [Outcome.SKIPPED]
    assert "the policy did not take it then" in told.due_times[0].reason
