# SPDX-License-Identifier: Apache-2.0
"""Words for numbers and lengths of time, and other people's texts made harmless for a terminal."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

#: Unicode's categories of what is no letter of a line: controls (escapes among them), separators of
#: lines and paragraphs, and halves of surrogate pairs.
_NO_LETTERS = ("Cc", "Zl", "Zp", "Cs")
#: Units of time by the seconds that they have, the largest first, each with the one that is told
#: beside it.
_UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 60, ""), (1, "s", 1, ""))


def counted(number: int, noun: str) -> str:
    """``1 field``, ``2 fields``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def span(length: timedelta, *, short: bool = False) -> str:
    """A length of time: ``95 s``, ``95 min``, ``26 h 5 min``, ``3 d 4 h``.

    It begins with the largest unit of which there are two: 1 d would not say whether last night's
    backup is there. It is rounded down: no limit is said to be passed before it is.

    :param short: leave the smaller unit out.
    """
    left = max(int(length.total_seconds()), 0)
    size, unit, smaller, beside = next((each for each in _UNITS if left >= 2 * each[0]), _UNITS[-1])
    number, rest = left // size, left % size // smaller
    return (
        f"{number} {unit}"
        if short or not rest or not beside
        else (f"{number} {unit} {rest} {beside}")
    )


def is_control(letter: str) -> bool:
    """Whether a character does something to a terminal or a line instead of being shown."""
    return unicodedata.category(letter) in _NO_LETTERS


def shown(text: str) -> str:
    r"""The text with control characters as ``\n``, ``\x1b``, ``\u2028`` and the like."""
    if text.isprintable():
        return text
    return "".join(
        each.encode("unicode_escape").decode() if is_control(each) else each for each in text
    )
