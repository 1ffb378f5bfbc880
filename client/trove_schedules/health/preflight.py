# SPDX-License-Identifier: Apache-2.0
"""Whether schedules can work in this cloud and project: each point fine, or what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from trove_schedules import clock, workbook
from trove_schedules.backups import stores
from trove_schedules.clients.instances import Instance
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.services import Services
from trove_schedules.clients.session import require_delegable
from trove_schedules.clients.trove import Quota, Trove
from trove_schedules.errors import (
    InvalidPatternError,
    PermissionDeniedError,
    ScheduledBackupError,
)
from trove_schedules.health.check import Check
from trove_schedules.health.seen import GRACE
from trove_schedules.health.survey import gone_instances
from trove_schedules.schedules import zones
from trove_schedules.schedules.names import BACKUP, POLICY
from trove_schedules.schedules.options import STORES
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.room import keeps_all, kept_by_pins, most_kept
from trove_schedules.schedules.schedule import Schedule, reaches
from trove_schedules.schedules.warnings import shared_instances
from trove_schedules.triggers.finding import find_all, find_policies
from trove_schedules.words import counted

if TYPE_CHECKING:
    from keystoneauth1.session import Session


#: At most this many pages of instances are read, and as many that they lack are asked for.
_MOST_PAGES = 50
_MOST_CONFIRMED = 20


def checks(services: Services, instance: str | None) -> Iterator[Check]:
    """Yield every point, in the order in which they build on each other.

    :param instance: the id or name of one that is to be looked at too.
    """
    trove = services.trove
    yield _check("login", lambda: _login(services.session))
    reached = _check("Mistral", lambda: _reached(services.mistral))
    yield reached
    schedules = None
    if reached.ok:
        mistral = services.mistral
        yield _check("workbook", lambda: _workbook(mistral))
        yield _check("actions", lambda: _actions(mistral))
        try:
            schedules = [*find_all(mistral), *find_policies(mistral)]
        except ScheduledBackupError as error:
            yield Check("schedules", False, str(error))
        else:
            yield _periodic(schedules)
            yield _check("instances", lambda: _orphans(trove, schedules or []))
            unreadable = _unreadable(schedules)
            yield from unreadable.values()
            yield from _zones(schedules)
            schedules = [each for each in schedules if each.id not in unreadable]
    quota, known = None, True
    try:
        quota = trove.backup_quota()
    except PermissionDeniedError as error:
        if error.service != "Trove":
            yield Check("Trove", False, str(error))
            return
        known = False
        yield Check("Trove", None, f"answers, but doesn't tell the quota of backups: {error}")
    except ScheduledBackupError as error:
        yield Check("Trove", False, str(error))
        return
    else:
        yield _check("Trove", lambda: _room(quota))
    if schedules is not None:
        policies = [each for each in schedules if isinstance(each, Policy)]
        try:
            listed = trove.instances() if policies else []
        except ScheduledBackupError as error:
            yield Check(
                "retention", None, f"the instances that policies take can't be read: {error}"
            )
        else:
            theirs = {
                policy.id: [each for each in listed if reaches(policy, each.project_id)]
                for policy in policies
            }
            taken = {each.id: len(each.selection.takes(theirs[each.id])) for each in policies}
            yield _retention(schedules, taken, quota, known=known)
            if policies:
                yield _shared(policies, theirs, schedules)
    if instance is not None:
        yield _check("instance", lambda: _instance(trove, instance))


def _check(name: str, look: Callable[[], str]) -> Check:
    """Fine if the look succeeds; an error of this package says what is wrong and what to do."""
    try:
        return Check(name, True, look())
    except ScheduledBackupError as error:
        return Check(name, False, str(error))


def _login(session: Session) -> str:
    require_delegable(session)
    return "can give Mistral its rights by a trust, as far as this login shows"


def _reached(mistral: Mistral) -> str:
    mistral.workflows(workbook.WORKFLOW)
    return "answers"


def _workbook(mistral: Mistral) -> str:
    workbook.require(mistral)
    return f"workflow {workbook.WORKFLOW} is there and current"


def _actions(mistral: Mistral) -> str:
    missing = [name for name in workbook.actions() if not mistral.action_exists(name)]
    if missing:
        raise ScheduledBackupError(
            f"Mistral lacks {', '.join(missing)}: install mistral-extra and python-troveclient on "
            "its executors and engine, and run mistral-db-manage populate"
        )
    lacking = stores.untaken(mistral, STORES)
    if lacking:
        return (
            "the workbook's actions are there, but schedules can't choose where their backups are "
            f"stored ({', '.join(lacking)}): the python-troveclient on Mistral's executors is too "
            "old for that"
        )
    return "the workbook's actions are there"


def _unreadable(schedules: list[Schedule]) -> dict[str, Check]:
    """A line for each schedule whose pattern only Mistral reads, as in triggers made by hand."""
    lines = {}
    for schedule in schedules:
        try:
            next(schedule.due_times.after(clock.now()))
        except InvalidPatternError as error:
            lines[schedule.id] = Check(
                "pattern",
                False,
                f"{schedule.noun} {schedule.id}: {error}; give it a pattern of five fields by "
                f"'openstack database backup {schedule.noun} set --pattern', or delete it",
            )
    return lines


def _zones(schedules: list[Schedule]) -> Iterator[Check]:
    """A line for each schedule whose runs reckon by other offsets than its zone has."""
    for schedule in schedules:
        said = zones.trouble(schedule.timezone, schedule.offsets, clock.now())
        if said is not None:
            yield Check("time zone", False, f"{schedule.noun} {schedule.id}: {said}")


def _periodic(listed: list[Schedule]) -> Check:
    """Only a trigger that is overdue shows that nobody fires triggers."""
    schedules = [each for each in listed if each.next_firing is not None]
    late = [each for each in schedules if each.next_firing and each.next_firing < _late()]
    if late:
        return Check(
            "periodic server",
            False,
            f"{late[0].noun} {late[0].id} should have been fired at "
            f"{late[0].next_firing:%Y-%m-%d %H:%M} UTC: start Mistral's periodic server "
            "(mistral-server --server periodic). Mistral has "
            "it since release 2026.2; before, see to its API ([cron_trigger] enabled), and to the "
            f"roles that the {late[0].noun}'s trust needs",
        )
    fired = [each.updated_at for each in schedules if each.updated_at is not None]
    if fired:
        return Check("periodic server", True, f"last fired at {max(fired):%Y-%m-%d %H:%M} UTC")
    return Check(
        "periodic server",
        None,
        "nothing of this project has been due yet; with --prove, check has Mistral fire a trigger",
    )


def _orphans(trove: Trove, schedules: list[Schedule]) -> str:
    """That the schedules' instances are there."""
    schedules = [each for each in schedules if each.kind == BACKUP]
    if not schedules:
        return "no schedule is of an instance that is gone"
    instances = [each.instance for each in schedules]
    gone, unsure = gone_instances(
        trove, instances, lambda: trove.instance_names(_MOST_PAGES), confirm=_MOST_CONFIRMED
    )
    orphans = [each.id for each in schedules if each.instance in gone]
    if orphans:
        raise ScheduledBackupError(
            f"the instances of {len(orphans)} schedules are gone. Delete these schedules with "
            f"'openstack database backup schedule delete {' '.join(orphans)}'; their backups stay"
        )
    said = f"those of {counted(len(schedules), 'schedule')} are there"
    return f"{said}, but {len(unsure)} were not looked up" if unsure else said


def _late() -> datetime:
    return clock.now() - GRACE


def _room(quota: Quota | None) -> str:
    if quota is None:
        return "answers; backups have no quota"
    if not quota.left:
        raise ScheduledBackupError(
            f"all {quota.limit} backups of the project's quota are made, and Trove refuses the "
            "next: delete some, have the schedules keep fewer, or have the quota raised"
        )
    return f"answers; {quota.used} of {quota.limit} backups made"


def _shared(
    policies: Sequence[Policy],
    listed: Mapping[str, Sequence[Instance]],
    schedules: Sequence[Schedule],
) -> Check:
    """Whether a policy takes what something else backs up at the same times.

    :param listed: the instances of the project of each policy.
    """
    said = [
        f"of policy {each.id} ({each.name}): {remark.said}"
        for each in policies
        if not each.paused
        for remark in shared_instances(each, listed[each.id], schedules)
        if remark.warning
    ]
    if said:
        return Check("shared instances", False, "; ".join(said))
    return Check("shared instances", True, "nothing else is due when a policy backs them up")


def _counted(schedules: list[Schedule]) -> str:
    policies = sum(each.kind == POLICY for each in schedules)
    others = len(schedules) - policies
    # A project may have policies only.
    said = [counted(others, "schedule")] if others or not policies else []
    if policies:
        said.append(counted(policies, "policy"))
    return " and ".join(said)


def _retention(
    schedules: list[Schedule], taken: dict[str, int], quota: Quota | None, *, known: bool
) -> Check:
    """What the schedules want to keep, and one more each while it is made, against the quota.

    :param taken: how many instances each policy takes.
    """
    endless = [each.id for each in schedules if keeps_all(each)]
    if endless:
        return Check(
            "retention",
            False,
            f"{len(endless)} of {_counted(schedules)} never delete a backup, until "
            f"the quota is used up (the first: {endless[0]}); set a rule such as keep-last, and "
            "full-every for a chain, because retention deletes a chain only as a whole",
        )
    if not known:
        return Check("retention", None, "without the quota nobody can tell whether it is enough")
    wanted = sum(
        (most_kept(each, clock.now()) or 0) * taken.get(each.id, 1)
        + kept_by_pins(each, len(each.pinned))
        for each in schedules
    )
    said = (
        f"{_counted(schedules)} may have {counted(wanted, 'backup')} at once, "
        "those in progress included"
    )
    if quota is None:
        return Check("retention", True, said)
    if wanted > quota.limit:
        return Check(
            "retention",
            False,
            f"{said}, and the quota is {quota.limit}: have them keep fewer, or have the quota "
            "raised",
        )
    return Check("retention", True, f"{said}; the quota is {quota.limit}")


def _instance(trove: Trove, name_or_id: str) -> str:
    instance_id = trove.instance_id(name_or_id)
    status = trove.instance_status(instance_id)
    if status not in ("ACTIVE", "HEALTHY"):
        raise ScheduledBackupError(
            f"instance {instance_id} is {status}, and Trove backs up only what is ACTIVE or HEALTHY"
        )
    return f"{instance_id} is {status}"
