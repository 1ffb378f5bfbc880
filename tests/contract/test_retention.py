# SPDX-License-Identifier: Apache-2.0
"""The rules of retention in the workbook and in Python are the same, on any forest of backups."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st
from mistral import expressions
from yaql.standard_library import date_time

from tests.mistral_api import MistralApi
from trove_schedules import workbook
from trove_schedules.backups.retention import judge
from trove_schedules.clients.trove import Backup
from trove_schedules.schedules.names import marker

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
OTHER = "11111111-be9b-49c1-a2f7-ca6c1213896f"
NOW = datetime(2026, 1, 31, 2, 0, 0, 654321, tzinfo=UTC)
STATES = ["COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "DELETE_FAILED", "RESTORED", "BUILDING"]
DESCRIPTIONS = [marker(SCHEDULE), f"é {marker(SCHEDULE)}", marker(OTHER), "by hand", None]
RETENTION = yaml.safe_load(workbook.text())["workflows"]["backup_retention"]
TIDY = {
    name: expression.replace("task().result", "$.result")
    for name, expression in RETENTION["tasks"]["tidy"]["publish"].items()
}


class Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


@pytest.fixture(scope="module", autouse=True)
def _mistral(_mistral_api: MistralApi):
    """Mistral's options are there; the time stands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(date_time, "DATETIME_TYPE", Clock)
        yield


@st.composite
def forests(draw):
    """Backups of an instance as Trove lists them: each builds on an older one, or on none."""
    backups: list[Backup] = []
    created = NOW.replace(microsecond=0) - timedelta(days=40)
    for index in range(draw(st.integers(0, 14))):
        created = min(created + timedelta(hours=draw(st.sampled_from([0, 1, 24, 24, 120]))), NOW)
        older = [each.id for each in backups if each.created < created]
        backups.append(
            Backup(
                id=str(uuid.UUID(int=index + 1)),
                instance_id=str(uuid.UUID(int=99)),
                name="nightly",
                description=draw(st.sampled_from(DESCRIPTIONS)),
                status=draw(st.sampled_from(STATES)),
                parent_id=draw(st.sampled_from([None, *older[-3:]])),
                created=created.replace(microsecond=0),
                size=None,
            )
        )
    return backups[::-1]


def by_the_workbook(backups, keep):
    rows = [
        {
            "id": each.id,
            "status": each.status,
            "description": each.description,
            "parent_id": each.parent_id,
            "created": each.created.strftime("%Y-%m-%dT%H:%M:%S"),
            "updated": each.created.strftime("%Y-%m-%dT%H:%M:%S"),
        }
        for each in backups
    ]
    given = {"schedule": {"id": SCHEDULE, **keep}, "parent_id": None, "top": None}
    context = given | expressions.evaluate_recursively(RETENTION["vars"], given) | {"result": rows}
    expired = expressions.evaluate(TIDY["expired"], context)
    return expired if expressions.evaluate(TIDY["safe"], context) else []


def with_what_builds_on_them(backups, roots):
    """What Trove deletes where it is asked to delete these."""
    gone = set(roots)
    for backup in reversed(backups):
        if backup.parent_id in gone:
            gone.add(backup.id)
    return gone


KEEPS = st.fixed_dictionaries(
    {}, optional={"keep_last": st.integers(1, 6), "keep_days": st.integers(1, 40)}
).filter(bool)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(backups=forests(), keep=KEEPS)
def test_both_judge_alike_and_nothing_that_is_needed_goes(backups, keep):
    verdicts = judge(
        backups,
        SCHEDULE,
        keep_last=keep.get("keep_last"),
        keep_days=keep.get("keep_days"),
        now=NOW,
    )
    expired = [each for each in verdicts if each.expired]
    roots = [each.backup.id for each in expired if each.goes_with is None]
    # A run deletes only after a success; by hand it is done whenever it is asked for.
    ended = [each.backup for each in verdicts if not each.backup.running]
    after_a_success = bool(ended) and ended[0].status == "COMPLETED"
    assert (roots if after_a_success else []) == by_the_workbook(backups, keep)

    # What Trove takes along is what was said to go, and nothing else.
    gone = with_what_builds_on_them(backups, roots)
    assert gone == {each.backup.id for each in expired}
    left = [each for each in backups if each.id not in gone]
    assert not {each.parent_id for each in left} & gone

    own = [each for each in backups if (each.description or "").endswith(marker(SCHEDULE))]
    completed = [each for each in own if each.status == "COMPLETED"]
    assert {each.backup.id for each in verdicts} == {each.id for each in own}
    assert gone <= {each.id for each in own if each.status not in ("RESTORED", "BUILDING")}
    if completed:
        newest = max(each.created for each in completed)
        assert any(each.created == newest for each in left if each in completed)
    assert sum(each in left for each in completed) >= min(keep.get("keep_last", 1), len(completed))


def test_a_list_that_may_be_cut_short_expires_nothing():
    many = [
        Backup(str(n), "i", "n", marker(SCHEDULE), "COMPLETED", None, NOW - timedelta(n), None)
        for n in range(200)
    ]
    assert by_the_workbook(many, {"keep_last": 1}) == []
    assert len(by_the_workbook(many[1:], {"keep_last": 1})) == 198
