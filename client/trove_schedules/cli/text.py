# SPDX-License-Identifier: Apache-2.0
"""How both programs write: a schedule's objects for people, and every text in one piece."""

from __future__ import annotations

import json
from typing import Any, TextIO

from trove_schedules.runs.reason import reason


def json_text(value: dict[str, Any] | list[Any]) -> str:
    """A value as one line of JSON, its keys in their own order and its letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def write(stream: TextIO, text: str, *, for_people: bool = False) -> None:
    r"""Write a text whole, whatever letters the stream's encoding lacks.

    Programs get UTF-8 in any locale. People get their terminal's encoding, with ``\u043d`` for a
    letter that it lacks.
    """
    buffer = getattr(stream, "buffer", None)
    if buffer is None:  # no bytes behind it, as in a test or another program's window
        stream.write(text)
        return
    encoding = stream.encoding if for_people else "utf-8"
    stream.flush()
    buffer.write(text.encode(encoding, "backslashreplace"))
    buffer.flush()


def output_text(output: dict[str, Any]) -> str:
    """An execution's output as one line of JSON.

    In an error Mistral repeats its long ``state_info`` there as ``result``; people get the reason.
    """
    result = output.get("result")
    if isinstance(result, str):
        output = output | {"result": reason(result)}
    return json_text(output)
