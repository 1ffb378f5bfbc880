# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from typing import Any

import requests
import requests_mock

from trove_minicloud.services import first_firing

URL = "http://127.0.0.1:5000/v3"
TROUBLES: tuple[dict[str, Any], ...] = (
    {"exc": requests.ConnectionError},
    {"exc": requests.Timeout},
    {"status_code": 503},
)


def test_nothing_is_fired_before_keystone_has_answered_and_all_of_it_then() -> None:
    fired: list[str] = []
    periodic = SimpleNamespace(process_cron_triggers_v2=lambda _task, ctx: fired.append(ctx))
    first_firing.hold_back(periodic, URL)

    with requests_mock.Mocker() as keystone:
        for trouble in TROUBLES:
            keystone.get(URL, **trouble)
            periodic.process_cron_triggers_v2("task", ctx="too early")
        keystone.get(URL)
        periodic.process_cron_triggers_v2("task", ctx="first")
        # It is not asked again.
        keystone.get(URL, exc=requests.ConnectionError)
        periodic.process_cron_triggers_v2("task", ctx="second")

    assert fired == ["first", "second"]
