# SPDX-License-Identifier: Apache-2.0
"""Which of its backups a schedule no longer keeps: the workbook's rules, for doing it by hand.

Trove deletes whatever builds on a deleted backup with it, so nothing may go that something else
still needs: a backup of a user, of another schedule, one that runs, or one that is kept. A parent
of a schedule is needed before it has a child, and what a drill reads while it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trove_schedules.clients.trove import Backup
from trove_schedules.runs.execution import LONGEST_RUN
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.periods import PERIODS, Period
from trove_schedules.schedules.zones import Offsets, local
from trove_schedules.words import counted

#: What may be deleted: backups that have ended, and are nothing that somebody brought in.
_ENDED = ("COMPLETED", "FAILED", "DELETE_FAILED")


@dataclass(frozen=True, slots=True)
class Keeper:
    """What keeps a backup.

    :ivar name: a rule as on the command line, with its number (``keep-daily 7``), or ``newest``,
        ``chain``, ``parent``, ``pin``, ``drill``, ``restore`` or ``status``.
    :ivar reason: the same in words.
    """

    name: str
    reason: str


#: No backup that something else needs.
NOTHING: Mapping[str, Keeper] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a schedule's backup, and why.

    :ivar expired: whether it goes.
    :ivar goes_with: the id of the expired backup that it builds on, with which Trove deletes it;
        None where it has to be deleted by itself, and for what is kept.
    :ivar kept_by: everything that keeps it, see :class:`Keeper`; empty for what goes.
    """

    backup: Backup
    expired: bool
    reason: str
    goes_with: str | None = None
    kept_by: tuple[str, ...] = ()


def judge(
    backups: Iterable[Backup],
    schedule_id: str,
    rules: Mapping[str, int],
    *,
    now: datetime,
    needed: Mapping[str, Keeper] = NOTHING,
    offsets: Offsets = (),
) -> list[Verdict]:
    """What becomes of each backup of a schedule, the newest first.

    :param backups: every backup of the instance, whoever made it, the latest updated first where
        Trove can't tell their times apart.
    :param rules: by option, such as ``keep_last``. A backup is kept if any of them keeps it, and
        the newest completed one always is.
    :param now: in UTC.
    :param needed: ids of backups that something else needs, and what does.
    :param offsets: of the zone in which days and other periods begin.
    """
    own = marker(schedule_id)
    ordered = sorted(backups, key=lambda each: each.created, reverse=True)
    mine = [each for each in ordered if (each.description or "").endswith(own)]
    completed = [each for each in mine if each.status == "COMPLETED"]
    keepers = _by_rules(completed, rules, now, offsets)
    for backup_id, keeper in needed.items():
        keepers.setdefault(backup_id, []).append(keeper)
    verdicts: dict[str, Verdict] = {}
    # From the newest to the oldest, a backup comes before what it builds on.
    for backup in ordered:
        is_mine = (backup.description or "").endswith(own)
        found = keepers.get(backup.id, [])
        if is_mine and not found and backup.status in _ENDED:
            why = _why_expired(backup, rules)
            verdicts[backup.id] = Verdict(backup, True, why)
            continue
        if backup.parent_id is not None:
            chain = Keeper("chain", f"backup {backup.id} builds on it")
            keepers.setdefault(backup.parent_id, []).append(chain)
        if is_mine:
            found = found or [Keeper("status", f"it is {backup.status}")]
            names = tuple(dict.fromkeys(each.name for each in found))
            verdicts[backup.id] = Verdict(backup, False, found[0].reason, kept_by=names)
    return [_with_its_parent(verdicts, verdicts[each.id]) for each in mine]


def perhaps_read(backups: Iterable[Backup], schedule_id: str, now: datetime) -> dict[str, Keeper]:
    """The ids of what a drill of the schedule, in progress now, may be reading, and why.

    A drill reads what was the newest completed backup when it began.
    """
    own = marker(schedule_id)
    mine = [each for each in backups if (each.description or "").endswith(own)]
    completed = [each for each in mine if each.status == "COMPLETED"]
    read = {}
    for backup in sorted(completed, key=lambda each: each.created, reverse=True):
        read[backup.id] = Keeper("drill", "a drill may be reading it")
        if (backup.updated or backup.created) < now - LONGEST_RUN:
            # It was there before any such drill began, so nothing older was the newest then.
            break
    return read


def in_words(rule: str, number: int) -> str:
    """A rule as on the command line: ``keep-daily 7``."""
    return f"{rule.replace('_', '-')} {number}"


def _by_rules(
    completed: list[Backup], rules: Mapping[str, int], now: datetime, offsets: Offsets
) -> dict[str, list[Keeper]]:
    """What keeps completed backups for their own sake, by their ids; the newest come first."""
    found: dict[str, list[Keeper]] = {}

    def keep(backup: Backup, name: str, reason: str) -> None:
        found.setdefault(backup.id, []).append(Keeper(name, reason))

    for backup in completed[:1]:
        keep(backup, "newest", "the newest")
    for rule, number in rules.items():
        said = in_words(rule, number)
        if rule == "keep_last":
            for backup in completed[:number]:
                keep(backup, said, f"one of the newest {number}")
        elif rule == "keep_days":
            after = (now - timedelta(days=number)).replace(microsecond=0)
            for backup in completed:
                if backup.created >= after:
                    keep(backup, said, f"not older than {counted(number, 'day')}")
        else:
            period = PERIODS[rule]
            for title, backup in _newest_of_each(completed, period, number, offsets).items():
                keep(backup, said, f"the newest of {period.noun} {title}")
    return found


def _newest_of_each(
    completed: list[Backup], period: Period, number: int, offsets: Offsets
) -> dict[str, Backup]:
    """The newest backup of each of the last periods that have one, by the period's name."""
    newest: dict[str, Backup] = {}
    for backup in completed:
        name = period.name_at(local(backup.created, offsets))
        if name not in newest and len(newest) == number:
            break
        newest.setdefault(name, backup)
    return newest


def _why_expired(backup: Backup, rules: Mapping[str, int]) -> str:
    if backup.status != "COMPLETED":
        return f"it is {backup.status}"
    said, periods = [], []
    for rule, number in rules.items():
        if rule == "keep_last":
            said.append(f"not one of the newest {number}")
        elif rule == "keep_days":
            said.append(f"older than {counted(number, 'day')}")
        else:
            periods.append(counted(number, PERIODS[rule].noun))
    if periods:
        said.append(f"not the newest of one of the last {', '.join(periods)}")
    return " and ".join(said)


def _with_its_parent(verdicts: dict[str, Verdict], verdict: Verdict) -> Verdict:
    parent = verdicts.get(verdict.backup.parent_id or "")
    if not (verdict.expired and parent and parent.expired):
        return verdict
    return replace(verdict, goes_with=parent.backup.id)
