# SPDX-License-Identifier: Apache-2.0
"""A cluster as packages run it, with the periodic servers of deploy/systemd: schedules fire.

It loses one of them while it fires.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

import pytest

from bench import burst, faults
from bench.cluster import servers
from bench.crowd import LIGHT, Crowd
from bench.firings import Member
from bench.minicloud import import_path, override
from tests.end_to_end.cloud import LiveCloud, finished, new_cloud, wait_for
from tests.end_to_end.lacking import lacks
from tests.end_to_end.packaged import ETC, PERIODIC
from tests.end_to_end.ticks import just_due
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.services import mistral
from trove_schedules import Schedule

API = "mistral-api"
#: Seconds within which periodic servers that run have looked at all triggers several times.
_PATIENCE = 5
_WARNING = "Processing cron triggers in the API service is deprecated"


@pytest.fixture(scope="module")
def packaged() -> Iterator[LiveCloud]:
    """Mistral's API under uWSGI, and two each of engines, executors and the unit's servers."""
    if find_spec("pyuwsgi") is None:
        lacks("pyuwsgi")
    import_path()

    def prepare(root: Root) -> None:
        root.prepare()
        servers.want(root, 2, 2)
        override(root, LIGHT)

    try:
        with new_cloud(prepare, "tests.end_to_end.packaged") as live:
            yield live
    except MiniCloudError as error:
        if "can't be had" not in str(error) and "is unavailable" not in str(error):
            raise
        lacks(str(error))


@pytest.fixture
def schedule(packaged: LiveCloud) -> Iterator[Schedule]:
    schedules = packaged.schedules()
    created = schedules.schedule_create("m", just_due(), "nightly", attempts=1)
    yield created
    schedules.schedule_delete(created, force=True)


def _fire(cloud: LiveCloud, schedule: Schedule) -> None:
    """Make it due now."""
    member = Member(schedule.id, schedule.instance, "", 1)
    Crowd(cloud.root).fire([member], datetime.now(UTC) - timedelta(days=1))


@contextmanager
def _no_periodic_server(cloud: LiveCloud) -> Iterator[None]:
    with ExitStack() as stack:
        for program in PERIODIC:
            stack.enter_context(cloud.killed(program))
        yield


def test_the_unit_s_periodic_servers_fire_and_nothing_else_does(
    packaged: LiveCloud, schedule: Schedule
) -> None:
    schedules = packaged.schedules()
    # As README.md says to see whether the actions are there.
    action = ("openstack", "action", "definition", "show", "trove.backups_create")
    assert "trove.backups_create" in packaged.run(*action).out
    with _no_periodic_server(packaged):
        _fire(packaged, schedule)
        time.sleep(_PATIENCE)
        assert schedules.execution_list(schedule) == []
    [run] = finished(schedules, schedule.id, 1)
    assert (run.state, run.manual) == ("SUCCESS", False), run
    log = packaged.root.log(API).read_text(encoding="utf-8")
    assert "uWSGI" in log
    assert _WARNING not in log


def test_each_schedule_fires_once_while_a_periodic_server_is_killed(packaged: LiveCloud) -> None:
    crowd = Crowd(packaged.root)
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    members = crowd.schedule(12, due)
    crowd.fire(members, due - timedelta(minutes=1))
    time.sleep(1)
    victim = packaged.process(PERIODIC[0])
    faults.killed(PERIODIC[0])(packaged.root)
    firings = burst.follow(crowd, members, due)
    assert [firing for firing in firings if firing.duplicates] == []
    assert any(firing.completed for firing in firings)
    # A run that is in progress brings its backup, or fails.
    wait_for("health that names what was lost", lambda: not burst.unnoticed(crowd, firings), 300)
    packaged.wait_for_restart(PERIODIC[0], victim)


def test_without_our_file_the_api_fires(packaged: LiveCloud, schedule: Schedule) -> None:
    """Mistral 23 does, under uWSGI with threads. It warns that its next release won't."""
    [ours] = packaged.root.service(mistral.NAME).joinpath(ETC, "mistral.conf.d").iterdir()
    ours.unlink()
    with packaged.killed(API):
        pass
    with _no_periodic_server(packaged):
        _fire(packaged, schedule)
        [run] = finished(packaged.schedules(), schedule.id, 1)
    assert run.state == "SUCCESS", run
    assert _WARNING in packaged.root.log(API).read_text(encoding="utf-8")
