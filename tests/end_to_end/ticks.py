# SPDX-License-Identifier: Apache-2.0
"""Cron triggers that fire when a test says so, by Mistral's own periodic server.

Nobody waits for a due minute. A schedule gets a due time that has passed, is made to owe it, and
its trigger's next firing is brought forward in Mistral's database. What lets time pass makes
things older in the services' databases.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from tests.end_to_end.cloud import LiveCloud, wait_for
from trove_minicloud.services.preparation import database_file
from trove_schedules import Schedule

#: Minutes between the due time of `just_due` and the further attempt.
RETRY_EVERY = 5


def mistral_database(cloud: LiveCloud) -> closing[sqlite3.Connection]:
    """Mistral's database, open for reading and writing."""
    file = database_file(cloud.root.service("mistral"))
    return closing(sqlite3.connect(file, timeout=60, isolation_level=None))


def age_backups(cloud: LiveCloud, instance: str, by: timedelta) -> None:
    """Make the instance's backups older."""
    file = database_file(cloud.root.service("trove"))
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
        changed = database.execute(
            "update backups set created = datetime(created, ?) where instance_id = ?",
            [f"-{by.total_seconds():.0f} seconds", instance],
        )
        assert changed.rowcount >= 1


def just_due() -> str:
    """A pattern that is due once a day, and was due 12 to 18 minutes ago.

    With one attempt, or with two that are RETRY_EVERY minutes apart, it fires until tomorrow only
    when told to. By default a schedule has a third attempt, which is still to come.
    """
    due = datetime.now(UTC) - timedelta(minutes=12)
    if due.minute + RETRY_EVERY > 59:
        due -= timedelta(minutes=6)
    return f"{due.minute} {due.hour} * * *"


def owe(cloud: LiveCloud, schedule: Schedule, since: datetime | None = None) -> None:
    """Have the schedule owe what was due in the past day, or since then."""
    since = since or datetime.now(UTC) - timedelta(days=1)
    with mistral_database(cloud) as database:
        changed = database.execute(
            "update cron_triggers_v2 set workflow_input ="
            " json_set(workflow_input, '$.schedule.owed_since', ?) where id = ?",
            [f"{since:%Y-%m-%dT%H:%M:%S}+00:00", schedule.trigger_id],
        )
        assert changed.rowcount == 1


def fire(cloud: LiveCloud, schedule: Schedule | str, ago: timedelta = timedelta(0)) -> None:
    """Have Mistral's periodic server fire the schedule's trigger now, or the one of this id.

    :param ago: since when it has had to.
    """
    trigger = schedule if isinstance(schedule, str) else schedule.trigger_id
    with mistral_database(cloud) as database:
        changed = database.execute(
            "update cron_triggers_v2 set next_execution_time = ? where id = ?",
            [f"{datetime.now(UTC) - ago:%Y-%m-%d %H:%M:%S.%f}", trigger],
        )
        assert changed.rowcount == 1


def wait_until_taken(cloud: LiveCloud, schedule: Schedule) -> None:
    """Return when Mistral has taken the firing in hand; it can't be asked without Keystone."""

    def taken() -> bool:
        with mistral_database(cloud) as database:
            query = "select next_execution_time from cron_triggers_v2 where id = ?"
            [text] = database.execute(query, [schedule.trigger_id]).fetchone()
        return datetime.fromisoformat(text).replace(tzinfo=UTC) > datetime.now(UTC)

    wait_for("firing", taken, 60)


@contextmanager
def hurried(cloud: LiveCloud, every: float = 0.5) -> Iterator[None]:
    """Meanwhile a task that failed is tried again at once, and not after up to 80 seconds.

    :param every: seconds. Longer ones are for a run that looks a limited number of times whether
        something has ended: on a busy machine that has to last.
    """
    ended = threading.Event()

    def hurry() -> None:
        while not ended.wait(every):
            with mistral_database(cloud) as database:
                # Not the calls that end a task whose timeout has passed.
                database.execute(
                    "update delayed_calls_v2 set execution_time = ? where not processing"
                    " and target_method_name = 'mistral.engine.policies._continue_task'",
                    [f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"],
                )

    thread = threading.Thread(target=hurry)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
