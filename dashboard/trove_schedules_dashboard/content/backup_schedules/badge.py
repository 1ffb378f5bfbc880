# SPDX-License-Identifier: Apache-2.0
"""How the state of a schedule is shown: the word is the product's, and an icon says it again."""

from __future__ import annotations

from trove_schedules.health import State

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
