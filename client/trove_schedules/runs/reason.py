# SPDX-License-Identifier: Apache-2.0
"""Why a run failed, found in the long text that Mistral keeps about it."""

from __future__ import annotations


def reason(state_info: str | None) -> str | None:
    """The line of an execution's ``state_info`` that people need, or None where there is none.

    Mistral reports every attempt at a failed action as ``… [action=…, action_ex_id=…,
    msg='…']``. The last attempt's ``msg`` is the reason; a text without one ends with it.
    """
    if state_info is None:
        return None
    _, found, message = state_info.rpartition("msg='")
    if not found:
        return _in_one_line(_last_line(state_info))
    # A message may hold quotes and brackets of its own, and one that Mistral cut has no end.
    whole, end, _ = message.rpartition("']")
    return _in_one_line(whole if end else message)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _in_one_line(text: str) -> str | None:
    return " ".join(text.split()) or None
