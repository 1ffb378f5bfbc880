# SPDX-License-Identifier: Apache-2.0
"""The health of schedules: what is seen, which state that is, and in which words.

:mod:`~trove_schedules.health.survey` reads what many schedules need in few requests,
:mod:`~trove_schedules.health.seen` holds what is seen of one of them,
:mod:`~trove_schedules.health.judge` concludes the state, and
:mod:`~trove_schedules.health.words` tells why.
"""

from trove_schedules.health.state import (
    BLOCKED_AFTER,
    USUAL_LIMITS,
    Health,
    Limits,
    PolicyHealth,
    State,
)

__all__ = ["BLOCKED_AFTER", "USUAL_LIMITS", "Health", "Limits", "PolicyHealth", "State"]
