# SPDX-License-Identifier: Apache-2.0
"""Requests are counted by what the services logged."""

from __future__ import annotations

from collections import Counter

from bench.traffic import Traffic, traffic

LOG = """\
2026-11-27 DEBUG urllib3.connectionpool [req-1] Starting new HTTP connection (1): 127.0.0.1:7001
2026-11-27 DEBUG urllib3.connectionpool [req-1] http://127.0.0.1:7001 "GET /v1.0/p/backups?limit=5 \
HTTP/1.1" 200 812
2026-11-27 DEBUG urllib3.connectionpool [req-1] http://127.0.0.1:7001 "POST /v1.0/p/backups \
HTTP/1.1" 413 75
2026-11-27 DEBUG urllib3.connectionpool http://127.0.0.1:7002 "GET /v3 HTTP/1.1" 200 None
2026-11-27 WARNING mistral_extra http://127.0.0.1:7001/v1.0/p/backups failed
2026-11-27 DEBUG urllib3.connectionpool http://127.0.0.1:70011 "GET / HTTP/1.1" 200 1
"""


def test_requests_are_counted_by_service_and_method_and_refused_ones_apart() -> None:
    found = traffic(LOG.splitlines(), trove=7001, keystone=7002)
    assert found == Traffic(Counter(GET=1, POST=1), refused=1, keystone=1)
