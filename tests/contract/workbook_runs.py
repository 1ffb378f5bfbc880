# SPDX-License-Identifier: Apache-2.0
"""Run the workbook on Mistral's own engine, with mistral-extra's actions and python-troveclient.

Only Trove is made up, at the wire: one instance for each scenario, with the answers it gives. The
waiting times of the workbook are made short. Prints, as JSON, how each scenario ended. It is a
process of its own (see the ``runs`` fixture), because the engine's threads can't be stopped.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import croniter
import requests
import requests_mock
import sqlalchemy
from oslo_service import backend

# ruff: noqa: E402 - the backend has to be chosen before Mistral asks for one
backend.init_backend(backend.BackendType.THREADING)

import mistral.api.app  # noqa: F401  (registers the options)
from mistral import config, context
from mistral.actions import std_actions
from mistral.db.sqlalchemy import base
from mistral.db.v2 import api as db_api
from mistral.engine import engine_server
from mistral.rpc import base as rpc, clients as rpc_clients
from mistral.services import security, workbooks
from mistral_extra.actions.openstack import base as openstack_actions
from yaql.standard_library import date_time

from tests.tls_receiver import tls_receiver
from trove_minicloud.services import workbook_schemas
from trove_minicloud.services.mistral_database import keep_queries
from trove_schedules import clock, workbook
from trove_schedules.schedules import zones
from trove_schedules.schedules.plan import Plan

BUSY = "is not currently available for an action to be performed (instance status was BACKUP)."
DOWN = "is not currently available for an action to be performed (instance status was SHUTDOWN)."
OVER = "Quota exceeded for resources: ['backups']."
LIMITED = "This request was rate-limited."
GONE = "Resource cannot be found."
#: What Keystone says through Trove's action when the schedule's trust is deleted.
NO_TRUST = "Could not find trust: 5a1b0c."
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
#: A project in which a drill is in progress.
DRILLING = "drilling"
#: Projects in which a backup of the schedule, of another one, and long ago of this one is restored.
RESTORING, RESTORING_OTHERS, RESTORED = "restoring", "restoring-others", "restored"
OTHER = "11111111-be9b-49c1-a2f7-ca6c1213896f"
INSTANCE = "22222222-be9b-49c1-a2f7-ca6c1213896f"
PARENT = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"
#: Of a network for examples (RFC 5737), which Mistral's egress policy lets pass.
WATCHER = "http://192.0.2.7/watched"
#: How long all of them may take, in seconds.
DEADLINE = 900
#: What stands here for a receiver that speaks TLS. It gets the requests that the name in it names.
TLS_WATCHER = WATCHER.replace("http:", "https:")
#: By the name of a scenario: where its receiver that speaks TLS is.
RECEIVERS: dict[str, str] = {}
#: Longer than a hurried run waits for a ping's answer, in seconds.
HANGING = 8
#: Mistral works on SQLite in one thread at a time, so more threads would only wait. No executor is
#: ever lost here, so none has to say that it lives.
CONFIGURATION = """
[DEFAULT]
transport_url = fake://
executor_thread_pool_size = 4
[database]
connection = sqlite://
[executor]
type = local
[notifier]
type = local
[pecan]
auth_enable = True
[action_heartbeat]
check_interval = 0
"""

Answer = tuple[int, str]
LOADED = (200, "NEW")
#: What the workbook takes for the time: a tick for ten past midnight that comes 2 seconds early.
NOW = datetime(2026, 1, 2, 0, 9, 58, tzinfo=UTC)


STARTED = time.monotonic()
#: A minute of the runs is a second for the workbook, which so sees time pass but no minute begin.
SLOWNESS = 60


class Clock(datetime):
    """A clock that goes slowly, in each project.

    :cvar ahead: by project, how far its clock is ahead.
    """

    ahead: ClassVar[dict[str, timedelta]] = {}

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Clock:
        passed = timedelta(seconds=(time.monotonic() - STARTED) / SLOWNESS)
        ahead = cls.ahead.get(context.ctx().project_id, timedelta())
        return cls.fromtimestamp((NOW + passed + ahead).timestamp(), tz)

    @classmethod
    def turn(cls, project: str, when: datetime) -> None:
        """Set a project's clock."""
        act_for(project)
        ahead = cls.ahead.get(project, timedelta())
        cls.ahead[project] = ahead + (when - cls.now(UTC))


@dataclass
class Scenario:
    """An instance, and what Trove answers about it, one after the other; the last is repeated.

    :ivar backups: the instance's backups when the run begins, by :func:`backup`.
    :ivar listed: what a list of them is answered; None stands for those that there are.
    :ivar created: what a create is answered: a status and a message.
    :ivar unheard: creates that make a backup all the same, in this state.
    :ivar looks: what a look at the new backup is answered: a status and the backup's state. Before
        the workbook's own looks there is one by python-troveclient: when Mistral serialises the
        new backup, it loads itself.
    :ivar fault: the instance's last fault, or what a look at the instance is answered.
    :ivar refuses_parents: the guest makes full backups only.
    :ivar undeletable: the names of backups that can't be deleted.
    :ivar quicker: the names of backups that somebody else deletes before the run does.
    :ivar gone: what their deletion is answered then.
    :ivar ghosts: the names of backups that are listed once and gone when they are looked at.
    :ivar now: when a backup that is asked for is made.
    """

    given: dict[str, Any] = field(default_factory=dict)
    backups: list[dict[str, Any]] = field(default_factory=list)
    listed: list[Answer | None] = field(default_factory=lambda: [None])
    created: list[Answer] = field(default_factory=lambda: [(202, "NEW")])
    unheard: list[str] = field(default_factory=list)
    looks: list[Answer] = field(default_factory=lambda: [LOADED, (200, "COMPLETED")])
    fault: dict[str, str] | Answer | None = None
    refuses_parents: bool = False
    undeletable: tuple[str, ...] = ()
    ghosts: tuple[str, ...] = ()
    quicker: tuple[str, ...] = ()
    gone: str = GONE
    project: str = "p"
    now: datetime = NOW
    instance: str = field(default_factory=lambda: str(uuid.uuid4()))
    bodies: list[dict[str, Any]] = field(default_factory=list)
    deletes: list[str] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        ids = {each["name"]: each["id"] for each in self.backups}
        for each in self.backups:
            each["parent_id"] = each["parent_id"] and ids[each["parent_id"]]
        if self.given.get("parent_id") in ids:
            self.given = self.given | {"parent_id": ids[self.given["parent_id"]]}
        schedule = self.given.get("schedule") or {}
        if "pinned" in schedule:
            pinned = [ids.get(each, each) for each in schedule["pinned"]]
            self.given = self.given | {"schedule": schedule | {"pinned": pinned}}
        self.names = {value: key for key, value in ids.items()}

    def find(self, identifier: str) -> dict[str, Any] | None:
        return next((each for each in self.backups if each["id"] == identifier), None)

    def make(self, body: dict[str, Any], status: str) -> dict[str, Any]:
        """Make the backup that is asked for."""
        parent = None if self.refuses_parents else body.get("parent_id")
        made = backup("new", 0, status, described=body.get("description"), now=self.now)
        made |= {"parent_id": parent}
        self.backups.append(made)
        self.names[made["id"]] = "new"
        return made

    def delete(self, identifier: str) -> None:
        """Delete a backup and what builds on it."""
        for each in [each for each in self.backups if each["parent_id"] == identifier]:
            self.delete(each["id"])
        self.backups = [each for each in self.backups if each["id"] != identifier]


def backup(
    name: str,
    minutes: float,
    status: str = "COMPLETED",
    *,
    on: str | None = None,
    of: str | None = SCHEDULE,
    described: str | None = None,
    took: float = 0,
    number: int | None = None,
    now: datetime = NOW,
) -> dict[str, Any]:
    """A backup as Trove shows it, made N minutes ago.

    :param took: minutes.
    :param number: which one of its chain it is, by its description.
    :param on: the name of the backup that it builds on.
    :param of: the schedule that made it, or None for a user.
    """
    created = (now - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
    updated = (now - timedelta(minutes=minutes - took)).strftime("%Y-%m-%dT%H:%M:%S")
    identifier = str(uuid.uuid4())
    return {
        "id": identifier,
        "name": name,
        "description": described or _description(of, number),
        "locationRef": f"https://swift.test/v1/AUTH_0123456789abcdef/backups/{identifier}.xbstream",
        "instance_id": INSTANCE,
        "created": created,
        "updated": updated,
        "size": 0.25,
        "status": status,
        "parent_id": on,
        "project_id": "0123456789abcdef0123456789abcdef",
        "datastore": {"type": "postgresql", "version": "18.6", "version_id": INSTANCE},
    }


def _description(of: str | None, number: int | None) -> str:
    chain = f"[chain {number}] " if number else ""
    return f"orders, nightly {chain}[schedule {of}]" if of else "by hand"


def ask(**options: Any) -> dict[str, Any]:
    """The input of a schedule with these options."""
    return {"schedule": {"id": SCHEDULE, "pattern": "10 0 * * *", **options}}


def in_berlin(**options: Any) -> dict[str, Any]:
    """The input of a schedule in another zone, with the whole table of its offsets."""
    table = [list(pair) for pair in zones.current("Europe/Berlin", NOW)]
    return ask(timezone="Europe/Berlin", offsets=table, **options)


def chain(*, every: int = 4, **options: Any) -> dict[str, Any]:
    return ask(full_every=every, **options) | {"incremental": True}


def watched(name: str, **options: Any) -> dict[str, Any]:
    """The input of a schedule that pings a URL of its own, which ends with this."""
    return ask(notify_url=f"{WATCHER}/{name}", **options)


def hooked(name: str, on: str = "always", **options: Any) -> dict[str, Any]:
    """The input of a schedule that sends to a webhook of its own, whose URL ends with this."""
    return ask(webhook_url=f"{WATCHER}/{name}", webhook_on=on, **options)


DAY = 1440
SCHEDULED = ask()
#: Chains of four, as they are left after ten runs at one a day.
TEN = [backup(f"{n}", (11 - n) * DAY, on=None if n % 4 == 1 else f"{n - 1}") for n in range(1, 11)]


def ten() -> list[dict[str, Any]]:
    return [each | {"id": str(uuid.uuid4())} for each in TEN]


def numbered(count: int) -> list[dict[str, Any]]:
    """A chain of N, one a day, each of which says which one it is."""
    return [
        backup(f"{n}", (count + 1 - n) * DAY, on=f"{n - 1}" if n > 1 else None, number=n)
        for n in range(1, count + 1)
    ]


def late() -> list[dict[str, Any]]:
    """Backups of an hour, one a day."""
    return [backup(f"{n}", (5 - n) * DAY, took=60) for n in range(1, 5)]


FAILED = ("FAILED", "DELETE_FAILED")
SCENARIOS = {
    "complete": Scenario(SCHEDULED),
    "by_hand": Scenario({"description": None, "parent_id": None}),
    "by_hand_list_recovers": Scenario(
        {"description": None, "parent_id": None}, listed=[(503, "busy"), None]
    ),
    "texts": Scenario(
        SCHEDULED | {"name": "<% env() %> {{ 1 + 1 }} '\" é😀", "description": "<% $.name %> é😀"}
    ),
    "parent": Scenario(SCHEDULED | {"parent_id": PARENT}),
    "old_ones": Scenario(
        SCHEDULED, [backup(each, 9) for each in ("COMPLETED", "FAILED", "DELETE_FAILED")]
    ),
    "new": Scenario(SCHEDULED, [backup("busy", 1, "NEW")]),
    "building": Scenario(SCHEDULED, [backup("busy", 1, "BUILDING"), backup("old", 9)]),
    "saving": Scenario(SCHEDULED, [backup("old", 9), backup("busy", 1, "SAVING", of=None)]),
    "list_recovers": Scenario(SCHEDULED, listed=[(503, "busy"), None]),
    "list_fails": Scenario(SCHEDULED, listed=[(503, "Trove is tired")]),
    "one_vanishes": Scenario(SCHEDULED, [backup("ghost", 9), backup("old", 9)], ghosts=("ghost",)),
    "overtaken": Scenario(SCHEDULED, created=[(422, f"Instance x {BUSY}")]),
    "down": Scenario(SCHEDULED, created=[(422, f"Instance x {DOWN}")]),
    "down_then_up": Scenario(SCHEDULED, created=[(422, f"Instance x {DOWN}"), (202, "NEW")]),
    "quota": Scenario(SCHEDULED, created=[(413, OVER)]),
    "limited": Scenario(SCHEDULED, created=[(413, LIMITED), (202, "NEW")]),
    "no_instance": Scenario(SCHEDULED, created=[(404, GONE)]),
    "forbidden": Scenario(SCHEDULED, created=[(403, "Policy forbids")]),
    "slow": Scenario(SCHEDULED, looks=[LOADED, (200, "SAVING"), (200, "COMPLETED")]),
    "failed": Scenario(SCHEDULED, looks=[LOADED, (200, "BUILDING"), (200, "FAILED")]),
    "explained": Scenario(
        SCHEDULED,
        looks=[LOADED, (200, "FAILED")],
        fault={"message": 'disk "full" <% env() %> é😀', "created": "2026-01-01T00:00:00"},
    ),
    "unexplained": Scenario(
        SCHEDULED, looks=[LOADED, (200, "FAILED")], fault=(404, "No such instance")
    ),
    "deleted": Scenario(SCHEDULED, looks=[LOADED, (200, "BUILDING"), (404, GONE)]),
    "look_recovers": Scenario(SCHEDULED, looks=[LOADED, (500, "tired"), (200, "COMPLETED")]),
    "never_ends": Scenario(SCHEDULED, looks=[LOADED, (200, "SAVING")]),
    "never_seen": Scenario(SCHEDULED, looks=[LOADED, (500, "Trove is tired")]),
    # An answer that was lost
    "lost_and_running": Scenario(
        SCHEDULED,
        [backup("before", DAY)],
        created=[(504, "too slow")],
        unheard=["BUILDING"],
        looks=[(200, "COMPLETED")],
    ),
    "lost_and_sent_again": Scenario(
        SCHEDULED,
        [backup("before", DAY)],
        created=[(422, f"Instance x {BUSY}")],
        unheard=["BUILDING"],
        looks=[(200, "COMPLETED")],
    ),
    "lost_and_done": Scenario(
        SCHEDULED, created=[(504, "too slow")], unheard=["COMPLETED"], looks=[(200, "COMPLETED")]
    ),
    "lost_and_failed": Scenario(
        SCHEDULED, created=[(504, "too slow")], unheard=["FAILED"], looks=[(200, "FAILED")]
    ),
    "overtaken_before": Scenario(
        SCHEDULED, [backup("before", DAY)], created=[(422, f"Instance x {BUSY}")]
    ),
    "find_fails": Scenario(SCHEDULED, listed=[None, (503, "Trove is tired")], created=[(500, "x")]),
    # The schedule's newest backup is not among those that are read
    "refused_amid_many": Scenario(
        SCHEDULED,
        [backup("before", DAY), *(backup(f"o{n}", n, of=OTHER) for n in range(1, 8))],
        created=[(413, LIMITED), (202, "NEW")],
        looks=[LOADED, (200, "COMPLETED")],
    ),
    "lost_amid_many": Scenario(
        SCHEDULED,
        [backup("before", DAY), *(backup(f"o{n}", n, of=OTHER) for n in range(1, 8))],
        created=[(504, "too slow")],
        unheard=["COMPLETED"],
        looks=[(200, "COMPLETED")],
    ),
    "parent_gone_by_hand": Scenario(
        {"description": None, "parent_id": PARENT}, created=[(404, GONE), (202, "NEW")]
    ),
    "overtaken_and_unlisted": Scenario(
        SCHEDULED, created=[(422, f"Instance x {BUSY}")], listed=[None, (413, LIMITED)]
    ),
    "watched_lost_and_failed": Scenario(
        watched("watched_lost_and_failed"),
        created=[(504, "too slow")],
        unheard=["BUILDING"],
        looks=[(200, "FAILED")],
    ),
    # The schedule is changed or deleted meanwhile
    "trust_gone": Scenario(SCHEDULED, looks=[LOADED, (200, "BUILDING"), (404, NO_TRUST)]),
    # python-troveclient's input
    "troveclient": Scenario({"description": None, "incremental": None}),
    "troveclient_incremental": Scenario({"description": "orders", "incremental": True}),
    # Chains
    "chain_first": Scenario(chain()),
    "chain_second": Scenario(chain(), [backup("1", DAY)]),
    "chain_fourth": Scenario(chain(), ten()[:3]),
    "chain_full_again": Scenario(chain(), ten()[:4]),
    "chain_tenth": Scenario(chain(), ten()[:9]),
    "chain_endless": Scenario(ask() | {"incremental": True}, ten()[:4]),
    "chain_of_one": Scenario(chain(every=1), [backup("1", DAY)]),
    "chain_foreign": Scenario(
        chain(),
        [backup("1", 9), backup("hand", 2, on="1", of=None), backup("other", 1, of=OTHER)],
    ),
    "chain_only_foreign": Scenario(chain(), [backup("h", 2, of=None), backup("o", 1, of=OTHER)]),
    "chain_on_foreign": Scenario(chain(), [backup("h", 9, of=None), backup("1", 5, on="h")]),
    "chain_newest_failed": Scenario(
        chain(), [backup("1", 9), *(backup(each, 2, each, on="1") for each in FAILED)]
    ),
    "chain_root_failed": Scenario(
        chain(), [backup("1", 9, "DELETE_FAILED"), backup("2", 2, on="1")]
    ),
    "chain_parent_gone": Scenario(chain(), [backup("1", DAY)], created=[(404, GONE), (202, "NEW")]),
    "chain_instance_gone": Scenario(chain(), [backup("1", DAY)], created=[(404, GONE)]),
    "chain_refused": Scenario(chain(), [backup("1", DAY)], refuses_parents=True),
    "chain_amid_many": Scenario(
        chain(), [backup("1", DAY), *(backup(f"h{n}", n, of=None) for n in range(1, 50))]
    ),
    "chain_cut_short": Scenario(
        chain(),
        [
            *(backup(f"{n}", (4 - n) * DAY, on=f"{n - 1}" if n > 1 else None) for n in range(1, 4)),
            *(backup(f"h{n}", 2 * DAY - n, of=None) for n in range(1, 240)),
        ],
    ),
    "chain_numbered": Scenario(chain(every=50), numbered(40)),
    "chain_numbered_full": Scenario(chain(every=40), numbered(40)),
    "chain_numbered_endless": Scenario(ask() | {"incremental": True}, numbered(40)),
    "chain_numbered_broken": Scenario(
        chain(every=50),
        [backup("1", 9, "DELETE_FAILED"), backup("2", 2, on="1", number=2)],
    ),
    "chain_described": Scenario(
        chain(every=50) | {"description": "d" * 200}, [backup("1", DAY, number=1)]
    ),
    # Guard ticks and deadlines: it is 00:10 but for two seconds
    "guard_done": Scenario(ask(due=[5]), [backup("mine", 4)]),
    "guard_running": Scenario(ask(due=[5]), [backup("mine", 4, "BUILDING")]),
    "guard_failed": Scenario(ask(due=[5]), [backup("mine", 4, "FAILED")]),
    "guard_before": Scenario(ask(due=[5]), [backup("mine", 6)]),
    "guard_others": Scenario(
        ask(due=[5]), [backup("hand", 4, of=None), backup("other", 3, of=OTHER)]
    ),
    "guard_tick_was_early": Scenario(ask(due=[5]), [backup("mine", 5)]),
    "guard_midnight_done": Scenario(ask(due=[720, 1435]), [backup("mine", 14)]),
    "guard_midnight": Scenario(ask(due=[720, 1435]), [backup("mine", 16)]),
    "tick_early": Scenario(ask(due=[10, 720]), [backup("mine", 4)]),
    "tick_early_done": Scenario(ask(due=[10, 720]), [backup("mine", 0)]),
    "deadline_in_time": Scenario(ask(due=[5], deadline=5)),
    "deadline_late": Scenario(ask(due=[5], deadline=3)),
    "deadline_midnight": Scenario(ask(due=[720, 1435], deadline=14)),
    "deadline_midnight_in_time": Scenario(ask(due=[720, 1435], deadline=15)),
    "deadline_done": Scenario(ask(due=[5], deadline=3), [backup("mine", 4)]),
    "guard_amid_many": Scenario(
        ask(due=[5]), [backup("mine", 4), *(backup(f"o{n}", 3, of=OTHER) for n in range(20))]
    ),
    "deadline_amid_others": Scenario(
        ask(due=[5], deadline=3), [backup("mine", 4), backup("other", 1, of=OTHER)]
    ),
    # In Berlin it is ten past one; a firing that the trigger makes for the summer's sake
    "zone_done": Scenario(in_berlin(due=[65]), [backup("mine", 4)]),
    "zone_due": Scenario(in_berlin(due=[65]), [backup("mine", 6)]),
    "zone_not_due": Scenario(in_berlin(due=[125]), [backup("mine", 22 * 60)]),
    "zone_missed": Scenario(in_berlin(due=[125]), [backup("mine", 24 * 60)]),
    "zone_by_hand": Scenario(in_berlin(due=[65], manual=True), [backup("mine", 4)]),
    "guard_unlisted": Scenario(ask(due=[5], retry_every=5), listed=[(413, LIMITED)]),
    "guard_unlisted_watched": Scenario(
        watched("guard_unlisted_watched", due=[5], retry_every=5), listed=[(413, LIMITED)]
    ),
    "first_unlisted_watched": Scenario(
        watched("first_unlisted_watched", due=[10], retry_every=5), listed=[(413, LIMITED)]
    ),
    "not_owed": Scenario(ask(due=[5], owed_since="2026-01-02T00:07:20+00:00")),
    "owed": Scenario(ask(due=[10], owed_since="2026-01-02T00:07:20+00:00")),
    "manual_not_owed": Scenario(ask(due=[5], owed_since="2026-01-02T00:07:20+00:00", manual=True)),
    "manual_done": Scenario(ask(due=[5], manual=True), [backup("mine", 4)]),
    "manual_late": Scenario(ask(due=[5], deadline=3, manual=True)),
    "manual_running": Scenario(ask(manual=True), [backup("busy", 4, "SAVING")]),
    # Pings
    "watched": Scenario(watched("watched")),
    "watched_otherwise": Scenario(
        watched("watched_otherwise", notify_start="-", notify_success="?status=up&msg=é")
    ),
    "watched_fails": Scenario(watched("watched_fails"), looks=[LOADED, (200, "FAILED")]),
    "watched_fails_otherwise": Scenario(
        watched("watched_fails_otherwise", notify_fail="?status=down"),
        looks=[LOADED, (200, "FAILED")],
    ),
    "watched_fails_unsaid": Scenario(
        watched("watched_fails_unsaid", notify_fail="-"), looks=[LOADED, (200, "FAILED")]
    ),
    "watched_refused": Scenario(watched("watched_refused"), created=[(413, OVER)]),
    "watched_down": Scenario(watched("watched_down"), created=[(422, f"Instance x {DOWN}")]),
    "watched_down_then_up": Scenario(
        watched("watched_down_then_up"), created=[(422, f"Instance x {DOWN}"), (202, "NEW")]
    ),
    "watched_deleted": Scenario(
        watched("watched_deleted"), looks=[LOADED, (200, "BUILDING"), (404, GONE)]
    ),
    "watched_unlisted": Scenario(watched("watched_unlisted"), listed=[(503, "tired")]),
    "watched_running": Scenario(watched("watched_running"), [backup("busy", 1, "BUILDING")]),
    "watched_overtaken": Scenario(
        watched("watched_overtaken"), created=[(422, f"Instance x {BUSY}")]
    ),
    "watched_done": Scenario(watched("watched_done", due=[5]), [backup("mine", 4)]),
    "watched_late": Scenario(watched("watched_late", due=[5], deadline=3)),
    "watched_never_ends": Scenario(watched("watched_never_ends"), looks=[LOADED, (200, "SAVING")]),
    "watched_tidies": Scenario(
        watched("watched_tidies", keep_last=1), [backup("1", 9), backup("2", 5)]
    ),
    # Whoever is pinged can't harm a run
    "ping_refused": Scenario(watched("ping_refused", keep_last=1), [backup("1", 9)]),
    "ping_unheard": Scenario(watched("ping_unheard")),
    "ping_hangs": Scenario(watched("ping_hangs")),
    "ping_hangs_and_fails": Scenario(
        watched("ping_hangs_and_fails"), looks=[LOADED, (200, "FAILED")]
    ),
    "ping_forbidden": Scenario(ask(notify_url="http://127.0.0.1/watched/ping_forbidden")),
    # Whoever is sent what became of a run can't harm it either
    "hook": Scenario(hooked("hook", keep_last=1), [backup("1", 9)]),
    "hook_slack": Scenario(hooked("hook_slack", webhook_format="slack")),
    "hook_alerts": Scenario(
        hooked("hook_alerts", webhook_format="alertmanager"), created=[(413, OVER)]
    ),
    "hook_resolves": Scenario(hooked("hook_resolves", webhook_format="alertmanager")),
    "hook_fails": Scenario(hooked("hook_fails"), looks=[LOADED, (200, "FAILED")]),
    "hook_late": Scenario(hooked("hook_late", due=[5], deadline=3)),
    "hook_on_success": Scenario(hooked("hook_on_success", "success"), created=[(413, OVER)]),
    "hook_on_failure": Scenario(hooked("hook_on_failure", "failure")),
    **{
        f"hook_{answer}": Scenario(
            hooked(f"hook_{answer}", keep_last=1), [backup("1", 9), backup("2", 5)]
        )
        for answer in ("refused", "unheard", "hangs", "large", "large_refused", "redirected")
    },
    **{
        f"hook_{receiver}": Scenario(
            ask(
                webhook_url=f"{TLS_WATCHER}/hook_{receiver}",
                webhook_on="always",
                keep_last=1,
            ),
            [backup("1", 9), backup("2", 5)],
        )
        for receiver in ("tls", "tls_untrusted")
    },
    "hook_forbidden": Scenario(
        ask(webhook_url="http://127.0.0.1/hook_forbidden", webhook_on="always", keep_last=1),
        [backup("1", 9), backup("2", 5)],
    ),
    # Retention
    "keep_nothing_said": Scenario(chain(), ten()),
    "stored": Scenario(ask(swift_container="orders", storage_driver="swift")),
    "stored_again": Scenario(ask(swift_container="orders"), created=[(413, LIMITED), (202, "NEW")]),
    "keep_last_1": Scenario(ask(keep_last=1), [backup("1", 9), backup("2", 5)]),
    "keep_last_3": Scenario(ask(keep_last=3), [backup("1", 9), backup("2", 5), backup("3", 2)]),
    "keep_last_5": Scenario(ask(keep_last=5), [backup("1", 9)]),
    "keep_days": Scenario(
        ask(keep_days=2), [backup("1", 9 * DAY), backup("2", 2 * DAY + 1), backup("3", 2 * DAY - 1)]
    ),
    "keep_both": Scenario(
        ask(keep_days=2, keep_last=4), [backup(f"{n}", (7 - n) * DAY) for n in range(1, 7)]
    ),
    "keep_days_more": Scenario(
        ask(keep_days=4, keep_last=2), [backup(f"{n}", (7 - n) * DAY - 9) for n in range(1, 7)]
    ),
    # It is ten past midnight, and an hour more in the schedule's zone.
    "keep_periods": Scenario(
        ask(keep_daily=2, keep_monthly=2, offsets=[[0, 3600]]),
        [
            backup("1", 9 * DAY),
            backup("2", 2 * DAY),
            backup("3", 1.5 * DAY),
            backup("4", 30),
            backup("5", 5),
        ],
    ),
    "keep_chains": Scenario(chain(keep_last=2), ten()),
    "keep_chain_of_ends": Scenario(chain(keep_last=3), ten()[:8]),
    "keep_parent_of_foreign": Scenario(
        ask(keep_last=1),
        [backup("1", 9), backup("2", 8, on="1"), backup("hand", 7, on="1", of=None)],
    ),
    "keep_others": Scenario(
        ask(keep_last=1),
        [
            backup("hand", 9, of=None),
            backup("other", 8, of=OTHER),
            backup("bad", 7, "FAILED", of=OTHER),
        ],
    ),
    "purge_failed": Scenario(
        ask(keep_last=9),
        [backup("good", 9), *(backup(each, 8, each, on="good") for each in FAILED)],
    ),
    "purge_failed_parent": Scenario(
        ask(keep_last=9),
        [
            backup("bad", 9, "FAILED"),
            backup("hand", 8, on="bad", of=None),
            backup("b2", 7, "FAILED"),
        ],
    ),
    "restored_stays": Scenario(ask(keep_last=1), [backup("1", 9, "RESTORED"), backup("2", 8)]),
    "delete_fails": Scenario(
        ask(keep_last=1),
        [backup("1", 9), backup("2", 8), backup("3", 7)],
        undeletable=("2",),
    ),
    "delete_was_quicker": Scenario(
        ask(keep_last=1), [backup("1", 9), backup("2", 8)], quicker=("1", "2")
    ),
    "delete_without_trust": Scenario(
        ask(keep_last=1), [backup("1", 9), backup("2", 8)], quicker=("1", "2"), gone=NO_TRUST
    ),
    "keep_parent": Scenario(
        ask(keep_last=2) | {"parent_id": "b0"},
        [backup("b0", 5), backup("b1", 4), backup("b2", 3), backup("b3", 2)],
    ),
    "keep_pinned": Scenario(
        ask(keep_last=1, pinned=["2", "gone"]),
        [backup("1", 9), backup("2", 8, on="1"), backup("3", 7)],
    ),
    "keep_drilled": Scenario(
        ask(keep_last=1),
        [backup(f"{n}", age) for n, age in enumerate([200, 100, 50, 20], start=1)],
        project=DRILLING,
    ),
    **{
        f"keep_while_{project}": Scenario(
            ask(keep_last=1), [backup("1", 9), backup("2", 8)], project=project
        )
        for project in (RESTORING, RESTORING_OTHERS, RESTORED)
    },
    "tidy_recovers": Scenario(ask(keep_last=1), [backup("1", 9)], listed=[None, (413, "x"), None]),
    "tidy_fails": Scenario(ask(keep_last=1), [backup("1", 9)], listed=[None, (413, "slow down")]),
    "tidy_many": Scenario(
        ask(keep_last=1),
        [backup(f"{n}", n, of=None if n % 90 else SCHEDULE) for n in range(1, 199)],
    ),
    "tidy_too_many": Scenario(
        ask(keep_last=1),
        [backup(f"{n}", n, of=None if n % 90 else SCHEDULE) for n in range(1, 200)],
    ),
    # What a run before this one did not see the end of, it did not tidy after
    "late_tidy": Scenario(ask(keep_last=2), late()),
    "late_tidy_watched": Scenario(watched("late_tidy_watched", keep_last=2), late()),
    "late_tidy_again": Scenario(ask(keep_last=2), late(), looks=[LOADED, (200, "SAVING")]),
    "late_tidy_of_chain": Scenario(
        chain(keep_last=1),
        [*ten()[:8], backup("9", DAY, took=60), backup("10", 90, on="9", took=60)],
    ),
    "late_tidy_nothing": Scenario(
        ask(keep_last=2), [backup("1", DAY, took=60)], looks=[LOADED, (200, "SAVING")]
    ),
    "late_tidy_delete_fails": Scenario(
        ask(keep_last=2), late(), looks=[LOADED, (200, "SAVING")], undeletable=("1",)
    ),
    "late_tidy_list_fails": Scenario(
        ask(keep_last=2),
        late(),
        listed=[None, (503, "tired")],
        looks=[LOADED, (200, "SAVING")],
    ),
    "late_tidy_not_after_a_failure": Scenario(
        ask(keep_last=2),
        [*late(), backup("5", 90, "FAILED", took=60)],
        looks=[LOADED, (200, "SAVING")],
    ),
    "late_tidy_beside_others": Scenario(
        ask(keep_last=1),
        [backup("1", 9 * DAY), backup("2", DAY), backup("hand", 90, of=None, took=60)],
        looks=[LOADED, (200, "SAVING")],
    ),
    "late_tidy_unasked": Scenario(SCHEDULED, late(), looks=[LOADED, (200, "SAVING")]),
    "no_backup_no_tidy": Scenario(
        ask(keep_last=1), [backup("1", 9), backup("2", 8)], looks=[LOADED, (200, "FAILED")]
    ),
}
#: The days on which the clock of a zone is put forward, and back.
CHANGES = {
    (zone, day): Scenario(project=f"{zone} {day}")
    for zone, days in {
        "Europe/Berlin": ("2026-03-29", "2026-10-25"),
        "America/St_Johns": ("2026-03-08", "2026-11-01"),
    }.items()
    for day in days
}
BY_INSTANCE = {each.instance: each for each in [*SCENARIOS.values(), *CHANGES.values()]}


def next_of(answers: list[Any]) -> Any:
    return answers.pop(0) if len(answers) > 1 else answers[0]


def fault(context: Any, status: int, message: str) -> dict[str, Any]:
    context.status_code = status
    context.headers["Content-Type"] = "application/json"
    return {"someFault": {"code": status, "message": message}}


def ping(method: str, url: str, **given: Any) -> requests.Response:
    """In the place of requests.request, where std.http calls it: what the pinged one answers.

    Not at the wire, because requests-mock lets nobody else ask while an answer hangs.
    """
    assert given["timeout"] == 10
    if url.startswith(TLS_WATCHER):
        real = RECEIVERS[url.removeprefix(f"{TLS_WATCHER}/")]
        return requests.request(method, real, **given)
    name, slash, rest = url.removeprefix(f"{WATCHER}/").partition("/")
    name, question, query = name.partition("?")
    if method == "POST":
        SCENARIOS[name].sent.append(given["json"])
    else:
        SCENARIOS[name].pings.append(f"{method} {slash}{rest}{question}{query}")
    if name.endswith("_unheard"):
        raise requests.ConnectionError("no route to host")
    if name.startswith(("ping_hangs", "hook_hangs")):
        time.sleep(HANGING)
    answer = requests.Response()
    answer.url = url
    answer.status_code = 500 if name.endswith("_refused") else 200
    if name == "hook_redirected":
        answer.status_code, answer.headers["Location"] = 302, f"{WATCHER}/elsewhere"
    # More than Mistral takes as a result.
    answer._content = b"x" * 2_200_000 if name.startswith("hook_large") else b""
    return answer


def trove(request: Any, context: Any) -> dict[str, Any]:
    address = urlsplit(request.url)
    context.headers["Content-Type"] = "application/json"
    if request.method == "POST":
        return create(BY_INSTANCE[request.json()["backup"]["instance"]], request, context)
    instance = address.path.partition("/instances/")[2]
    if instance:
        cause = BY_INSTANCE[instance].fault
        if isinstance(cause, tuple):
            return fault(context, *cause)
        shown = {"id": instance, "name": "m"} | ({"fault": cause} if cause else {})
        return {"instance": shown}
    identifier = address.path.partition("/backups/")[2]
    if identifier:
        scenario = next(each for each in BY_INSTANCE.values() if identifier in each.names)
        scenario.requests += 1
        if request.method == "DELETE":
            return delete(scenario, identifier, context)
        return look(scenario, identifier, context)
    query = parse_qs(address.query)
    scenario = BY_INSTANCE[query["instance_id"][0]]
    scenario.requests += 1
    answer = next_of(scenario.listed)
    if answer is not None:
        return fault(context, *answer)
    # Trove's order, see test_trove.py.
    rows = sorted(scenario.backups, key=lambda row: row["updated"], reverse=True)
    first = int(query.get("marker", ["0"])[0])
    return {"backups": rows[first : first + int(query["limit"][0])]}


def create(scenario: Scenario, request: Any, context: Any) -> dict[str, Any]:
    body = request.json()["backup"]
    scenario.requests += 1
    scenario.bodies.append(body)
    status, text = next_of(scenario.created)
    if status != 202:
        if scenario.unheard:
            scenario.make(body, scenario.unheard.pop())
        return fault(context, status, text)
    context.status_code = status
    return {"backup": scenario.make(body, text)}


def look(scenario: Scenario, identifier: str, context: Any) -> dict[str, Any]:
    name = scenario.names[identifier]
    found = scenario.find(identifier)
    if name in scenario.ghosts:
        scenario.delete(identifier)
        found = None
    if found is None:
        return fault(context, 404, GONE)
    if name == "new":
        status, text = next_of(scenario.looks)
        if status != 200:
            return fault(context, status, text)
        found["status"] = text
    return {"backup": found}


def delete(scenario: Scenario, identifier: str, context: Any) -> dict[str, Any]:
    name = scenario.names[identifier]
    scenario.deletes.append(name)
    if name in scenario.undeletable:
        return fault(context, 500, "Storage is down")
    scenario.delete(identifier)
    if name in scenario.quicker:
        return fault(context, 404, scenario.gone)
    context.status_code = 202
    return {}


def hurried() -> str:
    """The workbook with short waits, in both workflows."""
    text = workbook.text()
    for there, here in (
        ("random(20, 80)", "1"),
        ("random(1, 20)", "1"),
        ("random(60, 300)", "1"),
        ("[1500,", "[1,"),
        ("min(60, 1 + int(now().timestamp - $.asked))", "2"),
        ("count: 5", "count: 1"),
        ("task().result.len() / 2", "0"),
        ("min($pace, $left)", "min(1, $left)"),
        ("delay: 60", "delay: 1"),
        ("delay: 45", "delay: 1"),
        ("delay: 30", "delay: 1"),
        ("delay: 15", "delay: 1"),
        ("delay: 5", "delay: 1"),
        ("count: 10", "count: 2"),
        ("timeout: 30\n", "timeout: 3\n"),
        # A backup that is SAVING at the second look never ends, and one of which two looks fail is
        # lost. Others are never late, however slow this machine is.
        (
            "now().timestamp < $.until => open",
            "task().result.status != SAVING or $.state = null => open",
        ),
        ("now().timestamp < $.until and not", "$.said = null and not"),
        ("2400", "3"),
    ):
        assert there in text, there
        text = text.replace(there, here)
    return text


def start_engine(directory: Path) -> None:
    """Mistral's engine and executor in this process, on a database in memory.

    It has none of Mistral's own workflows and actions of several steps: the workbook uses none.
    """
    file = directory / "mistral.conf"
    file.write_text(CONFIGURATION)
    config.parse_args(args=["--config-file", str(file)])
    keep_queries()
    db_api.setup_db()
    workbook_schemas.remember()
    security.delete_trust = lambda trust_id=None: None
    endpoint = SimpleNamespace(url="http://trove.test/v1.0/%(tenant_id)s", region="RegionOne")
    openstack_actions.OpenStackAction.get_service_endpoint = lambda self: endpoint
    date_time.DATETIME_TYPE = Clock
    std_actions.requests = SimpleNamespace(request=ping)
    rpc.get_transport()
    engine_server.get_oslo_service().start()


def main(directory: Path) -> None:
    start_engine(directory)
    with (
        requests_mock.Mocker() as mock,
        tls_receiver(directory) as trusted,
        tls_receiver(directory) as untrusted,
    ):
        mock.register_uri(requests_mock.ANY, requests_mock.ANY, json=trove)
        for name, receiver in (("hook_tls", trusted), ("hook_tls_untrusted", untrusted)):
            SCENARIOS[name].sent = receiver.sent
            RECEIVERS[name] = receiver.url
            mock.register_uri("POST", receiver.url, real_http=True)
        # What an operator does to have the executors trust a certificate.
        os.environ["REQUESTS_CA_BUNDLE"] = str(trusted.certificate)
        act_for("p")
        # The table of a zone's offsets begins in the year of the runs.
        clock.now = lambda: NOW
        workbooks.create_workbook_v2(hurried(), scope="public")
        drill()
        hold(RESTORING, SCHEDULE)
        hold(RESTORING_OTHERS, OTHER)
        hold(RESTORED, SCHEDULE, timedelta(hours=6, minutes=1))
        started = {name: start(each) for name, each in SCENARIOS.items()}
        with ThreadPoolExecutor(len(CHANGES)) as beside:
            changes = beside.map(over_a_change, *zip(*CHANGES, strict=True), CHANGES.values())
            told = {name: ended(name, SCENARIOS[name], each) for name, each in started.items()}
            for (zone, _), days in zip(CHANGES, changes, strict=True):
                found = told.setdefault(zone, {"fired": [], "made": []})
                found |= {key: found[key] + days[key] for key in found}
        print(json.dumps(told))  # noqa: T201
    sys.stdout.flush()
    os._exit(0)


def act_for(project: str) -> None:
    """Let what follows be asked of Mistral by a project."""
    context.set_ctx(context.MistralContext(project_id=project, user_id="u", auth_token="t"))


def start(scenario: Scenario) -> str:
    """Start a run; the id of its execution."""
    act_for(scenario.project)
    given = {"instance": scenario.instance, "name": "nightly"} | scenario.given
    started = rpc_clients.get_engine_client().start_workflow(
        workbook.WORKFLOW, "", None, given, description=""
    )
    return str(started["id"])


def over_a_change(zone: str, day: str, scenario: Scenario) -> dict[str, list[str]]:
    """Fire a schedule as its trigger does, one firing after the other, on two days.

    :returns: when there was a firing, and when a backup was made, in UTC.
    """
    plan = Plan("30 2 * * *", "nightly", timezone=zone)
    begin = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    given = plan.workflow_input("", SCHEDULE, {"owed_since": begin.isoformat()})
    scenario.given = {"schedule": given["schedule"]}
    fired, made = [], []
    times = croniter.croniter(plan.trigger_pattern(), begin - timedelta(seconds=1))
    while (firing := times.get_next(datetime)) < begin + timedelta(days=2):
        # Mistral may be two seconds early.
        scenario.now = firing - timedelta(seconds=2)
        Clock.turn(scenario.project, scenario.now)
        before = len(scenario.bodies)
        run = ended(scenario.project, scenario, start(scenario))
        assert run["state"] == "SUCCESS", run
        fired.append(f"{firing:%m-%d %H:%M}")
        made += [fired[-1]] * (len(scenario.bodies) - before)
    return {"fired": fired, "made": made}


def drill() -> None:
    """A drill in progress, that only the database knows of."""
    act_for(DRILLING)
    with db_api.transaction():
        db_api.create_workflow_execution(
            {
                "name": workbook.DRILL,
                "workflow_name": workbook.DRILL,
                "state": "RUNNING",
                "input": {"instance": INSTANCE, "schedule": {"id": OTHER}},
                "spec": {},
                "context": {},
                "params": {},
                "created_at": (NOW - timedelta(minutes=6)).replace(tzinfo=None),
            }
        )


def hold(project: str, schedule: str, age: timedelta | None = None) -> None:
    """A restore of a schedule's backup, as the client notes it."""
    act_for(project)
    note = json.dumps(
        {
            "description": "Started by hand.",
            "triggered_by": {"type": "manual", "id": schedule},
        }
    )
    started = rpc_clients.get_engine_client().start_workflow(
        workbook.HOLD, "", None, {"schedule": {"id": schedule}}, description=note
    )
    while True:
        with db_api.transaction():
            found = db_api.get_workflow_execution(started["id"])
            if found.state == "PAUSED":
                if age is not None:
                    found.created_at = (NOW - age).replace(tzinfo=None)
                return
        if time.monotonic() > STARTED + DEADLINE:
            sys.exit(f"the hold is {found.state}: {found.state_info}")
        time.sleep(0.1)


def ended(name: str, scenario: Scenario, execution_id: str) -> dict[str, Any]:
    """Wait for the end of a scenario's execution."""
    act_for(scenario.project)
    while True:
        with db_api.transaction(read_only=True):
            found = db_api.get_workflow_execution(execution_id)
            if found.state in ("SUCCESS", "ERROR"):
                return told(scenario, found)
            if time.monotonic() > STARTED + DEADLINE:
                print(  # noqa: T201
                    f"{name} is {found.state} after {DEADLINE} s: {found.state_info}",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(1)
        time.sleep(0.1)


def told(scenario: Scenario, execution: Any) -> dict[str, Any]:
    """What came of a scenario; backups are called by their names."""
    return {
        "state": execution.state,
        "info": execution.state_info,
        "output": execution.output,
        "instance": scenario.instance,
        "names": scenario.names,
        "bodies": scenario.bodies,
        "parents": [scenario.names.get(each.get("parent_id")) for each in scenario.bodies],
        "deletes": scenario.deletes,
        "pings": scenario.pings,
        "sent": scenario.sent,
        "left": sorted(each["name"] for each in scenario.backups),
        "requests": scenario.requests,
        "kept": kept(execution),
        "left_behind": left_behind(execution.id),
    }


def kept(execution: Any) -> dict[str, int]:
    """The bytes that Mistral's database keeps of each task, its actions included."""
    sizes: dict[str, int] = {}
    for task in execution.task_executions:
        actions = [len(json.dumps(each.output)) for each in task.action_executions]
        size = len(json.dumps([task.in_context, task.published, task.runtime_context]))
        sizes[task.name] = max(sizes.get(task.name, 0), size + sum(actions))
    return sizes


@base.session_aware()
def left_behind(execution_id: str, session: Any = None) -> int:
    """The bytes that Mistral's database keeps of an execution and all that belongs to it."""
    total, executions = 0, [execution_id]
    while executions:
        here = ",".join(f"'{each}'" for each in executions)
        tasks = f"select id from task_executions_v2 where workflow_execution_id in ({here})"
        for table, which in (
            ("workflow_executions_v2", f"id in ({here})"),
            ("task_executions_v2", f"workflow_execution_id in ({here})"),
            ("action_executions_v2", f"task_execution_id in ({tasks})"),
        ):
            rows = session.execute(sqlalchemy.text(f"select * from {table} where {which}"))
            total += sum(len(str(value)) for row in rows for value in row if value is not None)
        below = f"select id from workflow_executions_v2 where task_execution_id in ({tasks})"
        executions = list(session.execute(sqlalchemy.text(below)).scalars())
    return total


if __name__ == "__main__":
    main(Path(sys.argv[1]))
