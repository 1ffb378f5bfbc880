# SPDX-License-Identifier: Apache-2.0
"""The workbook that Mistral runs for every schedule, and its loader.

Its version stands in the tags of its workflow, because Mistral shows tags in lists and keeps them
with the workflow. A client accepts a workflow of its own version or a newer one: inputs are only
ever added, with defaults. For what an older one can do as well, an older one will do.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import yaml

from trove_schedules.errors import WorkbookError, WorkbookMissingError, WorkbookOutdatedError
from trove_schedules.schedules import names

if TYPE_CHECKING:
    from trove_schedules.clients.mistral import Mistral
    from trove_schedules.clients.mistral_rows import Workbook

WORKBOOK = "trove"
WORKFLOW = "trove.backup_create"
POLICY = "trove.backup_policy"
DRILL = "trove.backup_drill"
POLICY_DRILL = "trove.backup_policy_drill"
#: What the triggers of each kind start.
WORKFLOWS = {
    names.BACKUP: WORKFLOW,
    names.POLICY: POLICY,
    names.DRILL: DRILL,
    names.POLICY_DRILL: POLICY_DRILL,
    names.TRIAL: WORKFLOW,
}
#: The part of a run that makes the backup, and its task that waits until retention begins.
MAKING, RETAIN = "trove.backup_run", "retain"
RETENTION = "trove.backup_retention"
HOLD = "trove.backup_hold"
WEBHOOK = "trove.backup_webhook"
_LOAD = "'openstack database backup schedule workbook load'"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What somebody needs a workflow for.

    :ivar least: the least version of the workbook that will do; None is this package's own.
    """

    text: str
    workflow: str
    least: int | None


CHANGE = Purpose("create or change a schedule", WORKFLOW, None)
PAUSE = Purpose("pause or resume a schedule", WORKFLOW, 1)
RUN = Purpose("run a schedule", WORKFLOW, 1)
CHANGE_POLICY = Purpose("create or change a policy", POLICY, None)
PAUSE_POLICY = Purpose("pause or resume a policy", POLICY, 8)
RUN_POLICY = Purpose("run a policy", POLICY, 8)
DRILLS = Purpose("do drills", DRILL, 4)
POLICY_DRILLS = Purpose("repeat drills of a policy", POLICY_DRILL, 8)
WEBHOOKS = Purpose("send to a webhook", WEBHOOK, 7)
HOLDS = Purpose("keep a backup while it is restored", HOLD, 7)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading the workbook did.

    :ivar action: ``created``, ``updated`` or ``unchanged``.
    :ivar version: the version that is loaded now.
    :ivar scope: ``private`` (this project) or ``public`` (all projects).
    """

    action: str
    version: int
    scope: str

    @property
    def detail(self) -> str:
        """What was done, in words."""
        if self.action == "unchanged":
            if self.scope == "public":
                return "the public workbook serves this project already; nothing was loaded"
            return "this project's workbook is up to date; nothing was loaded"
        whom = "all projects" if self.scope == "public" else "this project"
        return f"version {self.version} was loaded for {whom}"


def text() -> str:
    """The workbook, as ``openstack workbook create`` takes it."""
    return resources.files(__name__).joinpath("trove.yaml").read_text(encoding="utf-8")


def actions() -> list[str]:
    """The actions of Trove that the workbook calls, from mistral-extra and python-troveclient."""
    return sorted(set(re.findall(r"action: (trove\.\w+)", text())))


@functools.lru_cache(maxsize=4)
def version_of(definition: str) -> int:
    """The version of a workbook's text; 0 where this package did not write it."""
    workflows = _workflows(definition)
    workflow = workflows.get("backup_create")
    tags = workflow.get("tags") if isinstance(workflow, dict) else None
    return _version(tags if isinstance(tags, list) else ())


def require(mistral: Mistral, purpose: Purpose = CHANGE) -> str:
    """The id of the workflow for a purpose.

    Mistral starts a cron trigger's workflow by name, and where the project has one of this name
    beside a public one it takes either. So every one that it could take must be good.

    :raises WorkbookMissingError: there is none.
    :raises WorkbookOutdatedError: one of them is older than the purpose needs.
    """
    name = purpose.workflow
    found = mistral.workflows(name)
    if not found:
        raise WorkbookMissingError(
            f"Mistral has no workflow {name!r} for this project; load it with {_LOAD} "
            "(an administrator can load it for all projects with --public)"
        )
    needed = purpose.least or version_of(text())
    for workflow in found:
        version = _version(workflow.tags)
        if version < needed:
            whose = "public" if workflow.scope == "public" else "project's own"
            raise WorkbookOutdatedError(
                f"the {whose} workflow {name!r} ({workflow.id}) is "
                f"{f'version {version}' if version else 'of no version of trove-schedules'}, "
                f"but version {needed} is needed to {purpose.text}; bring it up to date with "
                f"{_LOAD}{' --public (administrators only)' if workflow.scope == 'public' else ''}"
            )
    return found[0].id


def load(mistral: Mistral, *, public: bool) -> Loaded:
    """Create the workbook, or update an older one in place: its triggers go on with the new one.

    Without ``public``, a public workbook that is good enough is left to serve this project too.

    :raises WorkbookError: the one that is there is newer, or holds workflows of other people; or
        other projects' workbooks are in the way.
    """
    project = mistral.project_id()
    visible = mistral.workbooks(WORKBOOK)
    own = next((each for each in visible if project in (None, each.project_id)), None)
    needed = version_of(text())
    if own is None:
        shared = next((each for each in visible if each.scope == "public"), None)
        if shared is not None and not public and version_of(shared.definition) >= needed:
            return Loaded("unchanged", version_of(shared.definition), "public")
        scope = "public" if public else "private"
        _refuse_to_change_others(mistral)
        mistral.save_workbook(text(), scope=scope, update=False)
        return Loaded("created", needed, scope)

    _refuse_to_replace(own, needed)
    scope = "public" if public else own.scope
    if (own.definition, own.scope) == (text(), scope):
        return Loaded("unchanged", needed, scope)
    _refuse_to_change_others(mistral)
    mistral.save_workbook(text(), scope=scope, update=True)
    return Loaded("updated", needed, scope)


def _refuse_to_replace(own: Workbook, needed: int) -> None:
    version = version_of(own.definition)
    if version > needed:
        raise WorkbookError(
            f"the workbook {WORKBOOK!r} that is loaded is version {version}, newer than this "
            f"package's {needed}; upgrade trove-schedules instead"
        )
    others = sorted(set(_workflows(own.definition)) - set(_workflows(text())))
    if others:
        raise WorkbookError(
            f"the workbook {WORKBOOK!r} of this project has other workflows, which replacing it "
            f"would delete: {', '.join(others)}; move them to a workbook of another name first"
        )


def _refuse_to_change_others(mistral: Mistral) -> None:
    owners = mistral.other_owners(workbook=WORKBOOK, workflow=WORKFLOW)
    if owners:
        raise WorkbookError(
            f"other projects ({', '.join(owners)}) have a workbook {WORKBOOK!r} that this login "
            "can see, and Mistral would change theirs instead of this project's. If it is public, "
            f"its owner can bring it up to date with {_LOAD}; if you see it as an administrator, "
            "log in without that role, or have the other workbooks and their workflows deleted"
        )


def _version(tags: tuple[str, ...] | list[str]) -> int:
    """Read ``trove-schedules-<version>`` among a workflow's tags."""
    for tag in tags:
        match = re.fullmatch(r"trove-schedules-(\d+)", str(tag))
        if match:
            return int(match[1])
    return 0


def _workflows(definition: str) -> dict[str, object]:
    """The workflows in a workbook's text, which Mistral has parsed before."""
    workbook = yaml.safe_load(definition)
    workflows = workbook.get("workflows") if isinstance(workbook, dict) else None
    return workflows if isinstance(workflows, dict) else {}
