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
    from trove_schedules.declared import options_of
    from trove_schedules.errors import InstanceNotFoundError, ScheduledBackupError
    from trove_schedules.ids import is_uuid
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
STANDING = ("id", "created_at", "next_execution_time", "paused", "declared", "pinned")


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


def schedules_of(schedules, instance):
    """The schedules of an instance. One that is deleted is known by its id while it has any."""
    try:
        return schedules.schedule_list(instance)
    except InstanceNotFoundError:
        if is_uuid(instance):
            return []
        raise


def shown(schedule, *more):
    """A schedule or policy as a module returns it: its options but for secrets, and the rest.

    :param more: names of attributes that are told too.
    """
    told = options_of(schedule) | {name: getattr(schedule, name) for name in (*STANDING, *more)}
    return {name: _plain(value) for name, value in told.items() if name not in SECRETS}


def shown_health(health):
    """A state of health as a module returns it."""
    return {name: _plain(value) for name, value in asdict(health).items()}


def _plain(value):
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
