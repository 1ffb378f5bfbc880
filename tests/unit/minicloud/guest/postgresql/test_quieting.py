# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.minicloud import examples
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql import quieting
from trove_minicloud.root import Root


@pytest.fixture
def copy(root: Root, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """Of a server without subscriptions and triggers."""
    monkeypatch.setattr(quieting, "databases", lambda *_: [])
    made = examples.saved(root, id="copy-1", name="copy")
    made.data(root).mkdir()
    return made


def test_settings_that_would_act_for_the_source_are_named(root: Root, copy: Instance) -> None:
    (copy.data(root) / "postgresql.conf.source").write_text(
        "shared_preload_libraries = 'pg_stat_statements,pg_cron'  # both\n"
        "archive_mode = off\n#primary_conninfo = 'host=example'\n"
    )
    (copy.data(root) / "postgresql.auto.conf.source").write_text(
        "ARCHIVE_MODE 'on'\nprimary_conninfo='host=h password=''secret'' '\n"
    )

    off, on_again = quieting.switched_off(root, copy)

    assert off == (
        "switched off in copy, which must not act for its original: shared_preload_libraries ="
        " 'pg_stat_statements,pg_cron', archive_mode = 'on', primary_conninfo"
    )
    assert "remove max_logical_replication_workers and event_triggers from /" in on_again
    assert "secret" not in on_again


def test_a_copy_of_a_plain_server_has_nothing_switched_off(root: Root, copy: Instance) -> None:
    (copy.data(root) / "postgresql.conf.source").write_text("archive_mode = off\n")

    assert quieting.switched_off(root, copy) == []
