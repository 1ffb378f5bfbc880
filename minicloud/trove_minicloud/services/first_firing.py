# SPDX-License-Identifier: Apache-2.0
"""Holds Mistral's cron triggers back until Keystone has answered for the first time.

All services start at once, and Mistral would be the first to be up. It advances a trigger before it
asks Keystone for a token, so what came due while the machine was off would be lost by the start.
"""

import functools
from collections.abc import Callable
from typing import Any

import requests

_TIMEOUT = 5.0


def hold_back(periodic: Any, keystone_url: str) -> None:
    """Have each round of Mistral's module of periodic tasks end at once until then.

    Before the module is set up. What is due stays due, and is fired a second after.
    """
    fire = periodic.process_cron_triggers_v2
    periodic.process_cron_triggers_v2 = _after_first_answer(fire, keystone_url)


def _after_first_answer(fire: Callable[..., Any], url: str) -> Callable[..., Any]:
    answered = False

    @functools.wraps(fire)
    def called(*arguments: Any, **named: Any) -> Any:
        nonlocal answered
        answered = answered or _answers(url)
        return fire(*arguments, **named) if answered else None

    return called


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=_TIMEOUT).ok
    except requests.RequestException:
        return False
