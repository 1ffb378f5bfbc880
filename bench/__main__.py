# SPDX-License-Identifier: Apache-2.0
"""``python -m bench``: every benchmark, one after the other, as one table of ratios."""

import sys

from bench import burst, history, latency, overview, report, requests, start, stores, stream

#: In the order of the table.
BENCHMARKS = (history, overview, latency, start, requests, burst, stream, stores)

if __name__ == "__main__":
    sys.exit(report.run_all([(each.run, getattr(each, "draw", None)) for each in BENCHMARKS]))
