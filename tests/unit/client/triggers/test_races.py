# SPDX-License-Identifier: Apache-2.0
"""Two or three clients at one schedule, in every order of their requests.

Whatever the order, the schedule is afterwards gone with all that belongs to it, or it is there
once, as somebody who was told so meant it. Where there are too many orders, some are drawn: three
times as many with ``RACES=all``.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.mistral_api import Caller, MistralApi
from tests.unit.client.fake_cloud import use_clock
from tests.unit.client.interleaved import (
    PROJECT,
    KilledError,
    Memory,
    Wire,
    orders,
    triggers_of,
    whose,
)
from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.errors import ScheduleConflictError, ScheduleNotFoundError
from trove_schedules.manager import ScheduledBackups
from trove_schedules.schedules.plan import Plan
from trove_schedules.triggers import replacing

INSTANCE = "11111111-1111-4111-8111-111111111111"
SCHEDULE = "22222222-2222-4222-8222-222222222222"
PLAN = Plan("0 2 * * *", "n")
TOLD = (ScheduleConflictError, ScheduleNotFoundError)
api = ScheduledBackups(None)
DRAWN = 300 if os.environ.get("RACES") == "all" else 100


def rename(client):
    return api.schedule_set(SCHEDULE, client, name="renamed")


def keep(client):
    return api.schedule_set(SCHEDULE, client, keep_last=3)


def pause(client):
    return api.schedule_pause(SCHEDULE, client)


def delete(client):
    return api.schedule_delete(SCHEDULE, client)


def read(client):
    return api.schedule_list(mistral_client=client)


def drill(client):
    return api.schedule_drill_every(SCHEDULE, "0 4 * * 0", client)


def drill_otherwise(client):
    return api.schedule_drill_every(SCHEDULE, "0 5 * * 0", client)


def no_drill(client):
    return api.schedule_drill_every(SCHEDULE, None, client)


def trial(client):
    return api.schedule_trial(SCHEDULE, client)


class Race:
    """A schedule, made anew for each order of the requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mistral: Memory
        use_clock(monkeypatch, lambda: self.mistral.now)
        # Each change has a random part. Here it says whose change it is, so that two orders that
        # begin alike send the same requests.
        monkeypatch.setattr(replacing, "secrets", SimpleNamespace(token_hex=lambda size: whose()))

    def begin(self, *commands, drilled=False, replaced=False, wait=3600):
        mistral = MistralApi(datetime(2026, 1, 1, tzinfo=UTC))
        self.token = mistral.log_in(Caller(PROJECT))
        for name in (workbook.WORKFLOW, workbook.DRILL):
            mistral.add_workflow(PROJECT, name=name)
        self.mistral = Memory(mistral)
        client = Wire(self.mistral, self.token).client()
        made = replacing.create(Mistral(client), SCHEDULE, INSTANCE, PLAN)
        if replaced:
            [old] = triggers_of(self.mistral, SCHEDULE)
            api.schedule_set(made, client, description="replaces the first")
            self.mistral.does("both", lambda mistral: mistral.put("cron_triggers", old))
        if drilled:
            drill_otherwise(client)
        self.mistral.wait(seconds=wait)
        self.mistral.begin_here()

        def begin():
            self.mistral.begin()
            return self.mistral, self.token, commands

        return begin

    def left(self):
        """The schedule as a reader finds it later, or None; nothing else may be left of it."""
        client = Wire(self.mistral, self.token).client()
        self.mistral.wait(minutes=10)
        found = api.schedule_list(mistral_client=client)
        rows = triggers_of(self.mistral, SCHEDULE)
        if not found:
            assert rows == []
            return None
        kinds = Counter(row["name"].split(":")[0] for row in rows)
        assert kinds["trove-backup"] == len(found) == 1
        assert kinds["trove-drill"] <= 1
        return found[0]


@pytest.fixture
def race(monkeypatch):
    return Race(monkeypatch)


@pytest.mark.parametrize(("replaced", "samples"), [(False, None), (True, DRAWN)])
@pytest.mark.parametrize("change", [rename, pause])
def test_a_change_and_a_deletion(race, change, replaced, samples):
    seen = set()
    for _, outcome in orders(race.begin(change, delete, replaced=replaced), samples=samples):
        changed, deleted = outcome.results
        assert deleted is None, outcome
        assert race.left() is None, outcome
        assert not isinstance(changed, Exception) or isinstance(changed, TOLD), outcome
        seen.add(type(changed).__name__)
    assert seen >= {"Schedule", "ScheduleConflictError"}


def fire(client):
    """Let the schedule's trigger fire, as Mistral does; whether the run kept its rights."""
    wire = client.cron_triggers.http_client
    mistral = wire.mistral

    def trigger(step):
        wire.before(step)
        return next(
            (row for row in mistral.rows("cron_triggers") if row["name"][-2:] == ":1"), None
        )

    def advance(api):
        """As far as before the run is there."""
        run = api.fire(row, state="RUNNING")
        api.remove("executions", run)
        return run

    row = trigger("ADVANCE")
    if row is None:
        return True
    run = mistral.does("advance", advance)
    kept = trigger("START") is not None
    mistral.does("start", lambda api: api.put("executions", run))
    mistral.wait(seconds=10)
    kept &= trigger("END") is not None
    mistral.does("end", lambda api: api.change("executions", run, state="SUCCESS"))
    return kept


@pytest.mark.parametrize("change", [rename, pause])
def test_a_change_and_a_run_that_starts(race, change):
    seen = set()
    for mistral, outcome in orders(race.begin(change, fire, wait=7193)):
        changed, kept = outcome.results
        assert kept is True, outcome
        seen.add((type(changed).__name__, len(triggers_of(mistral, SCHEDULE))))
        left = race.left()
        assert isinstance(changed, ScheduleConflictError) == (left.generation == 1), outcome
    assert seen == {("Schedule", 2), ("Schedule", 1), ("ScheduleConflictError", 1)}


def test_two_changes(race):
    seen = set()
    for _, outcome in orders(race.begin(rename, keep)):
        renamed, kept = (not isinstance(each, TOLD) for each in outcome.results)
        assert not any(isinstance(each, ScheduleNotFoundError) for each in outcome.results)
        left = race.left()
        assert (left.name == "renamed", left.keep_last == 3) == (renamed, kept), outcome
        seen.add((renamed, kept))
    assert seen == {(True, True), (True, False), (False, True)}


def test_the_same_change_twice(race):
    for _, outcome in orders(race.begin(pause, pause)):
        assert race.left().paused, outcome
        assert not all(isinstance(each, TOLD) for each in outcome.results), outcome


@pytest.mark.parametrize("change", [drill, trial])
def test_another_trigger_and_a_deletion(race, change):
    seen = set()
    for _, outcome in orders(race.begin(change, delete)):
        made, deleted = outcome.results
        assert deleted is None, outcome
        assert race.left() is None, outcome
        seen.add(type(made).__name__)
    assert len(seen) == 2
    assert "ScheduleNotFoundError" in seen


def test_two_patterns_of_drills(race):
    for mistral, outcome in orders(race.begin(drill, drill_otherwise)):
        assert race.left(), outcome
        [row] = [each for each in triggers_of(mistral, SCHEDULE) if "drill" in each["name"]]
        told = [isinstance(each, ScheduleConflictError) for each in outcome.results]
        assert not all(told), outcome
        wanted = ["0 4 * * 0", "0 5 * * 0"]
        assert row["pattern"] in [wanted[n] for n in (0, 1) if not told[n]], outcome


def test_a_change_and_a_reader(race):
    for _, outcome in orders(race.begin(rename, read)):
        changed, [found] = outcome.results
        assert changed.name == "renamed", outcome
        assert found.name in ("n", "renamed"), outcome
        assert race.left().name == "renamed", outcome


@pytest.mark.parametrize("killed_at", range(1, 9))
def test_a_change_that_is_killed_and_a_deletion(race, killed_at):
    for _, outcome in orders(race.begin(rename, delete, drilled=True), killed={0: killed_at}):
        assert outcome.results[1] is None, outcome
        left = race.left()
        # The one thing that nobody can prevent: it was created after all had been deleted.
        if left is not None:
            assert isinstance(outcome.results[0], KilledError), outcome
            after = outcome.steps[[each.method for each in outcome.steps].index("DELETE") :]
            assert any(each.client == 0 and each.method == "POST" for each in after), outcome


@pytest.mark.parametrize("killed_at", range(1, 8))
def test_a_change_and_a_deletion_that_is_killed(race, killed_at):
    for _, outcome in orders(race.begin(rename, delete), killed={1: killed_at}):
        left = race.left()
        if isinstance(outcome.results[0], TOLD):
            assert left is None, outcome
        elif left is not None:
            assert left.name == "renamed", outcome
            assert isinstance(outcome.results[1], KilledError), outcome


@pytest.mark.parametrize(
    "commands",
    [
        (rename, keep, delete),
        (rename, pause, keep),
        (rename, drill, delete),
        (rename, delete, delete),
        (rename, delete, read),
        (drill, no_drill, delete),
    ],
)
def test_three_at_once(race, commands):
    for _, outcome in orders(race.begin(*commands), samples=DRAWN):
        unexpected = [each for each in outcome.results if isinstance(each, BaseException)]
        assert all(isinstance(each, TOLD) for each in unexpected), outcome
        left = race.left()
        if delete in commands:
            assert left is None, outcome
        else:
            assert left, outcome
            told = [isinstance(each, TOLD) for each in outcome.results]
            done = (left.name == "renamed", left.paused, left.keep_last == 3)
            assert done == tuple(not each for each in told), outcome
