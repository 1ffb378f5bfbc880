# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.guest.postgresql import server_config, session


def _options(**changes: Any) -> dict[str, str]:
    return dict(session._options(examples.instance(**changes)))


@pytest.mark.parametrize(
    ("version", "known"), [("13.2", 0), ("15.20", 1), ("16.1", 1), ("18.6", 3)]
)
def test_a_server_is_only_sent_what_its_version_knows(version: str, known: int) -> None:
    newer = {"idle_session_timeout", "transaction_timeout", "event_triggers"}
    assert len(newer & _options(version=version).keys()) == known
    assert _options(version=version)["search_path"] == "pg_catalog"


def test_a_user_of_a_server_that_is_not_ours_sends_only_what_every_user_may() -> None:
    only_ours = {"event_triggers", "session_preload_libraries"}
    assert only_ours <= _options(version="18.6", managed=True).keys()
    assert not only_ours & _options(version="18.6", managed=False).keys()


def test_a_copy_is_only_configured_with_what_its_version_knows() -> None:
    assert server_config.quiet_settings(15) == {"max_logical_replication_workers": "0"}
    assert server_config.quiet_settings(17)["event_triggers"] == "off"
