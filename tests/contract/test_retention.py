# SPDX-License-Identifier: Apache-2.0
"""The rules of retention in the workbook and in Python are the same, on any forest of backups.

They are compared with each other, and with a reference that is written for this test alone: it
asks the zone itself, and the calendar, where they ask a table of offsets and strftime. With
``RETENTION=all`` there are three times as many examples and nights.
"""

import functools
import os
import random
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st
from mistral import expressions
from mistral.expressions import yaql_expression
from yaql.standard_library import date_time

from tests.mistral_api import MistralApi
from trove_schedules import workbook
from trove_schedules.backups.retention import Keeper, judge
from trove_schedules.clients.trove import Backup
from trove_schedules.schedules.names import marker

ALL = os.environ.get("RETENTION") == "all"
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
    time = NOW

    @classmethod
    def now(cls, tz=None):
        return cls.time.astimezone(tz)


@pytest.fixture(scope="module", autouse=True)
def _mistral(_mistral_api: MistralApi):
    """Mistral's options are there, the time stands, and each expression is parsed once."""
    parse = functools.cache(yaql_expression.get_yaql_engine_class())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(date_time, "DATETIME_TYPE", Clock)
        patch.setattr(yaql_expression, "get_yaql_engine_class", lambda: parse)
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


def by_the_workbook(backups, rules, offsets=None, *, pinned=(), safely=True):
    """The ids that the workbook deletes.

    :param safely: none of them where it is not safe.
    """
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
    schedule = {"id": SCHEDULE, **rules} | ({"offsets": offsets} if offsets else {})
    schedule |= {"pinned": list(pinned)} if pinned else {}
    given = {"schedule": schedule, "parent_id": None, "top": None}
    context = given | expressions.evaluate_recursively(RETENTION["vars"], given) | {"result": rows}
    if safely and not expressions.evaluate(TIDY["safe"], context):
        return []
    return expressions.evaluate(TIDY["expired"], context)


def with_what_builds_on_them(backups, roots):
    """What Trove deletes where it is asked to delete these."""
    gone = set(roots)
    for backup in reversed(backups):
        if backup.parent_id in gone:
            gone.add(backup.id)
    return gone


RULES = st.fixed_dictionaries(
    {},
    optional={
        "keep_last": st.integers(1, 6),
        "keep_days": st.integers(1, 40),
        **dict.fromkeys(
            ("keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"),
            st.integers(1, 4),
        ),
    },
).filter(bool)


@settings(
    max_examples=300 if ALL else 100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(backups=forests(), keep=RULES, pins=st.sets(st.integers(1, 14), max_size=2))
def test_both_judge_alike_and_nothing_that_is_needed_goes(backups, keep, pins):
    pinned = [str(uuid.UUID(int=each)) for each in sorted(pins)]
    needed = dict.fromkeys(pinned, Keeper("pin", "it is pinned"))
    verdicts = judge(backups, SCHEDULE, keep, now=NOW, needed=needed)
    expired = [each for each in verdicts if each.expired]
    roots = [each.backup.id for each in expired if each.goes_with is None]
    # A run deletes only after a success; by hand it is done whenever it is asked for.
    ended = [each.backup for each in verdicts if not each.backup.running]
    after_a_success = bool(ended) and ended[0].status == "COMPLETED"
    assert (roots if after_a_success else []) == by_the_workbook(backups, keep, pinned=pinned)

    # What Trove takes along is what was said to go, and nothing else.
    gone = with_what_builds_on_them(backups, roots)
    assert gone == {each.backup.id for each in expired}
    left = [each for each in backups if each.id not in gone]
    assert not gone & set(pinned)
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


def table(zone, until=NOW):
    """The offsets of a zone from five years before a time, found hour by hour."""
    time = (until - timedelta(days=5 * 366)).replace(minute=0, second=0, microsecond=0)
    offsets = []
    while time <= until:
        offset = int(time.astimezone(zone).utcoffset().total_seconds())
        if not offsets or offsets[-1][1] != offset:
            offsets.append([int(time.timestamp()), offset])
        time += timedelta(minutes=30)
    return offsets


ZONES = {
    name: ZoneInfo(name) for name in ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu")
}
OFFSETS = {name: table(zone) for name, zone in ZONES.items()}
#: By a local time: which period of its kind it is in.
KEYS = {
    "keep_hourly": lambda time: (*time.timetuple()[:4], time.utcoffset()),
    "keep_daily": lambda time: time.date(),
    "keep_weekly": lambda time: time.isocalendar()[:2],
    "keep_monthly": lambda time: (time.year, time.month),
    "keep_yearly": lambda time: time.year,
}


def kept_by_reference(backups, rules, zone, now):
    """The ids of what is kept, by the rules as people read them."""
    ended = {"COMPLETED", "FAILED", "DELETE_FAILED"}
    own = [each for each in backups if str(each.description).endswith(marker(SCHEDULE))]
    completed = sorted(
        (each for each in own if each.status == "COMPLETED"), key=lambda each: each.created
    )
    wanted = {each.id for each in backups if each not in own or each.status not in ended}
    wanted |= {each.id for each in completed[-rules.get("keep_last", 1) :]}
    if "keep_days" in rules:
        youngest = now.replace(microsecond=0) - timedelta(days=rules["keep_days"])
        wanted |= {each.id for each in completed if each.created >= youngest}
    for rule, key in KEYS.items():
        periods = defaultdict(list)
        for each in completed:
            periods[key(each.created.astimezone(zone))].append(each)
        # Dictionaries keep their order, here that of time.
        newest = [members[-1].id for members in periods.values()]
        wanted |= set(newest[-rules[rule] :] if rule in rules else [])
    parents = {each.id: each.parent_id for each in backups}
    for identifier in list(wanted):
        while (identifier := parents.get(identifier)) is not None:
            wanted.add(identifier)
    return wanted


def random_forest(chance, size):
    """Backups of five years: each builds on one shortly before, or on none."""
    times = set()
    time = NOW.replace(microsecond=0)
    while len(times) < size and time > NOW - timedelta(days=5 * 365):
        times.add(time)
        step = chance.choice([17 * 60, 3600, 3600, 6 * 3600, 86400, 86400, 86400, 20 * 86400])
        time -= timedelta(seconds=chance.randint(step // 2, step))
    backups = []
    for index, created in enumerate(sorted(times)):
        backups.append(
            Backup(
                id=str(uuid.UUID(int=index + 1)),
                instance_id=str(uuid.UUID(int=99)),
                name="nightly",
                description=chance.choice(DESCRIPTIONS[:2] * 6 + DESCRIPTIONS),
                status=chance.choice(["COMPLETED"] * 12 + STATES),
                parent_id=chance.choice([None, *(each.id for each in backups[-3:])]),
                created=created,
                size=None,
            )
        )
    return backups[::-1]


def test_ten_thousand_backups_are_judged_as_the_rules_say():
    chance, left, forests = random.Random(20261128), 10_000, 0
    while left > 0:
        forests += 1
        backups = random_forest(chance, min(left, chance.randint(40, 190)))
        left -= len(backups)
        name = chance.choice([None, *ZONES])
        rules = {
            rule: chance.choice([1, 2, 5, 12, 30])
            for rule in chance.sample(["keep_last", "keep_days", *KEYS], chance.randint(1, 5))
        }
        verdicts = judge(backups, SCHEDULE, rules, now=NOW, offsets=OFFSETS[name] if name else ())
        roots = [each.backup.id for each in verdicts if each.expired and each.goes_with is None]
        told = f"{name} {rules} forest {forests}"
        # YAQL takes milliseconds for each backup, so the workbook judges a part of the forests.
        if forests % 6 == 0:
            assert by_the_workbook(backups, rules, OFFSETS.get(name), safely=False) == roots, told
        kept = kept_by_reference(backups, rules, ZONES.get(name, UTC), NOW)
        left_over = {each.id for each in backups} - with_what_builds_on_them(backups, roots)
        assert left_over == kept, told
    assert forests > 60


def test_after_many_nightly_increments_exactly_what_the_rules_say_remains(monkeypatch):
    """Those from January to June, with a change of the clocks, or of a whole year."""
    zone = ZONES["Europe/Berlin"]
    offsets = OFFSETS["Europe/Berlin"][-3:]
    rules = {"keep_daily": 3, "keep_weekly": 2, "keep_monthly": 3}
    backups, made, most = [], [], 0
    for night in range(365 if ALL else 130):
        # A quarter past midnight in winter, and a quarter past one in summer.
        now = datetime(2025, 1, 30, 23, 15, tzinfo=UTC) + timedelta(days=night)
        backup = Backup(
            id=str(uuid.UUID(int=night + 1)),
            instance_id=str(uuid.UUID(int=99)),
            name="nightly",
            description=marker(SCHEDULE),
            status="COMPLETED",
            parent_id=backups[0].id if night % 3 else None,
            created=now,
            size=None,
        )
        backups.insert(0, backup)
        made.insert(0, backup)
        most = max(most, len(backups))
        # Later than an hour after it, so that no drill is looked for.
        monkeypatch.setattr(Clock, "time", now + timedelta(minutes=61))
        expired = by_the_workbook(backups, rules, offsets, safely=False)
        gone = with_what_builds_on_them(backups, expired)
        backups = [each for each in backups if each.id not in gone]
        if night % 10 == 4:
            # What the rules say of all that was ever made.
            kept = kept_by_reference(made, rules, zone, Clock.time)
            assert {each.id for each in backups} == kept
    assert (len(backups), most) == ((11, 15) if ALL else (8, 15))
