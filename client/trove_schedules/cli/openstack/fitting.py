# SPDX-License-Identifier: Apache-2.0
"""Fitting a table of several objects to a terminal without breaking an ID.

The host narrows the widest columns, which are IDs: broken in two, they can't be copied. So texts
are wrapped between words before it has to.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from cliff import utils


def fitted(
    headers: Sequence[str], rows: list[list[Any]], parsed: argparse.Namespace
) -> list[list[Any]]:
    """The rows as the terminal, or ``--max-width``, has room for them.

    They stay as they are where there is room enough, or not even for the words.
    """
    room = _room(parsed)
    if room is None or not rows:
        return rows
    columns = [[str(cell) for cell in column] for column in zip(*rows, strict=True)]
    widths = [
        max(len(text) for text in (header, *column))
        for header, column in zip(headers, columns, strict=True)
    ]
    least = [
        max(len(word) for word in (header, *" ".join(column).split()))
        for header, column in zip(headers, columns, strict=True)
    ]
    while sum(widths) + 3 * len(widths) + 1 > room:  # a column has two spaces and a line
        can_wrap = [at for at, width in enumerate(widths) if width > least[at]]
        if not can_wrap:
            return rows
        widths[max(can_wrap, key=lambda at: widths[at])] -= 1
    return [[_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
            for row in rows]  # fmt: skip


def _room(parsed: argparse.Namespace) -> int | None:
    """The width that the host fits a table to, by its own rules; None where it doesn't."""
    if parsed.max_width > 0:
        return int(parsed.max_width)
    if parsed.fit_width or sys.stdout.isatty():
        return utils.terminal_width()
    return None


def _wrapped(cell: Any, width: int) -> Any:
    if not isinstance(cell, str) or len(cell) <= width:
        return cell
    return textwrap.fill(cell, width, break_long_words=False, break_on_hyphens=False)
