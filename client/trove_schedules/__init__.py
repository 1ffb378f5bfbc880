# SPDX-License-Identifier: Apache-2.0
"""Scheduled database backups for OpenStack Trove.

>>> import trove_schedules
>>> schedules = trove_schedules.connect(cloud="mycloud")
>>> schedules.schedule_create("orders-db", "0 2 * * *", "nightly")

See :class:`~trove_schedules.manager.ScheduledBackups`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trove_schedules.backups.restore import ScheduleRestore
    from trove_schedules.clients.trove import Backup
    from trove_schedules.errors import ScheduledBackupError
    from trove_schedules.manager import ScheduledBackups, connect
    from trove_schedules.runs.execution import ScheduleExecution
    from trove_schedules.schedules.policy import Policy
    from trove_schedules.schedules.schedule import Schedule

__all__ = [
    "Backup",
    "Policy",
    "Schedule",
    "ScheduleExecution",
    "ScheduleRestore",
    "ScheduledBackupError",
    "ScheduledBackups",
    "connect",
]
_HOMES = {
    "Backup": "clients.trove",
    "Policy": "schedules.policy",
    "Schedule": "schedules.schedule",
    "ScheduleExecution": "runs.execution",
    "ScheduleRestore": "backups.restore",
    "ScheduledBackupError": "errors",
    "ScheduledBackups": "manager",
    "connect": "manager",
}


def __getattr__(name: str) -> Any:
    # Not at import: whatever command `openstack` is given, it imports the commands of every plugin
    # and so this package; only a command that is run should cost the rest.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
