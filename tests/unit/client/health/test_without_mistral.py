# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

from tests.examples import INSTANCE, SCHEDULE
from tests.unit.client.health.test_judge import DUE, NOW, backup
from trove_schedules.health import Limits, State
from trove_schedules.health.without_mistral import judge


def test_without_mistral_the_backups_alone_are_judged_by_their_age() -> None:
    made = [backup(DUE), backup(DUE - timedelta(days=1), "FAILED")]
    unknown = judge(SCHEDULE, made, Limits(), "Mistral is down", NOW)
    assert (unknown.state, unknown.kept, unknown.instance) == (State.UNKNOWN, 1, INSTANCE)
    assert "Mistral is down" in unknown.reason
    # It may be paused, or deleted long ago: nobody can say that a backup is missing.
    for age, state in ((timedelta(hours=1), State.OK), (timedelta(minutes=1), State.UNKNOWN)):
        found = judge(SCHEDULE, made, Limits(max_age=age), "down", NOW)
        assert found.state == state
        assert found.reason == "last backup 5 min ago; its schedule can't be read: down"
