# SPDX-License-Identifier: Apache-2.0
"""Health of many schedules: in how few requests, and what is said where they are too few."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.unit.client.fake_cloud import TROVE_URL
from tests.unit.client.rows import add_schedule, id_of
from trove_schedules import clock
from trove_schedules.health import State
from trove_schedules.schedules.names import marker

NOW = datetime.now(UTC).replace(microsecond=0)
#: Every schedule here is due each hour.
DUE = (NOW - timedelta(minutes=3)).replace(minute=0, second=0)


def written(time):
    return f"{time:%Y-%m-%d %H:%M:%S}"


@pytest.fixture(autouse=True)
def _moment(monkeypatch):
    """It is still now when an hour begins between the tests' collection and this one."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def hourly(cloud):
    """Adds a schedule of an instance that has been due for days."""

    def add(instance, **values):
        given = {"instance": instance, "name": "hourly", "schedule": {"id": str(uuid.uuid4())}}
        return add_schedule(
            cloud,
            instance,
            **(
                {
                    "schedule": given["schedule"]["id"],
                    "workflow_input": json.dumps(given),
                    "pattern": "0 * * * *",
                    "created_at": written(NOW - timedelta(days=9)),
                    "next_execution_time": written(NOW + timedelta(hours=1)),
                }
                | values
            ),
        )

    return add


class TestTimeZone:
    def health(self, cloud, schedules, hourly, instance, **kept):
        given = {"id": str(uuid.uuid4()), "pattern": "0 2 * * *", "timezone": "Asia/Kathmandu"}
        whole = {"instance": instance, "name": "n", "schedule": given | kept}
        hourly(
            instance,
            schedule=given["id"],
            workflow_input=json.dumps(whole),
            created_at=written(NOW - timedelta(days=3)),
        )
        due = [(NOW - timedelta(days=n)).replace(hour=20, minute=15, second=4) for n in (2, 1, 0)]
        last = max(each for each in due if each < NOW)
        cloud.add_backup(
            instance, created=f"{last:%Y-%m-%dT%H:%M:%S}", description=marker(given["id"])
        )
        [found] = schedules.schedule_health()
        return found

    def test_due_times_are_those_of_the_zone(self, cloud, schedules, hourly, instance):
        found = self.health(cloud, schedules, hourly, instance, offsets=[[0, 20700]])
        assert (found.state, found.missed) == (State.OK, 0)
        assert "offsets" not in found.reason

    def test_a_table_that_is_not_the_zones_is_told(self, cloud, schedules, hourly, instance):
        found = self.health(cloud, schedules, hourly, instance, offsets=[[0, 20700], [1, 20000]])
        assert "its table of offsets of Asia/Kathmandu differs" in found.reason


def failed(cloud, row, at=DUE, **values):
    values = {"state": "ERROR", "state_info": "instance is SHUTDOWN", "output": "{}"} | values
    return cloud.mistral.add_execution(
        cloud.project, row["id"], created_at=written(at), updated_at=written(at), **values
    )


def since(cloud, before):
    return [each.path for each in cloud.mock.request_history[before:]]


def test_five_thousand_unhealthy_schedules_cost_at_most_thirty_requests(cloud, schedules, hourly):
    instances = [cloud.add_instance(f"m{n}") for n in range(2500)]
    rows = [hourly(instances[n // 2]) for n in range(5000)]
    for row in rows[::2]:
        failed(cloud, row)
    before = len(cloud.mock.request_history)
    found = schedules.schedule_health()
    assert len(since(cloud, before)) <= 30
    told = {each.schedule_id: each for each in found}
    assert {told[id_of(row)].state for row in rows[::2]} == {State.FAILED}
    assert {told[id_of(row)].state for row in rows[1::2]} == {State.LOST}
    assert told[id_of(rows[0])].reason.startswith("instance is SHUTDOWN; no backup for ")


def test_few_are_asked_for_one_by_one_and_many_all_together(cloud, schedules, hourly):
    for n in range(5):
        instance = cloud.add_instance(f"m{n}")
        failed(cloud, hourly(instance))
        cloud.mistral.requests.clear()
        assert {each.state for each in schedules.schedule_health()} == {State.FAILED}
        queries = [q for _, path, q in cloud.mistral.requests if path == "/executions"][1:]
        assert len(queries) == (n + 1 if n < 3 else 1)
        assert all(("description" in each) == (n < 3) for each in queries)


def test_what_mistral_was_not_read_back_to_is_not_lost(cloud, schedules, hourly, monkeypatch):
    monkeypatch.setattr("trove_schedules.health.survey._EXECUTION_PAGES", 1)
    cloud.mistral.max_limit = 1000
    busy = hourly(cloud.add_instance("busy"))
    quiet = [hourly(cloud.add_instance(f"m{n}")) for n in range(6)]
    for _ in range(1000):
        failed(cloud, busy, DUE + timedelta(minutes=2))
    for row in quiet:
        failed(cloud, row, DUE + timedelta(minutes=1))
    found = {each.schedule_id: each for each in schedules.schedule_health()}
    assert found[id_of(busy)].state == State.FAILED
    states = [found[id_of(row)] for row in quiet]
    # Three more requests are worth it.
    assert [each.state for each in states].count(State.FAILED) == 3
    rest = [each for each in states if each.state != State.FAILED]
    assert {each.state for each in rest} == {State.STALE}
    at = f"{DUE + timedelta(minutes=2):%Y-%m-%d %H:%M} UTC only"
    assert all(f"Mistral's executions were read back to {at}" in each.reason for each in rest)


@pytest.fixture
def monthly(cloud, hourly):
    """A schedule that was due five days ago, and that Mistral has no execution of."""
    due = (NOW - timedelta(days=5)).replace(hour=2, minute=0, second=0)
    return hourly(cloud.add_instance("m"), pattern=f"0 2 {due.day} * *")


@pytest.mark.parametrize(
    ("oldest", "state"), [(6, State.LOST), (4, State.STALE), (None, State.STALE)]
)
def test_what_mistral_keeps_no_longer_is_not_lost(cloud, schedules, hourly, monthly, oldest, state):
    if oldest is not None:
        other = hourly(cloud.add_instance("other"))
        failed(cloud, other, NOW - timedelta(days=oldest), state="SUCCESS", state_info=None)
    [found] = schedules.schedule_health([id_of(monthly)])
    assert found.state == state
    said = "Mistral has no execution from that time (any more); no backup for"
    assert (said in found.reason) == (state == State.STALE)


class TestInstances:
    def test_a_deleted_ones_schedules_are_orphaned(self, cloud, schedules, hourly):
        instance = cloud.add_instance("m")
        rows = [hourly(instance) for _ in range(3)]
        paused = hourly(instance, next_execution_time="9999-12-31 23:59:00")
        for row in rows:
            cloud.add_backup(
                instance, description=marker(id_of(row)), created=f"{DUE:%Y-%m-%dT%H:%M:%S}"
            )
        assert {each.state for each in schedules.schedule_health()} == {State.OK, State.PAUSED}
        cloud.instances.clear()
        found = schedules.schedule_health()
        assert {each.schedule_id for each in found} == {id_of(row) for row in [*rows, paused]}
        assert {each.state for each in found} == {State.ORPHANED}
        # One instance is one request, however many schedules it has.
        assert [each for each in cloud.trove_paths() if each.startswith("instances")] == [
            f"instances/{instance}"
        ] * 2

    def test_one_that_a_page_lacks_is_there_all_the_same(
        self, cloud, schedules, hourly, monkeypatch
    ):
        for n in range(5):
            hourly(cloud.add_instance(f"m{n}"))
        hidden = cloud.instances[2]
        real = cloud._page

        def page(kind, rows, query):
            return real(kind, [row for row in rows if row is not hidden], query)

        monkeypatch.setattr(cloud, "_page", page)
        assert {each.state for each in schedules.schedule_health()} == {State.LOST}
        cloud.instances.remove(hidden)
        states = [each.state for each in schedules.schedule_health()]
        assert states.count(State.ORPHANED) == 1

    def test_what_is_not_looked_up_is_said_and_not_judged(self, cloud, schedules, hourly):
        for n in range(9):
            hourly(cloud.add_instance(f"m{n}"))
        cloud.instances.clear()
        found = schedules.schedule_health()
        assert [each.state for each in found].count(State.ORPHANED) == 3
        rest = [each for each in found if each.state != State.ORPHANED]
        assert all("; its instance was not looked up" in each.reason for each in rest)

    @pytest.mark.parametrize("number", [1, 5])
    def test_a_trove_that_cannot_tell_orphans_nothing(self, cloud, schedules, hourly, number):
        for n in range(number):
            hourly(cloud.add_instance(f"m{n}"))
        cloud.instances.clear()
        real = cloud._trove

        def trove(request, context):
            if "/instances" in request.path:
                raise requests.exceptions.ConnectionError("refused")
            return real(request, context)

        cloud.mock.get(re.compile(re.escape(TROVE_URL)), text=trove)
        found = schedules.schedule_health()
        assert {each.state for each in found} == {State.LOST}
        assert all("; instances can't be read: Trove: " in each.reason for each in found)


class TestOneConsistentLook:
    @pytest.fixture
    def done(self, cloud, hourly):
        """Schedules whose runs complete after the backups were read; the fourth's is deleted."""
        made = []
        for n in range(4):
            instance = cloud.add_instance(f"m{n}")
            row, backup = hourly(instance), str(uuid.uuid4())
            output = json.dumps({"status": "Backup complete", "backup_id": backup})
            failed(cloud, row, state="SUCCESS", state_info=None, output=output)
            made.append((instance, id_of(row), backup))

        def complete(method, path):
            if path == "/executions" and len(cloud.backups) < 3:
                for instance, schedule, backup in made[:3]:
                    cloud.add_backup(
                        instance,
                        id=backup,
                        description=marker(schedule),
                        created=f"{DUE:%Y-%m-%dT%H:%M:%S}",
                    )

        self.complete = complete
        return made

    def test_a_run_that_ended_after_the_backups_were_read_is_ok(self, cloud, schedules, done):
        asked = []

        def before(method, path):
            asked.append(path)
            if asked.count("/executions") == 2:  # the first is for drills
                self.complete(method, path)

        cloud.mistral.before = before
        found = {each.schedule_id: each for each in schedules.schedule_health()}
        for _, schedule, _ in done[:3]:
            assert (found[schedule].state, found[schedule].missed) == (State.OK, 0)
        gone = found[done[3][1]]
        assert gone.state == State.STALE
        assert gone.reason.startswith(f"its backup {done[3][2]} was deleted since; no backup for")
        # Three are looked up one by one, and then the list is read once more.
        paths = [each.partition("?")[0] for each in cloud.trove_paths()]
        assert len([each for each in paths if each.startswith("backups/")]) == 3
        assert paths.count("backups") == 2
