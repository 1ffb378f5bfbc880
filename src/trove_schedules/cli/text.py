# SPDX-License-Identifier: Apache-2.0
"""How both programs write a schedule's objects for people."""

from __future__ import annotations

import json
from typing import Any

from trove_schedules.reason import reason


def json_text(value: dict[str, Any]) -> str:
    """An object as one line of JSON, its keys in their own order and its letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def output_text(output: dict[str, Any]) -> str:
    """An execution's output as one line of JSON.

    In an error Mistral repeats its long ``state_info`` there as ``result``; people get the reason.
    """
    result = output.get("result")
    if isinstance(result, str):
        output = output | {"result": reason(result)}
    return json_text(output)
