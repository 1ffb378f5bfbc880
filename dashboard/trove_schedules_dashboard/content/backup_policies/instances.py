# SPDX-License-Identifier: Apache-2.0
"""The instances of the project, what a policy does with each, and how each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from trove_schedules import Backup, Policy
from trove_schedules.health import Health, PolicyHealth
from trove_schedules.schedules.selection import Candidate, Choice
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules import badge, text
from trove_schedules_dashboard.content.backup_schedules.actions import restore_url

_PAGES = "horizon:project:backup_policies"


@dataclass(frozen=True, slots=True)
class Look:
    """What a policy does with an instance, in words, with Bootstrap's label and an icon."""

    word: Any
    label: str
    icon: str


_LOOKS = {
    Choice.TAKEN: Look(_("Backed up"), "success", "check"),
    Choice.UNABLE: Look(_("Can't be backed up now"), "danger", "exclamation-triangle"),
    Choice.LEFT: Look(_("Left out"), "info", "minus"),
}
GONE = Look(_("Gone"), "info", "times")


@dataclass(frozen=True, slots=True)
class Row:
    """One instance.

    :ivar is_there: whether the project still has it.
    :ivar reason: why the policy does that with it.
    :ivar badge: its state by the policy, see :func:`badge.badge`; None where it has none.
    :ivar restore: the form with its newest backup chosen; None where none is known.
    :ivar executions: its runs.
    """

    id: str
    name: str
    is_there: bool
    look: Look
    reason: Any
    badge: Mapping[str, str] | None
    last_backup: str
    last_proven: str
    restore: str | None
    executions: str


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances, those that need help first, and those that are gone last.

    :ivar taken: how many a run that began now would back up.
    """

    rows: tuple[Row, ...]
    taken: int


def instances(
    policy: Policy,
    candidates: Sequence[Candidate],
    health: PolicyHealth | None,
    backups: Sequence[Backup],
) -> Instances:
    """Put together what is known of each.

    :param backups: the newest of the project, the newest first.
    """
    states = {each.instance: each for each in health.instances} if health else {}
    newest: dict[str, Backup] = {}
    for each in api.completed_of(policy, backups):
        newest.setdefault(each.instance_id, each)

    def row(instance: str, name: str, look: Look, reason: Any, *, is_there: bool = True) -> Row:
        state, backup = states.get(instance), newest.get(instance)
        last = state.last_success if state else None
        time = last or (backup.created if backup else None)
        return Row(
            id=instance,
            name=name,
            is_there=is_there,
            look=look,
            reason=reason,
            badge=badge.badge(state) if state else None,
            last_backup=text.utc(time),
            last_proven=text.utc(state.last_proven if state else None),
            restore=_restore_url(policy, instance) if time else None,
            executions=f"{_url('executions', policy)}?{urlencode({'instance': instance})}",
        )

    def severity(candidate: Candidate) -> int:
        state: Health | None = states.get(candidate.instance)
        return -state.state.severity if state else 0

    there = {each.instance for each in candidates}
    told = health.gone if health else ()
    gone = [each for each in dict.fromkeys((*told, *newest)) if each not in there]
    rows = [
        row(each.instance, each.name, _LOOKS[each.choice], each.reason or "")
        for each in sorted(candidates, key=severity)
    ]
    rows += [row(each, each, GONE, _("Its backups stay."), is_there=False) for each in gone]
    return Instances(tuple(rows), sum(each.choice is Choice.TAKEN for each in candidates))


def _restore_url(policy: Policy, instance: str) -> str:
    return restore_url(policy.id, page=f"{_PAGES}:restore", instance=instance)


def _url(page: str, policy: Policy) -> str:
    return reverse(f"{_PAGES}:{page}", args=[policy.id])
