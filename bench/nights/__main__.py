# SPDX-License-Identifier: Apache-2.0
"""Nights of a machine with a fault in each, and a table of what every morning showed.

Every night at 02:00 both databases are due. The clock of all services is moved there, one fault is
made, and Mistral fires. After the attempts every process gets a SIGKILL, and the machine starts
anew. In the morning health has to say what the list of faults says, a due time without a backup
must not pass for a good one, and the newest backup of each database is restored and its rows
compared; after the last night that is done with all that are kept. Backups go to a folder on the
machine's small disk in the first half, and to S3 in the second one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import prettytable

from bench.clock import own_clock
from bench.firings import EARLY
from bench.nights.faults import IN_S3, ON_DISK, Fault, States
from bench.nights.machine import DATASTORES, RETRY_EVERY, Machine, machine
from bench.report import RESULTS, end_when_told, machine as this_machine
from trove_minicloud.errors import MiniCloudError

NIGHTS = 14
_EVENING = timedelta(minutes=5)
_LAST_ATTEMPT = timedelta(minutes=50)
_MORNING = timedelta(hours=4)


@dataclass
class Night:
    """What one morning showed.

    :ivar states: what health said of each schedule, by the instance's name.
    :ivar kept: how many backups of each there are.
    :ivar restored: how many of them were restored, with their rows as they have to be.
    :ivar wrong: what was not as it has to be.
    """

    number: int
    store: str
    fault: str
    states: dict[str, str] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    restored: int = 0
    wrong: list[str] = field(default_factory=list)


class Nights:
    """One after the other, from the first due time on."""

    def __init__(self, tried: Machine, faults: Sequence[tuple[str, Fault]]) -> None:
        self._tried, self._faults = tried, faults
        self._first = tried.first_due

    def run(self) -> Iterator[Night]:
        if self._faults and self._faults[0][0] == "S3":
            self._tried.reboot(to_s3=True)
        for number, (store, fault) in enumerate(self._faults, 1):
            following = self._faults[number][0] if number < len(self._faults) else store
            night = Night(number, store, fault.name)
            print(f"night {number}: {fault.name}", file=sys.stderr, flush=True)
            try:
                self._spend(night, fault, moves=following != store)
            except (AssertionError, LookupError, MiniCloudError, RuntimeError) as error:
                night.wrong.append(f"{type(error).__name__}: {error}")
                self._tried.recover(to_s3=following == "S3")
            yield night

    def _spend(self, night: Night, fault: Fault, *, moves: bool) -> None:
        tried = self._tried
        due = tried.due = self._first + timedelta(days=night.number - 1)
        tried.at(due - _EVENING)
        tried.wait_until_whole()
        tried.add_row(night.number)
        with ExitStack() as till_morning:
            with ExitStack() as till_over:
                if fault.span != "morning":
                    stack = till_over if fault.span == "due" else till_morning
                    stack.enter_context(fault.breaking(tried))
                tried.fire(due, due + RETRY_EVERY - timedelta(minutes=1), fault.most)
            for attempt in (1, 2):
                # What takes seconds to come back has 20 minutes for it.
                if fault.span == "night":
                    tried.wait_until_ready()
                else:
                    tried.wait_until_whole()
                at = due + attempt * RETRY_EVERY
                tried.fire(at, at + RETRY_EVERY - timedelta(minutes=1))
            tried.at(due + _LAST_ATTEMPT)
            if fault.span == "morning":
                till_morning.enter_context(fault.breaking(tried))
            tried.reboot(to_s3=moves)
            tried.at(due + _MORNING)
            self._judge(night, fault, due)
        self._restore(night, all_of_them=night.number == len(self._faults))

    def _judge(self, night: Night, fault: Fault, due: datetime) -> None:
        """What health says, beside what it has to say and what there is."""
        seen = {each.schedule_id: each for each in self._tried.schedules.schedule_health()}
        expected: dict[str, States] = {"orders": fault.orders, "shop": fault.shop}
        for name, states in expected.items():
            health = seen[self._tried.made[name].id]
            night.states[name] = str(health.state)
            print(f"  {name}: {health.state}, {health.reason}", file=sys.stderr, flush=True)
            if health.state not in states:
                right = " or ".join(sorted(map(str, states)))
                night.wrong.append(f"{name} is {health.state}, not {right}: {health.reason}")
            if not health.state.exit_status and not self._served(name, due):
                night.wrong.append(f"{name} has no backup of this night, and is {health.state}")

    def _served(self, name: str, due: datetime) -> bool:
        return any(_created(each) >= due - EARLY for each in self._tried.backups(name))

    def _restore(self, night: Night, *, all_of_them: bool) -> None:
        for name in DATASTORES:
            kept = self._tried.backups(name)
            night.kept[name] = len(kept)
            for backup in kept if all_of_them else kept[:1]:
                try:
                    rows = self._tried.restored(backup["id"])
                except MiniCloudError as error:
                    night.wrong.append(f"backup {backup['id']} of {name}: {error}")
                    continue
                last = (_created(backup) + EARLY - self._first) // timedelta(days=1) + 1
                if rows == list(range(1, last + 1)):
                    night.restored += 1
                else:
                    night.wrong.append(
                        f"backup {backup['id']} of {name} is of night {last}, and holds {rows}"
                    )


def _created(backup: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(backup["created"]).replace(tzinfo=UTC)


def chosen(nights: int, only: str = "") -> list[tuple[str, Fault]]:
    """Where the backups of each night go, and its fault.

    :param only: of the faults, those whose names hold this.
    """
    first = nights - nights // 2
    on_disk = [each for each in ON_DISK if only in each.name][:first]
    in_s3 = [each for each in IN_S3 if only in each.name][: nights // 2]
    return [("folder", each) for each in on_disk] + [("S3", each) for each in in_s3]


def run(nights: int = NIGHTS, only: str = "") -> Iterator[Night]:
    with own_clock() as clock, machine(clock) as tried:
        yield from Nights(tried, chosen(nights, only)).run()


def table(nights: Sequence[Night]) -> str:
    shown = prettytable.PrettyTable(
        ["night", "store", "fault", *DATASTORES, "kept", "restored", "wrong"]
    )
    shown.set_style(prettytable.TableStyle.MARKDOWN)
    shown.align = "l"
    for night in nights:
        shown.add_row(
            [night.number, night.store, night.fault,
             *(night.states.get(name, "?") for name in DATASTORES),
             " + ".join(str(night.kept.get(name, "?")) for name in DATASTORES),
             night.restored, len(night.wrong)]
        )  # fmt: skip
    return shown.get_string()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    most = len(ON_DISK) + len(IN_S3)
    parser.add_argument(
        "--nights", type=int, choices=range(1, most + 1), default=NIGHTS, metavar="N",
        help=f"how many, {NIGHTS} by default and {most} for every fault",
    )  # fmt: skip
    parser.add_argument("--only", default="", metavar="TEXT", help="faults whose names hold it")
    arguments = parser.parse_args()
    end_when_told()
    before, nights = this_machine(), []
    for night in run(arguments.nights, arguments.only):
        nights.append(night)
        print(f"  {json.dumps(asdict(night))}", file=sys.stderr, flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"machine": before, "load_after": os.getloadavg(), "nights": [*map(asdict, nights)]}
    Path(RESULTS, "nights.json").write_text(json.dumps(content, indent=2) + "\n")
    print(table(nights))
    whole = len(nights) == len(chosen(arguments.nights, arguments.only))
    return 0 if whole and not any(night.wrong for night in nights) else 1


if __name__ == "__main__":
    sys.exit(main())
