# SPDX-License-Identifier: Apache-2.0
"""Coverage: what protects each instance, so that none is forgotten.

Health starts from the schedules, and so says nothing of an instance that has none. Coverage starts
from Trove's instances.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from trove_schedules.clients.instances import Instance
from trove_schedules.clients.trove import Backup
from trove_schedules.drills.drill import NEVER_PROVEN, RestoreProof
from trove_schedules.drills.proofs import proofs_of_instances
from trove_schedules.lists import Lists
from trove_schedules.schedules.names import is_temporary, schedule_of
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule, reaches
from trove_schedules.schedules.selection import Choice
from trove_schedules.words import span


class Cover(StrEnum):
    """How an instance is covered, the worst first."""

    UNPROTECTED = "UNPROTECTED"
    STALE = "STALE"
    PAUSED = "PAUSED"
    PROTECTED = "PROTECTED"
    REPLICA = "REPLICA"
    EXCLUDED = "EXCLUDED"

    @property
    def exit_status(self) -> int:
        """As monitoring plugins have it: 0 fine, 1 warning, 2 critical."""
        return {Cover.UNPROTECTED: 2, Cover.STALE: 2, Cover.PAUSED: 1}.get(self, 0)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What protects one instance.

    :ivar instance: its id.
    :ivar project_id: the id of its project.
    :ivar reason: why it has this state, in words.
    :ivar schedules: those that back it up, paused ones too, the next to run first.
    :ivar backup: its newest completed backup, whoever made it, or None.
    :ivar age: seconds since that began, or None.
    :ivar last_proven: when a backup of it was last shown to restore, in UTC, or None where Mistral
        knows of no drill that did.
    :ivar proven_backup: the id of that backup.
    :ivar replica_of: the id of the instance that it is a replica of, or None.
    :ivar policies: those that take it, likewise.
    """

    instance: str
    name: str
    project_id: str | None
    state: Cover
    reason: str
    schedules: tuple[Schedule, ...]
    backup: Backup | None
    age: float | None
    last_proven: datetime | None
    proven_backup: str | None
    replica_of: str | None
    policies: tuple[Policy, ...] = ()


def coverage_of(
    lists: Lists, *, exclude: Collection[str] = (), max_age: timedelta | None = None
) -> list[Coverage]:
    """What protects each instance, the worst first, and then by project and name.

    :param exclude: patterns of the names or ids of instances that need no backups, as shells have
        them.
    :param max_age: of the newest completed backup; None means any.
    """
    policies = lists.policies
    # By a policy, an instance owes nothing from before it was made.
    instances = lists.instances_with_times if policies else lists.instances
    schedules = defaultdict[str, list[Schedule]](list)
    for schedule in lists.schedules:
        schedules[schedule.instance].append(schedule)
    newest = dict[str, Backup]()
    for backup in lists.backups:
        known = newest.get(backup.instance_id)
        if backup.status == "COMPLETED" and (known is None or known.created < backup.created):
            newest[backup.instance_id] = backup
    proofs = proofs_of_instances(lists.drills)

    found = [
        _judged(
            each,
            [own for own in schedules[each.id] if reaches(own, each.project_id)],
            [own for own in policies if reaches(own, each.project_id)],
            newest.get(each.id),
            proofs.get(each.id, NEVER_PROVEN),
            excluded=_excluded(each, exclude),
            max_age=max_age,
            now=lists.now,
        )
        for each in instances
    ]
    order = list(Cover)
    return sorted(
        found, key=lambda each: (order.index(each.state), each.project_id or "", each.name)
    )


def _judged(
    instance: Instance,
    schedules: Sequence[Schedule],
    policies: Sequence[Policy],
    newest: Backup | None,
    proof: RestoreProof,
    *,
    excluded: str | None,
    max_age: timedelta | None,
    now: datetime,
) -> Coverage:
    chosen = [(each, each.selection.candidate(instance)) for each in policies]
    taking = [each for each, candidate in chosen if candidate.choice != Choice.LEFT]
    by = [*schedules, *(each.of(instance.id, instance.created) for each in taking)]
    state, reason = _state(instance, by, newest, excluded, max_age, now)
    leaving = [each for each, candidate in chosen if candidate.reason == "excluded"]
    if state == Cover.UNPROTECTED and leaving:
        state, reason = Cover.EXCLUDED, f"excluded by policy {leaving[0].name}"
    return Coverage(
        instance=instance.id,
        name=instance.name,
        project_id=instance.project_id,
        state=state,
        reason=reason,
        schedules=tuple(schedules),
        backup=newest,
        age=(now - newest.created).total_seconds() if newest else None,
        last_proven=proof.last_proven,
        proven_backup=proof.backup_id,
        replica_of=instance.replica_of,
        policies=tuple(taking),
    )


def _state(
    instance: Instance,
    schedules: Sequence[Schedule],
    newest: Backup | None,
    excluded: str | None,
    max_age: timedelta | None,
    now: datetime,
) -> tuple[Cover, str]:
    """The state, and why."""
    if excluded is not None:
        return Cover.EXCLUDED, excluded
    told = _last_backup(schedules, newest, now)
    active = [each for each in schedules if not each.paused]
    if not schedules:
        if instance.replica_of is not None:
            return Cover.REPLICA, f"replica of {instance.replica_of}"
        return Cover.UNPROTECTED, f"no schedule or policy backs it up; {told}"
    if not active:
        return Cover.PAUSED, f"all its schedules and policies are paused; {told}"
    # Without a backup, as old as what should have brought one.
    since = newest.created if newest else min(each.owed_since for each in active)
    if max_age is not None and now - since > max_age:
        return Cover.STALE, f"{told}, more than {span(max_age)}" if newest else (
            f"no backup, and it has been due for {span(now - since)}"
        )
    return Cover.PROTECTED, told


def _last_backup(schedules: Sequence[Schedule], newest: Backup | None, now: datetime) -> str:
    if newest is None:
        return "no backup yet" if schedules else "no backup"
    maker = schedule_of(newest.description)
    if maker is None:
        by = ", by hand"
    elif maker in {each.id for each in schedules}:
        by = ""
    else:
        by = f", by {maker}, which doesn't back it up now"
    return f"last backup {span(now - newest.created)} ago{by}"


def _excluded(instance: Instance, patterns: Collection[str]) -> str | None:
    """Why an instance needs no backups, or None."""
    if is_temporary(instance.name):
        return "temporary instance of a drill"
    for each in patterns:
        if fnmatchcase(instance.name, each) or fnmatchcase(instance.id, each):
            return f"excluded by {each}"
    return None
