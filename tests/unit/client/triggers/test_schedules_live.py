# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to schedules in whatever order, the lists say what a simple model says.

With ``SCHEDULES_LIVE=all`` ten times as many orders are tried.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from unittest import mock

import pytest
import requests_mock
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.unit.client.fake_cloud import FakeCloud
from tests.unit.client.rows import triggers
from trove_schedules.errors import (
    InvalidScheduleError,
    ScheduleConflictError,
    ScheduleNotFoundError,
)
from trove_schedules.runs.execution import LONGEST_RUN
from trove_schedules.triggers.generations import SETTLING

PATTERNS = ["0 2 * * *", "*/15 * * * *", "* * * * *", "50 4 * * 1"]


class KilledError(BaseException):
    """The client is no more."""


@dataclass
class Expected:
    """A schedule as the model has it."""

    name: str
    pattern: str
    keep_last: int | None = None
    paused: bool = False
    #: Executions, newest first: id, and whether somebody started it by hand.
    runs: list[tuple[str, bool]] = field(default_factory=list)


class Schedules(RuleBasedStateMachine):
    """Commands of users, firings of Mistral, and clients killed on the way."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.mocker = requests_mock.Mocker()
        self.mocker.start()
        self.cloud = FakeCloud(self.mocker)
        self.mistral = self.cloud.mistral
        self.mistral.add_workflow(self.cloud.project)
        self.mistral.max_limit = 3
        clock = mock.patch("trove_schedules.clock.now", lambda: self.mistral.now)
        clock.start()
        self.stop = [clock.stop, self.mocker.stop]
        self.instance = self.cloud.add_instance("m")
        self.schedules = self.cloud.schedules()
        self.model: dict[str, Expected] = {}

    def teardown(self) -> None:
        for stop in self.stop:
            stop()

    def running(self, schedule: str) -> bool:
        ours = {run for run, _ in self.model[schedule].runs}
        return any(row["id"] in ours and self.in_progress(row) for row in self.executions())

    def executions(self):
        return self.mistral.rows("executions")

    def in_progress(self, row) -> bool:
        return row["state"] == "RUNNING" and self.age(row) < LONGEST_RUN

    def age(self, row):
        return self.mistral.now - datetime.fromisoformat(f"{row['created_at']}Z")

    def attempt(self, schedule: str, force: bool, do) -> bool:
        """Do what is refused while a run is in progress; tell whether it was done."""
        if self.running(schedule) and not force:
            with pytest.raises(ScheduleConflictError):
                do()
            return False
        do()
        return True

    @rule(target=ids, name=st.sampled_from("ab"), pattern=st.sampled_from(PATTERNS))
    def create(self, name, pattern):
        made = self.schedules.schedule_create(self.instance, pattern, name)
        self.model[made.id] = Expected(name, pattern)
        return made.id

    @rule(
        schedule=ids,
        force=st.booleans(),
        changes=st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from("ab"),
                "pattern": st.sampled_from(PATTERNS),
                "keep_last": st.integers(1, 2),
            },
        ),
        unset=st.sampled_from([(), ("keep_last",)]),
        killed_at=st.sampled_from([None, None, "POST", "GET", "DELETE"]),
    )
    def change(self, schedule, force, changes, unset, killed_at):
        old = self.model[schedule]
        if unset and "keep_last" in changes:
            return
        wanted = vars(old) | changes | dict.fromkeys(unset)

        def do():
            return self.schedules.schedule_set(schedule, unset=unset, force=force, **changes)

        if not changes and not unset:
            with pytest.raises(InvalidScheduleError, match="nothing to change"):
                do()
            return
        if wanted == vars(old):
            assert do() == self.schedules.schedule_show(schedule)
            return

        posted = []

        def die(method, path):
            if method == "POST":
                posted.append(path)
            if posted and method == killed_at:
                raise KilledError

        if killed_at is not None:
            self.mistral.after = die
        try:
            done = self.attempt(schedule, force, do)
        except KilledError:
            done = True
        self.mistral.after = lambda method, path: None
        if done:
            self.model[schedule] = Expected(**wanted)

    @rule(schedule=ids, force=st.booleans(), paused=st.booleans())
    def pause_or_resume(self, schedule, force, paused):
        do = self.schedules.schedule_pause if paused else self.schedules.schedule_resume
        if self.model[schedule].paused == paused:
            assert do(schedule).paused == paused
        elif self.attempt(schedule, force, lambda: do(schedule, force=force)):
            self.model[schedule].paused = paused

    @rule(schedule=ids)
    def run(self, schedule):
        started = self.schedules.schedule_run(schedule)
        self.model[schedule].runs.insert(0, (started.id, True))

    @rule(schedule=ids, state=st.sampled_from(["RUNNING", "SUCCESS", "ERROR"]))
    def fire(self, schedule, state):
        # Everybody who asks finds leftovers tidied up; a firing of one is another test's.
        trigger_id = self.schedules.schedule_show(schedule).trigger_id
        (row,) = [each for each in triggers(self.cloud) if each["id"] == trigger_id]
        if not self.model[schedule].paused:
            made = self.mistral.fire(row, state=state)
            self.model[schedule].runs.insert(0, (made["id"], False))

    @rule(schedule=ids)
    def fire_a_guard_tick(self, schedule):
        done = json.dumps({"status": "Skipped: already backed up as b"})
        trigger_id = self.schedules.schedule_show(schedule).trigger_id
        self.mistral.add_execution(self.cloud.project, trigger_id, output=done)

    @rule(minutes=st.sampled_from([1, 5, 70]))
    def time_passes(self, minutes):
        self.mistral.wait(minutes=minutes)

    @rule()
    def all_runs_end(self):
        for row in self.executions():
            if row["state"] == "RUNNING":
                self.mistral.change("executions", row, state="SUCCESS")

    @rule(schedule=consumes(ids), killed_at=st.sampled_from([None, "before", "after"]))
    def delete(self, schedule, killed_at):
        def die(method, path):
            if method == "DELETE":
                raise KilledError

        if killed_at is not None:
            setattr(self.mistral, killed_at, die)
            with pytest.raises(KilledError):
                self.schedules.schedule_delete(schedule, force=True)
            self.mistral.before = self.mistral.after = lambda method, path: None
        if any(schedule in row["name"] for row in triggers(self.cloud)):
            self.schedules.schedule_delete(schedule, force=True)
        del self.model[schedule]
        with pytest.raises(ScheduleNotFoundError):
            self.schedules.schedule_show(schedule)

    @rule(schedule=ids, limit=st.integers(1, 3))
    def page_through_the_executions(self, schedule, limit):
        found, marker = [], ""
        while page := self.schedules.execution_list(schedule, marker=marker, limit=limit):
            assert len(page) <= limit
            found += [(each.id, each.manual) for each in page]
            marker = page[-1]
        assert found == self.model[schedule].runs

    @invariant()
    def the_list_is_the_models(self):
        found = self.schedules.schedule_list(self.instance)
        assert len(found) == len(self.model)
        assert {each.id: self.shown(each) for each in found} == {
            schedule: (each.name, each.pattern, each.keep_last, each.paused)
            for schedule, each in self.model.items()
        }
        for each in found:
            assert (each.next_execution_time is None) == each.paused
        # What is left of killed clients is tidied up in time, unless a run would lose its rights.
        newest = {each.trigger_id for each in found}
        settling = {
            row["name"].split(":")[2]
            for row in triggers(self.cloud)
            if row["id"] in newest and self.age(row) < SETTLING
        }
        for row in triggers(self.cloud):
            if row["id"] not in newest and row["name"].split(":")[2] not in settling:
                runs = [each for each in self.executions() if row["id"] in each["description"]]
                assert any(self.in_progress(each) for each in runs)

    @staticmethod
    def shown(schedule):
        return (schedule.name, schedule.pattern, schedule.keep_last, schedule.paused)


Schedules.TestCase.settings = settings(
    # New ones each time. They take half a second of a processor each.
    max_examples=200 if os.environ.get("SCHEDULES_LIVE") == "all" else 20,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# A busy machine gives it little of a processor.
Schedules.TestCase.pytestmark = pytest.mark.timeout(1800)
TestSchedules = Schedules.TestCase
