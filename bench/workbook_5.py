# SPDX-License-Identifier: Apache-2.0
"""What a firing cost with version 5 of the workbook, to print beside what it costs now."""

from __future__ import annotations

from dataclasses import dataclass

from bench.report import Report

# What is measured
RUN_1 = "run of 1 attempt"
RUN_3 = "run of 3 attempts"
FURTHER = "further attempt"
KEEPING = "run with retention"
INCREMENTAL = "incremental run with retention"
#: One of these, and how many backups were kept.
What = tuple[str, int]


@dataclass(frozen=True)
class Figures:
    """Of one firing.

    :ivar trove: requests to Trove, by all methods.
    :ivar keystone: requests to Keystone, by Mistral and by Trove.
    :ivar rows: that its execution left in Mistral's database: workflows, tasks and actions.
    :ivar kilobytes: the lengths of all columns of these rows.
    """

    trove: int
    keystone: int
    rows: int
    kilobytes: float


UNITS = {"trove": "to Trove", "keystone": "to Keystone", "rows": "rows", "kilobytes": "KB"}
# Measured by `bench.requests`, when each action cost six requests to Keystone; the lower of two
# runs, which a look at the backup more or less makes differ.
_TROVE_BEFORE = {
    RUN_1: {0: 4, 5: 9, 14: 9, 30: 9, 100: 9},
    RUN_3: {0: 4, 5: 9, 14: 18, 30: 24, 100: 24},
    FURTHER: {0: 2, 5: 7, 14: 16, 30: 21, 100: 21},
    KEEPING: {0: 6, 5: 17, 14: 35, 30: 57, 100: 127},
    INCREMENTAL: {40: 87},
}
#: Keystone, rows and KB. A run by hand has its catalog from the person's own request.
_REST_BEFORE = {
    RUN_1: (21, 7, 27.8),
    RUN_3: (21, 7, 27.9),
    FURTHER: (9, 3, 19.3),
    KEEPING: (0, 11, 33.4),
    INCREMENTAL: (0, 11, 33.9),
}
BEFORE = {
    (what, kept): Figures(trove, *_REST_BEFORE[what])
    for what, counts in _TROVE_BEFORE.items()
    for kept, trove in counts.items()
}
#: KB that Mistral's database grew by, each time.
GROWTH = {RUN_1: 40.1, FURTHER: 26.6}


def beside(found: Report, what: str, unit: str, ours: float, theirs: float | None) -> None:
    """Add a figure of today, and that of version 5 where there is one."""
    if theirs is None:
        found.add(what, unit, ours)
    else:
        found.add(what, unit, ours, against="workbook 5", theirs=theirs)
