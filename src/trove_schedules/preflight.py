# SPDX-License-Identifier: Apache-2.0
"""Whether schedules can work in this cloud and project: each point fine, or what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trove_schedules import triggers, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.session import require_delegable
from trove_schedules.clients.trove import Quota, Trove
from trove_schedules.errors import ScheduledBackupError
from trove_schedules.health import GRACE
from trove_schedules.model import Schedule

if TYPE_CHECKING:
    from keystoneauth1.session import Session

#: The actions that the workbook calls; each needs mistral-extra and python-troveclient.
_ACTIONS = (
    "trove.backups_list",
    "trove.backups_create",
    "trove.backups_get",
    "trove.backups_delete",
    "trove.instances_get",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One point.

    :ivar ok: None where it can't be told yet.
    :ivar said: what was found and, where that is wrong, what to do.
    """

    name: str
    ok: bool | None
    said: str


def checks(
    session: Session, mistral: Callable[[], Mistral], trove: Trove, instance: str | None
) -> list[Check]:
    """Every point, in the order in which they build on each other."""
    return list(_checks(session, mistral, trove, instance))


def _checks(
    session: Session, connect: Callable[[], Mistral], trove: Trove, instance: str | None
) -> Iterator[Check]:
    yield _check("login", lambda: _login(session))
    reached = _check("Mistral", lambda: _reached(connect()))
    yield reached
    if reached.ok:
        mistral = connect()
        yield _check("workbook", lambda: _workbook(mistral))
        yield _check("actions", lambda: _actions(mistral))
        schedules = triggers.find_all(mistral)
        yield _periodic(schedules)
    quota = _check("Trove", lambda: _quota(trove))
    yield quota
    if quota.ok and reached.ok:
        yield _retention(schedules, trove.backup_quota())
    if quota.ok and instance is not None:
        yield _check("instance", lambda: _instance(trove, instance))


def _check(name: str, look: Callable[[], str]) -> Check:
    """Fine if the look succeeds; an error of this package says what is wrong and what to do."""
    try:
        return Check(name, True, look())
    except ScheduledBackupError as error:
        return Check(name, False, str(error))


def _login(session: Session) -> str:
    require_delegable(session)
    return "can give Mistral its rights by a trust, as far as the login shows"


def _reached(mistral: Mistral) -> str:
    mistral.workflows(workbook.WORKFLOW)
    return "answers"


def _workbook(mistral: Mistral) -> str:
    workbook.require(mistral)
    return f"workflow {workbook.WORKFLOW} is there and current"


def _actions(mistral: Mistral) -> str:
    missing = [name for name in _ACTIONS if not mistral.action_exists(name)]
    if missing:
        raise ScheduledBackupError(
            f"Mistral lacks {', '.join(missing)}: install mistral-extra and python-troveclient on "
            "its executors and engine, and populate its actions"
        )
    return "the workbook's actions are there"


def _periodic(listed: list[Schedule]) -> Check:
    """Only a trigger that is overdue shows that nobody fires triggers."""
    schedules = [each for each in listed if each.next_firing is not None]
    late = [each for each in schedules if each.next_firing and each.next_firing < _late()]
    if late:
        return Check(
            "periodic server",
            False,
            f"schedule {late[0].id} should have been fired at {late[0].next_firing:%Y-%m-%d %H:%M} "
            "UTC: start Mistral's periodic server (mistral-server --server periodic)",
        )
    fired = [each.updated_at for each in schedules if each.updated_at is not None]
    if fired:
        return Check("periodic server", True, f"last fired at {max(fired):%Y-%m-%d %H:%M} UTC")
    return Check(
        "periodic server", None, "no schedule of this project has been due yet; try create --trial"
    )


def _late() -> datetime:
    return datetime.now(UTC) - GRACE


def _quota(trove: Trove) -> str:
    quota = trove.backup_quota()
    if quota is None:
        return "answers; backups have no quota"
    if not quota.left:
        raise ScheduledBackupError(
            f"all {quota.limit} backups of the project's quota are made, and Trove refuses the "
            "next: delete some, have the schedules keep fewer, or have the quota raised"
        )
    return f"answers; {quota.used} of {quota.limit} backups made"


def _retention(schedules: list[Schedule], quota: Quota | None) -> Check:
    """What the schedules want to keep, and one more each while it is made, against the quota."""
    endless = [each.id for each in schedules if not (each.keep_last or each.keep_days)]
    wanted = sum((each.keep_last or 1) + 1 for each in schedules)
    if quota is not None and wanted > quota.limit:
        return Check(
            "retention",
            False,
            f"the schedules keep up to {wanted} backups, and the quota is {quota.limit}",
        )
    if endless:
        return Check(
            "retention",
            False,
            f"{len(endless)} of {len(schedules)} schedules keep every backup until the quota is "
            f"used up (the first: {endless[0]}); set keep-last or keep-days",
        )
    return Check("retention", True, f"{len(schedules)} schedules fit the quota")


def _instance(trove: Trove, name_or_id: str) -> str:
    instance_id = trove.instance_id(name_or_id)
    status = trove.instance_status(instance_id)
    if status not in ("ACTIVE", "HEALTHY"):
        raise ScheduledBackupError(
            f"instance {instance_id} is {status}, and Trove backs up only what is ACTIVE or HEALTHY"
        )
    return f"{instance_id} is {status}"
