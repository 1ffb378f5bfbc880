# SPDX-License-Identifier: Apache-2.0
"""Why a run failed, found in the long text that Mistral keeps about it."""

from __future__ import annotations

import re

#: What Mistral's own text begins with; it may have any number of lines.
_OF_MISTRAL = "Failure caused by error"
#: What a run says of a failed backup, if its guest has put that backup's id into the instance's
#: fault, as the mini cloud's does.
_OF_A_BACKUP = re.compile(
    r"Backup (?P<id>\S+) failed\. Last fault of the instance, \S+"
    r" Backup (?P=id) FAILED: (?P<cause>.+)"
)


def reason(state_info: str | None) -> str | None:
    """The line of an execution's ``state_info`` that people need, or None where there is none.

    Mistral reports every attempt at a failed action as ``… [action=…, action_ex_id=…,
    msg='…']``. The last attempt's ``msg`` is the reason. Mistral's text without one ends with it. A
    text of the workbook's is the reason, in as many lines as Trove has broken it into.
    """
    if state_info is None:
        return None
    _, found, message = state_info.rpartition("msg='")
    if not found:
        if state_info.startswith(_OF_MISTRAL):
            return _in_one_line(_last_line(state_info))
        return _cause(_in_one_line(state_info))
    # A message may hold quotes and brackets of its own, and one that Mistral cut has no end.
    whole, end, _ = message.rpartition("']")
    return _in_one_line(whole if end else message)


def _cause(text: str | None) -> str | None:
    known = _OF_A_BACKUP.fullmatch(text) if text else None
    return known["cause"] if known else text


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _in_one_line(text: str) -> str | None:
    return " ".join(text.split()) or None
