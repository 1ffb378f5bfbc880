# SPDX-License-Identifier: Apache-2.0
"""How long the mini cloud takes to come up, and the memory that it holds then and under load."""

from __future__ import annotations

import sys
import time
from functools import partial

import psutil

from bench import report
from bench.minicloud import mini_cloud
from bench.report import Report
from trove_minicloud.cloud import daemon
from trove_minicloud.root import Root
from trove_minicloud.supervision import state

MIB = 1 << 20


def memory(root: Root) -> dict[str, float]:
    """The resident memory of each service, in MiB."""
    status = state.load(root)
    assert status is not None
    return {
        each.name: psutil.Process(each.process.pid).memory_info().rss / MIB
        for each in status.programs
        if each.process is not None
    }


def run(full: bool) -> Report:
    found = Report("start")
    firsts, nexts = [], []
    for _ in range(3 if full else 1):
        begin = time.perf_counter()
        with mini_cloud() as root:
            firsts.append(time.perf_counter() - begin)
            held = memory(root)
            daemon.down(root)
            nexts.append(report.timed(partial(daemon.up, root, lambda _line: None))())
            found.expect("services", sorted(memory(root)), ["keystone", "mistral", "trove"])
    found.add("start again", "s", nexts, against="the first start", theirs=firsts)
    found.add("memory of the three services", "MiB", sum(held.values()))
    found.series["memory"] = held
    return found


if __name__ == "__main__":
    sys.exit(report.main(run))
