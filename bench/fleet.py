# SPDX-License-Identifier: Apache-2.0
"""One policy for all instances of a project, at Trove's default limit of requests.

Of the instances, some fail. After three attempts, each of the others must have one backup of the
due time, and the failing ones must be named. Then instances are made, deleted and renamed out of
the policy's match, and the next night has to be right too.

With ``--kill-mistral``, Mistral is killed in the middle of the first run. With ``--token-life N``,
tokens end after N seconds instead of an hour. Each attempt then begins when the one before has
ended, and backs up what that has left.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench import faults, report
from bench.crowd import Crowd
from bench.firings import Member
from bench.minicloud import import_path, mini_cloud
from bench.report import Report
from bench.requests import this_minute
from bench.traffic import OPTIONS, Traffic, Wire

ATTEMPTS = 3
#: Minutes between two of them, and between those that begin one after the other.
_RETRY_EVERY, _RETRY_APART = 1, 19
_ENDED = ("SUCCESS", "ERROR")
_POLL = 1.0
#: Seconds that a night may take. After a kill, a run may be waited for until its token has ended.
_PATIENCE = 3 * 3600.0


@dataclass(frozen=True)
class Size:
    """How many instances there are, fail, are made, are deleted and are renamed."""

    instances: int
    failing: int
    made: int
    deleted: int
    renamed: int
    parallel: int

    @classmethod
    def of(cls, count: int, parallel: int = 5) -> Size:
        """A tenth of N fail, a fifth are made, a tenth deleted and a twentieth renamed."""
        return cls(count, count // 10, count // 5, count // 10, count // 20, parallel)


@dataclass(frozen=True)
class Trouble:
    """What befalls the first night.

    :ivar kill_mistral: when a third of the instances have their backups.
    :ivar token_life: seconds; None is an hour.
    """

    kill_mistral: bool = False
    token_life: int | None = None

    @property
    def any(self) -> bool:
        return self.kill_mistral or self.token_life is not None


UNTROUBLED = Trouble()


@dataclass(frozen=True)
class Night:
    """What became of one due time.

    :ivar outputs: of the policy's runs, one after the other.
    :ivar backups: how many of each state each instance has, by their ids.
    """

    outputs: list[dict[str, Any]]
    backups: dict[str, Counter[str]]
    traffic: Traffic
    minutes: float


def night(
    crowd: Crowd,
    policy: Member,
    due: datetime,
    runs: int,
    *,
    apart: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> Night:
    """Fire the policy, and follow it until N runs have ended.

    :param apart: fire it for each of them, instead of once.
    :param meanwhile: is called again and again until then.
    """
    wire, before = Wire(crowd.root), len(crowd.policy_runs(policy.id))
    began = time.monotonic()
    for wanted in range(1, runs + 1) if apart else [runs]:
        crowd.fire([policy], due - timedelta(days=400))
        while True:
            new = crowd.policy_runs(policy.id)[before:]
            if len(new) >= wanted and all(run.state in _ENDED for run in new):
                break
            if time.monotonic() - began > _PATIENCE:
                raise RuntimeError(f"{[run.state for run in new]} after {_PATIENCE:.0f} s")
            meanwhile()
            time.sleep(_POLL)
    return Night(
        [json.loads(run.output) for run in new],
        crowd.backups_of(policy.id, due),
        wire.traffic(),
        (time.monotonic() - began) / 60,
    )


class KillMistral:
    """Kills Mistral once, when N instances have a backup of the policy."""

    def __init__(self, crowd: Crowd, policy: Member, due: datetime, after: int) -> None:
        self._crowd, self._policy, self._due, self._after = crowd, policy, due, after
        self._done = False

    def __call__(self) -> None:
        if self._done or len(self._crowd.backups_of(self._policy.id, self._due)) < self._after:
            return
        self._done = True
        faults.killed("mistral")(self._crowd.root)
        print("Mistral is killed", file=sys.stderr)


def judge(
    found: Report,
    what: str,
    ours: Night,
    good: Collection[str],
    bad: int,
    *,
    whole: bool = True,
) -> None:
    """Note what is not as it has to be, and the figures.

    :param whole: the first run has to reach all instances.
    """
    done = {
        each: counts["COMPLETED"] for each, counts in ours.backups.items() if counts["COMPLETED"]
    }
    found.expect(f"{what}: instances with one backup", done, dict.fromkeys(good, 1))
    first, last = ours.outputs[0], ours.outputs[-1]
    if whole:
        found.expect(f"{what}: made", first["counts"]["made"], len(good))
        found.expect(f"{what}: failed and named at first", len(first["failed"]), bad)
    found.expect(f"{what}: failed and named in the end", len(last["failed"]), bad)
    if len(ours.outputs) > 1:
        found.expect(f"{what}: done before the last attempt", last["counts"]["done"], len(good))
    found.expect(f"{what}: refused requests", ours.traffic.refused, 0)
    largest = max(len(json.dumps(each)) for each in ours.outputs)
    found.expect(f"{what}: outputs of at most 8 KB", largest <= 8192, True)
    found.add(f"{what}: all attempts took", "min", ours.minutes)
    found.add(f"{what}: requests to Trove", "", ours.traffic.trove.total())
    found.add(f"{what}: largest output", "bytes", largest)
    for each in ours.outputs:
        print(f"{what}: {each['status']}", file=sys.stderr)


def measure(
    found: Report,
    crowd: Crowd,
    size: Size,
    attempts: int = ATTEMPTS,
    trouble: Trouble = UNTROUBLED,
) -> None:
    """Two nights of a policy."""
    owner = crowd.project()
    good = crowd.instances(owner.id, size.instances - size.failing)
    crowd.instances(owner.id, size.failing, failing=True)
    due = this_minute()
    policy = crowd.policy(
        owner,
        due,
        attempts=attempts,
        retry_every=_RETRY_APART if trouble.any else _RETRY_EVERY,
        max_parallel=size.parallel,
        takes="^light-",
    )
    kill = KillMistral(crowd, policy, due, size.instances // 3)
    first = night(
        crowd,
        policy,
        due,
        attempts,
        apart=trouble.any,
        meanwhile=kill if trouble.kill_mistral else lambda: None,
    )
    judge(found, "first night", first, good, size.failing, whole=not trouble.any)
    if trouble.any:
        return

    crowd.a_day_later()
    gone, renamed = good[: size.deleted], good[size.deleted :][: size.renamed]
    for each in gone:
        crowd.change(each, deleted=True)
    for each in renamed:
        crowd.change(each, name="other")
    good = good[size.deleted + size.renamed :] + crowd.instances(owner.id, size.made)
    judge(found, "next night", night(crowd, policy, due, 1), good, size.failing)


def run(size: Size, trouble: Trouble) -> Report:
    """Measure a policy of N instances on a mini cloud of its own."""
    import_path()
    found = Report("fleet")
    overrides = dict(OPTIONS)
    if trouble.token_life is not None:
        overrides["keystone"] = f"[token]\nexpiration = {trouble.token_life}\n"
    with mini_cloud(overrides=overrides) as root:
        measure(found, Crowd(root), size, trouble=trouble)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parallel", type=int, default=5, metavar="N", help="at a time")
    parser.add_argument(
        "--instances", type=int, default=100, metavar="N", help="of the first night"
    )
    parser.add_argument(
        "--kill-mistral", action="store_true", help="in the middle of the first run"
    )
    parser.add_argument("--token-life", type=int, metavar="SECONDS", help="of all tokens")
    chosen = parser.parse_args()
    report.end_when_told()
    size = Size.of(chosen.instances, chosen.parallel)
    found = run(size, Trouble(chosen.kill_mistral, chosen.token_life))
    print(f"written: {found.write()}", file=sys.stderr)
    return report.finish([found])


if __name__ == "__main__":
    sys.exit(main())
