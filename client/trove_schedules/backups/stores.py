# SPDX-License-Identifier: Apache-2.0
"""Where Trove stores a schedule's backups, if the schedule says so."""

from __future__ import annotations

from collections.abc import Iterable

from trove_schedules.clients.mistral import Mistral
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.options import STORES, Options

#: The workbook's action that makes a backup.
_ACTION = "trove.backups_create"


def require(mistral: Mistral, plan: Options) -> None:
    """Refuse a choice of storage that the runs could not hand to Trove. Without one, ask nothing.

    :raises InvalidScheduleError: Mistral's action doesn't take it.
    """
    asked = [name for name in STORES if getattr(plan, name) is not None]
    lacking = untaken(mistral, asked)
    if lacking:
        raise InvalidScheduleError(
            f"{', '.join(lacking)} can't be chosen in this cloud: Mistral's action {_ACTION} takes "
            "no such input, because the python-troveclient on its executors is too old"
        )


def untaken(mistral: Mistral, names: Iterable[str]) -> list[str]:
    """Those of the options, as on the command line, that Mistral's action doesn't take."""
    names = list(names)
    taken = mistral.action_inputs(_ACTION) if names else set()
    return [name.replace("_", "-") for name in names if name not in taken]
