# SPDX-License-Identifier: Apache-2.0
"""A clock that several processes follow when it is moved."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from bench.clock import VARIABLE, own_clock

_ASKED = (
    "import datetime, sys, time\n"
    "for line in sys.stdin:\n"
    "    print(datetime.datetime.now(datetime.UTC).year, time.gmtime().tm_year,"
    " datetime.datetime.fromtimestamp(time.time()).year, 'pytest' in sys.modules, flush=True)\n"
)


def test_a_process_that_runs_follows_each_move_and_this_one_too() -> None:
    with (
        own_clock() as clock,
        subprocess.Popen(
            [sys.executable, "-c", _ASKED],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other,
    ):
        assert other.stdin and other.stdout
        for year in (2031, 2044, 2038):
            clock.move_to(datetime(year, 7, 1, tzinfo=UTC))
            other.stdin.write("\n")
            other.stdin.flush()
            assert other.stdout.readline().split() == [str(year)] * 3 + ["False"]
            assert datetime.now(UTC).year == year
        other.stdin.close()


def test_the_clock_goes_on_from_where_it_was_moved_to() -> None:
    with own_clock() as clock:
        moment = datetime(2031, 7, 1, tzinfo=UTC)
        clock.move_to(moment)
        time.sleep(0.05)
        assert timedelta(seconds=0.05) <= datetime.now(UTC) - moment < timedelta(seconds=30)


def test_what_waits_for_seconds_is_not_hurried() -> None:
    with own_clock() as clock:
        before = time.monotonic()
        clock.move_to(datetime(2044, 7, 1, tzinfo=UTC))
        assert time.monotonic() - before < 30


def test_afterwards_all_is_as_before() -> None:
    environment, before = dict(os.environ), datetime.now(UTC)
    with own_clock() as clock:
        clock.move_to(datetime(2044, 7, 1, tzinfo=UTC))
        assert os.environ[VARIABLE]
    assert dict(os.environ) == environment
    assert datetime.now(UTC) - before < timedelta(seconds=30)
