# SPDX-License-Identifier: Apache-2.0
"""Words that fit their number, and texts of other people made harmless for a terminal."""

from __future__ import annotations

import re
import unicodedata

#: Unicode's categories of what is no letter of a line: controls (escapes among them), separators of
#: lines and paragraphs, and halves of surrogate pairs.
_NO_LETTERS = ("Cc", "Zl", "Zp", "Cs")


def counted(number: int, noun: str) -> str:
    """``1 field``, ``2 fields``."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """``fields``, ``days``, ``policies``."""
    return f"{noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{noun}s"


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
