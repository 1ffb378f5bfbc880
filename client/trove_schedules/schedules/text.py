# SPDX-License-Identifier: Apache-2.0
"""Which texts Trove takes for the name and the description of a backup."""

from __future__ import annotations

import re

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.words import is_control

#: Trove's limits for a backup's name and description (trove/common/apischema.py).
MAX_TEXT = 255
#: Trove refuses what a shell would have to quote. Swift takes / for the end of the name.
_STORE = re.compile(r"[A-Za-z0-9_@%+=:,.-]+")
_TEXT = re.compile(".*[0-9a-zA-Z].*")


def check_store(what: str, text: str, longest: int) -> None:
    """Refuse a name of a container or of a kind of storage that Trove would refuse at every run.

    :raises InvalidScheduleError: The text is empty or too long, or holds a character that Trove, or
        Swift, doesn't take.
    """
    if len(text) > longest:
        raise InvalidScheduleError(
            f"the {what} is {len(text)} characters long; at most {longest} fit"
        )
    if _STORE.fullmatch(text) is None:
        raise InvalidScheduleError(
            f"the {what} {text!r} is not one that Trove takes: it needs letters (a to z), digits "
            "and any of _ @ % + = : , . - without spaces"
        )


def check_text(what: str, text: str, addition: str = "") -> None:
    """Refuse now what Trove would refuse at every run, and control characters.

    :raises InvalidScheduleError: The text is too long, is not a single line with a letter or digit,
        or holds a control character.
    """
    if not isinstance(text, str):
        raise InvalidScheduleError(f"the {what} must be a text, not {text!r}")
    longest = MAX_TEXT - len(addition)
    if len(text) > longest:
        raise InvalidScheduleError(
            f"the {what} is {len(text)} characters long; at most {longest} fit"
        )
    control = next(filter(is_control, text), None)
    if control is not None:
        raise InvalidScheduleError(
            f"the {what} {text!r} holds {control!r}; give a single line without line breaks, tabs, "
            "escapes and other control characters"
        )
    if _TEXT.fullmatch(text + addition) is None:
        raise InvalidScheduleError(
            f"the {what} {text!r} is not one that Trove takes: it needs a letter (a to z) or digit"
        )
