# SPDX-License-Identifier: Apache-2.0
"""Clients of one Mistral whose requests come in every order, one at a time.

Each client is a greenlet, which stops before each of its requests until it is let go. What one
order has shown is forgotten, and all begins anew for the next one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import requests
from greenlet import getcurrent, greenlet

from tests.mistral_api import URL, MistralApi, Row, Saved

PROJECT = "0123456789abcdef0123456789abcdef"


class KilledError(BaseException):
    """The client is no more; nothing catches this."""


@dataclass
class _Moment:
    """What a Mistral knew, and what came of each question that it was asked then."""

    saved: Saved
    then: dict[Any, tuple[Any, _Moment]] = field(default_factory=dict)


class Memory:
    """A Mistral that is asked a question once, and otherwise remembers.

    What it answers, and what it knows afterwards, follows from what it knows and from the question.
    So an order of requests that begins as one before it is remembered up to where it differs, and
    looks in between change nothing. That is what makes thousands of orders affordable.
    """

    def __init__(self, mistral: MistralApi) -> None:
        self._mistral = mistral
        self._first = self._moment = self._reached = _Moment(mistral.save())

    def begin_here(self) -> None:
        """Let all that has happened be there from the beginning."""
        self._first = self._moment

    def begin(self) -> None:
        """Let nothing have happened since."""
        self._moment = self._first

    @property
    def now(self) -> datetime:
        clock = self._moment.saved.clock
        assert clock is not None
        return clock

    def rows(self, kind: str) -> list[Row]:
        return self._moment.saved.rows[kind]

    def does(self, question: Any, do: Callable[[MistralApi], Any]) -> Any:
        """What comes of it; the same question has to be the same thing to do."""
        if question not in self._moment.then:
            if self._reached is not self._moment:
                self._mistral.restore(self._moment.saved)
            answer, saved = do(self._mistral), self._mistral.save()
            self._reached = self._moment if saved == self._moment.saved else _Moment(saved)
            self._moment.then[question] = answer, self._reached
        answer, self._moment = self._moment.then[question]
        return answer

    def wait(self, **time: float) -> None:
        self.does(("wait", *time.items()), lambda mistral: mistral.wait(**time))


class Wire:
    """What a Mistral client sends its requests through."""

    def __init__(
        self, mistral: Memory, token: str, before: Callable[[str], None] = lambda method: None
    ) -> None:
        self.session = None
        self.project_id = PROJECT
        self.mistral, self.token, self.before = mistral, token, before

    def client(self) -> Any:
        """As python-mistralclient's clients are."""
        return SimpleNamespace(cron_triggers=SimpleNamespace(http_client=self))

    def get(self, path: str) -> requests.Response:
        return self._send("GET", path)

    def post(self, path: str, body: str) -> requests.Response:
        return self._send("POST", path, body)

    def delete(self, path: str) -> requests.Response:
        return self._send("DELETE", path)

    def _send(self, method: str, path: str, body: str = "") -> requests.Response:
        self.before(method)
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/json"}
        response: requests.Response = self.mistral.does(
            (method, path, body), lambda mistral: mistral.ask(method, URL + path, headers, body)
        )
        return response


class _Client(greenlet):
    """A client, and what it does next."""

    def __init__(self, number: int, do: Callable[[Any], Any], killed_at: int | None) -> None:
        """:param killed_at: before this request, counted from 1, it is killed."""
        super().__init__(self._run)
        self.number, self.killed_at = number, killed_at
        self.result: Any = None
        self.following: str | None = None
        self._do, self._sent = do, 0

    def before(self, method: str) -> None:
        self._sent += 1
        if self._sent == self.killed_at:
            raise KilledError
        self.following = method
        self.parent.switch()

    def kill(self) -> None:
        """Let it send nothing more."""
        self.throw(KilledError)

    def _run(self, wire: Wire) -> None:
        try:
            self.result = self._do(wire.client())
        except (KilledError, Exception) as error:
            self.result = error
        self.following = None


def whose() -> str:
    """Which client is at work."""
    client = getcurrent()
    return f"client {client.number}" if isinstance(client, _Client) else "nobody"


@dataclass(frozen=True)
class Step:
    """Who sent what kind of request."""

    client: int
    method: str


@dataclass(frozen=True)
class Outcome:
    """What came of an order of requests: a value or an error for each client."""

    steps: tuple[Step, ...]
    results: tuple[Any, ...]

    def __str__(self) -> str:
        order = " ".join(f"{each.client}:{each.method}" for each in self.steps)
        return f"{order} -> {self.results}"


def orders(
    begin: Callable[[], tuple[Memory, str, Sequence[Callable[[Any], Any]]]],
    *,
    killed: dict[int, int] | None = None,
    samples: int | None = None,
) -> Iterator[tuple[Memory, Outcome]]:
    """Every order of the clients' requests, and what came of it.

    :param begin: a Mistral, a token, and what each client does with a client of Mistral.
    :param killed: before which of its requests which client is killed.
    :param samples: so many orders by chance, instead of every one.
    """
    if samples is not None:
        chance = random.Random(samples)
        for _ in range(samples):
            mistral, outcome, _ = _run(begin, killed or {}, [], chance)
            yield mistral, outcome
        return
    prefix: list[int] = []
    while True:
        mistral, outcome, choices = _run(begin, killed or {}, prefix, None)
        if outcome is not None:
            yield mistral, outcome
        taken = [taken for taken, _ in choices]
        while choices and choices[-1][0] >= choices[-1][1] - 1:
            choices.pop()
        if not choices:
            return
        prefix = [*taken[: len(choices) - 1], choices[-1][0] + 1]


def _run(
    begin: Callable[[], tuple[Memory, str, Sequence[Callable[[Any], Any]]]],
    killed: dict[int, int],
    prefix: list[int],
    chance: random.Random | None,
) -> tuple[Memory, Any, list[tuple[int, int]]]:
    """One order: the first choices as they are given, the others the first or by chance."""
    mistral, token, commands = begin()
    clients = [_Client(number, do, killed.get(number)) for number, do in enumerate(commands)]
    for client in clients:
        client.switch(Wire(mistral, token, client.before))
    steps: list[Step] = []
    choices: list[tuple[int, int]] = []
    while any(client.following for client in clients):
        ready = [
            number
            for number, client in enumerate(clients)
            if client.following and not (chance is None and _same_as_swapped(steps, number, client))
        ]
        if not ready:
            # What would follow is the same as an order that was, or will be, taken.
            for client in clients:
                if client.following:
                    client.kill()
            return mistral, None, choices
        at = len(choices)
        taken = prefix[at] if at < len(prefix) else chance.randrange(len(ready)) if chance else 0
        choices.append((taken, len(ready)))
        client = clients[ready[taken]]
        steps.append(Step(ready[taken], str(client.following)))
        client.switch()
    return mistral, Outcome(tuple(steps), tuple(each.result for each in clients)), choices


def _same_as_swapped(steps: list[Step], number: int, client: _Client) -> bool:
    """Whether the last step and this one are two looks, whose order makes no difference."""
    return bool(
        steps and steps[-1].client > number and steps[-1].method == client.following == "GET"
    )


def triggers_of(mistral: Memory | MistralApi, schedule: str) -> list[Row]:
    """The rows of all triggers that have to do with a schedule."""
    return [row for row in mistral.rows("cron_triggers") if schedule in row["name"]]
