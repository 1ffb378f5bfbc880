# SPDX-License-Identifier: Apache-2.0
"""Which of its backups a schedule no longer keeps: the workbook's rules, for doing it by hand.

Trove deletes whatever builds on a deleted backup with it, so nothing may go that something else
still needs: a backup of a user, of another schedule, one that runs, or one that is kept. A parent
of a schedule is needed before it has a child, and what a drill reads while it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from trove_schedules.clients.trove import Backup
from trove_schedules.runs.execution import LONGEST_RUN
from trove_schedules.schedules.names import marker
from trove_schedules.words import counted

#: What may be deleted: backups that have ended, and are nothing that somebody brought in.
_ENDED = ("COMPLETED", "FAILED", "DELETE_FAILED")


#: No backup that something else needs.
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a schedule's backup, and why.

    :ivar expired: whether it goes.
    :ivar goes_with: the id of the expired backup that it builds on, with which Trove deletes it;
        None where it has to be deleted by itself, and for what is kept.
    """

    backup: Backup
    expired: bool
    reason: str
    goes_with: str | None = None


def judge(
    backups: Iterable[Backup],
    schedule_id: str,
    *,
    keep_last: int | None,
    keep_days: int | None,
    now: datetime,
    needed: Mapping[str, str] = NOTHING,
) -> list[Verdict]:
    """What becomes of each backup of a schedule, the newest first.

    :param backups: every backup of the instance, whoever made it, the latest updated first where
        Trove can't tell their times apart.
    :param keep_last: how many completed backups are kept at least; the newest always is.
    :param keep_days: for how many days completed backups are kept at least.
    :param now: in UTC.
    :param needed: ids of backups that something else needs, and what does.
    """
    own = marker(schedule_id)
    ordered = sorted(backups, key=lambda each: each.created, reverse=True)
    mine = [each for each in ordered if (each.description or "").endswith(own)]
    kept = _kept([each for each in mine if each.status == "COMPLETED"], keep_last, keep_days, now)
    needed = dict(needed)
    verdicts: dict[str, Verdict] = {}
    # From the newest to the oldest, a backup comes before what it builds on.
    for backup in ordered:
        reason = kept.get(backup.id) or needed.get(backup.id)
        is_mine = (backup.description or "").endswith(own)
        if is_mine and reason is None and backup.status in _ENDED:
            why = _why_expired(backup, keep_last, keep_days)
            verdicts[backup.id] = Verdict(backup, True, why)
            continue
        if backup.parent_id is not None:
            needed.setdefault(backup.parent_id, f"backup {backup.id} builds on it")
        if is_mine:
            verdicts[backup.id] = Verdict(backup, False, reason or f"it is {backup.status}")
    return [_with_its_parent(verdicts, verdicts[each.id]) for each in mine]


def perhaps_read(backups: Iterable[Backup], schedule_id: str, now: datetime) -> dict[str, str]:
    """The ids of what a drill of the schedule, in progress now, may be reading, and why.

    A drill reads what was the newest completed backup when it began.
    """
    own = marker(schedule_id)
    mine = [each for each in backups if (each.description or "").endswith(own)]
    completed = [each for each in mine if each.status == "COMPLETED"]
    read = {}
    for backup in sorted(completed, key=lambda each: each.created, reverse=True):
        read[backup.id] = "a drill may be reading it"
        if (backup.updated or backup.created) < now - LONGEST_RUN:
            # It was there before any such drill began, so nothing older was the newest then.
            break
    return read


def _kept(
    completed: list[Backup], keep_last: int | None, keep_days: int | None, now: datetime
) -> dict[str, str]:
    """Why completed backups are kept for their own sake, by their ids; the newest come first."""
    kept = {}
    if keep_days is not None:
        after = (now - timedelta(days=keep_days)).replace(microsecond=0)
        young = [each for each in completed if each.created >= after]
        kept = {each.id: f"not older than {counted(keep_days, 'day')}" for each in young}
    last = completed[: keep_last or 1]
    return (
        kept
        | {each.id: f"one of the newest {keep_last}" for each in last if keep_last}
        | {each.id: "the newest" for each in last[:1]}
    )


def _why_expired(backup: Backup, keep_last: int | None, keep_days: int | None) -> str:
    if backup.status != "COMPLETED":
        return f"it is {backup.status}"
    said = [f"not one of the newest {keep_last}"] if keep_last else []
    said += [f"older than {counted(keep_days, 'day')}"] if keep_days else []
    return " and ".join(said)


def _with_its_parent(verdicts: dict[str, Verdict], verdict: Verdict) -> Verdict:
    parent = verdicts.get(verdict.backup.parent_id or "")
    if not (verdict.expired and parent and parent.expired):
        return verdict
    return Verdict(verdict.backup, True, verdict.reason, goes_with=parent.backup.id)
