# SPDX-License-Identifier: Apache-2.0
"""What the modules share: the cloud, the end of a module, and how a schedule is returned."""

from __future__ import annotations

import traceback
from dataclasses import asdict
from datetime import datetime

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.trove_schedules.backups.plugins.module_utils.options import SECRETS

try:
    import trove_schedules
    from trove_schedules.errors import ScheduledBackupError
except ImportError:
    MISSING = traceback.format_exc()
else:
    MISSING = None

CLOUD = {
    "cloud": {"type": "str"},
    "region_name": {"type": "str"},
    "interface": {"type": "str", "choices": ["public", "internal", "admin"]},
}
#: What is told of a schedule besides its options.
STANDING = ("id", "created_at", "next_execution_time", "declared", "pinned")
#: What a schedule doesn't know.
OF_DRILLS = ("drill_every",)


def run(module, work):
    """End a module with what its work comes to.

    :param work: a function of the module and of ``trove_schedules.ScheduledBackups`` that returns
        the module's result.
    """
    if MISSING:
        module.fail_json(msg=missing_required_lib("trove-schedules"), exception=MISSING)
    try:
        schedules = trove_schedules.connect(**{name: module.params[name] for name in CLOUD})
        result = work(module, schedules)
    except ScheduledBackupError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def declared(params, options):
    """What a file would have of this: the options that are given, and no others."""
    entry = {name: params[name] for name in options if params[name] is not None}
    return entry | {name: None for name in SECRETS if entry.get(name) == ""}


def diff_of(step):
    """What a step changes, as Ansible shows it."""
    before = {each.name: each.before for each in step.differences}
    after = {each.name: each.after for each in step.differences}
    for name in SECRETS:
        if before.get(name) is not None and before[name] == after[name]:
            after[name] = "(another secret)"
    return {"before": before, "after": after}


def shown(schedule, options):
    """A schedule as a module returns it: its options but for secrets, and where it stands."""
    names = {*options, *STANDING} - {*SECRETS, *OF_DRILLS}
    return {name: _plain(getattr(schedule, name)) for name in sorted(names)}


def shown_health(health):
    """A state of health as a module returns it."""
    return {name: _plain(value) for name, value in asdict(health).items()}


def _plain(value):
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
