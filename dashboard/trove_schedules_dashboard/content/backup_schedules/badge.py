# SPDX-License-Identifier: Apache-2.0
"""How the health of a schedule is shown: the word is the product's, and an icon says it again."""

from __future__ import annotations

from trove_schedules.health import Health, PolicyHealth, State
from trove_schedules_dashboard.content.backup_schedules import text

#: Bootstrap's label and Font Awesome's icon.
_LOOKS = {
    State.OK: ("success", "check"),
    State.RUNNING: ("info", "refresh"),
    State.PENDING: ("info", "hourglass-start"),
    State.PAUSED: ("warning", "pause"),
    State.UNKNOWN: ("warning", "question"),
}
_NEEDS_HELP = ("danger", "exclamation-triangle")


def look(state: State) -> tuple[str, str]:
    """The label and the icon of a state."""
    return _LOOKS.get(state, _NEEDS_HELP)


def needs_help(state: State) -> bool:
    """Whether a person has to do something."""
    return look(state) == _NEEDS_HELP


def cells(health: Health) -> dict[str, str]:
    """What a row of the list of schedules shows of it."""
    return badge(health) | {
        "last_backup": text.utc(health.last_success),
        "last_proven": text.utc(health.last_proven),
    }


def badge(health: Health | PolicyHealth) -> dict[str, str]:
    """The state, how it looks, and the reason."""
    label, icon = look(health.state)
    return {"state": str(health.state), "label": label, "icon": icon, "reason": health.reason}
