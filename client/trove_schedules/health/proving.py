# SPDX-License-Identifier: Apache-2.0
"""Proof that a schedule would work here: Mistral fires a trigger once, and asks Trove.

It needs no schedule, changes nothing in Trove, and leaves nothing in Mistral.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

from trove_schedules import clock
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.clients.services import Services
from trove_schedules.errors import ScheduledBackupError
from trove_schedules.health.check import Check
from trove_schedules.runs.execution import ENDED
from trove_schedules.runs.reason import reason
from trove_schedules.triggers.trial import next_minute, why_not_run

#: From the trigger's creation to the end of its execution. The trigger fires after two or three.
PATIENCE = timedelta(minutes=4)
#: Seconds from one look at the execution to the next.
INTERVAL = 3.0
#: Clocks that differ by more make triggers fire early or late, or tokens invalid.
_MOST_SKEW = timedelta(seconds=20)
#: The execution of a trigger that has fired can be seen within this time. Later, none will come.
_FIRED = timedelta(seconds=20)

_DEFINITION = """\
version: '2.0'

{name}:
  description: Asks Trove for its limits. 'openstack database backup schedule check' deletes it.
  tasks:
    ask:
      action: trove.limits_list
      timeout: 60
      keep-result: false
"""
#: What an execution's error means, the first that fits.
_CAUSES = (
    (
        r"[Ff]ailed to find action|[Aa]ction .*not found|InvalidActionException",
        "the executors lack Mistral's actions of Trove: install mistral-extra and "
        "python-troveclient on engines and executors, and run mistral-db-manage populate",
    ),
    (
        r"find trust|validate token|HTTP 401|[Uu]nauthorized|requires authentication",
        "Keystone doesn't accept the trust's token; look at Keystone's log",
    ),
    (
        r"HTTP 403|[Ff]orbidden|not allowed|PolicyNotAuthorized",
        "Trove refuses the user's roles; look at the policy of Trove",
    ),
    (
        r"[Cc]onnect|[Tt]imed? ?out|[Ee]ndpoint|resolve|SSL|HTTP 50[234]",
        "the executors don't reach Trove at the endpoint of the catalog",
    ),
)


def prove(
    services: Services, report: Callable[[str], object], patience: timedelta = PATIENCE
) -> Iterator[Check]:
    """Yield the links between a due time and Trove, until one is missing.

    :param report: is told what is waited for, again and again.
    """
    yield clocks(services)
    with ExitStack() as cleaning:
        try:
            services.require_delegable()
            trigger_id, due = _begin(services.mistral, cleaning)
        except ScheduledBackupError as error:
            yield Check("trust", False, _refused(error))
            return
        yield Check("trust", True, "Keystone let Mistral act for this user")
        execution, fired = _awaited(services.mistral, trigger_id, due, patience, report, cleaning)
        if execution is None:
            yield Check("firing", False, why_not_run(due, fired=fired))
            return
        late = max(execution.created_at - due, timedelta()).total_seconds()
        yield Check("firing", True, f"Mistral fired a trigger {late:.0f} s after its time")
        yield _asked(execution)


def clocks(services: Services) -> Check:
    """Whether the services agree on the time, by the dates of their answers."""
    try:
        said = services.skews()
    except ScheduledBackupError as error:
        return Check("clocks", None, str(error))
    off = {name: skew for name, skew in said.items() if skew is not None}
    told = ", ".join(f"{name} {each.total_seconds():+.0f} s" for name, each in off.items())
    if len(off) < 2:
        return Check("clocks", None, "the services' answers have no date")
    ok = max(off.values()) - min(off.values()) <= _MOST_SKEW
    verdict = "agree" if ok else "differ: have them follow the same time server"
    return Check("clocks", ok, f"the services' clocks {verdict} (against this machine's: {told})")


def _begin(mistral: Mistral, cleaning: ExitStack) -> tuple[str, datetime]:
    """A trigger that fires once, and when; both it and its workflow are deleted in the end."""
    name = f"trove_schedules_proof_{secrets.token_hex(8)}"
    workflow_id = mistral.create_workflow(_DEFINITION.format(name=name))
    cleaning.callback(mistral.delete_workflow, workflow_id)
    due = next_minute()
    trigger = mistral.create_cron_trigger(name, workflow_id, None, {}, first_time=due, count=1)
    cleaning.callback(mistral.delete_cron_trigger, trigger.id)
    return trigger.id, due


def _awaited(
    mistral: Mistral,
    trigger_id: str,
    due: datetime,
    patience: timedelta,
    report: Callable[[str], object],
    cleaning: ExitStack,
) -> tuple[Execution | None, bool]:
    """The execution once it has ended, or when patience does; and whether the trigger fired."""
    began = clock.now()
    fired: datetime | None = None
    while True:
        now = clock.now()
        late = now - began > patience
        found = next(iter(mistral.executions(description=f"has:{trigger_id}", limit=1)), None)
        if found is not None:
            if found.state in ENDED or late:
                cleaning.callback(mistral.delete_execution, found.id, force=True)
                return found, True
            report("waiting for Trove's answer")
        else:
            if fired is None and not mistral.has_cron_trigger(trigger_id):
                fired = now
            if late or (fired is not None and now - fired > _FIRED):
                return None, fired is not None
            report(f"waiting for Mistral to fire at {due:%H:%M} UTC")
        time.sleep(INTERVAL)


def _refused(error: ScheduledBackupError) -> str:
    """Which rule of Keystone forbids the trust, if it says so."""
    rule = re.search(r"identity:\w+", str(error))
    return f"{error}; Keystone's rule {rule[0]} refuses it" if rule else str(error)


def _asked(execution: Execution) -> Check:
    name = "Trove from the executors"
    if execution.state == "SUCCESS":
        return Check(name, True, "answers Mistral's actions")
    if execution.state != "ERROR":
        return Check(
            name, False, f"the execution is still {execution.state}: is an engine or executor down?"
        )
    info = execution.state_info or ""
    cause = next((said for pattern, said in _CAUSES if re.search(pattern, info)), None)
    told = reason(info) or "Mistral does not say why"
    return Check(name, False, f"{cause}: {told}" if cause else told)
