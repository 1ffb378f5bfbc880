# SPDX-License-Identifier: Apache-2.0
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.minicloud.services import cloud_state
from trove_minicloud.errors import RecoveryError, StoreError
from trove_minicloud.root import Root
from trove_minicloud.services import own_state, recovery_key, state_copies
from trove_minicloud.stores.local import LocalStore

LOCATION = "file:///root/backups/instance-1/a.tar.zst"
NIGHT = datetime(2026, 11, 28, 2, tzinfo=UTC)


class Clock(datetime):
    current = NIGHT

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.current


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(state_copies, "datetime", Clock)
    Clock.current = NIGHT
    return Clock


@pytest.fixture(autouse=True)
def cloud(root: Root) -> None:
    cloud_state.make(root)


def copies(root: Root) -> list[str]:
    return sorted(path.name for path in root.backups.rglob("*") if path.is_file())


def test_the_state_is_copied_once_a_night_and_comes_back(
    root: Root, store: LocalStore, clock: type[Clock], tmp_path: Path
) -> None:
    for hours in (0, 1, 19, 24):
        clock.current = NIGHT + timedelta(hours=hours)
        state_copies.after_backup(root, LOCATION)

    assert copies(root) == ["20261128T020000Z.sealed", "20261129T020000Z.sealed"]
    known = state_copies.record(root)
    assert known.copied_at == "2026-11-29T02:00:00+00:00"
    assert known.url.endswith("/20261129T020000Z.sealed")
    assert known.size == Path(known.url.removeprefix("file://")).stat().st_size
    assert known.error == known.unfinished == ""
    assert b"a key of Keystone's" not in Path(known.url.removeprefix("file://")).read_bytes()

    key = recovery_key.read(root.recovery_key)
    newest, _older = state_copies.names(store, key)
    other = Root.at(tmp_path / "other")
    other.prepare()
    state_copies.recover(other, store, newest, key)
    assert cloud_state.row_of(other, "keystone") == ("keystone", "wal")


def test_the_newest_three_are_kept(root: Root, clock: type[Clock]) -> None:
    for day in range(5):
        clock.current = NIGHT + timedelta(days=day)
        state_copies.after_backup(root, LOCATION)

    assert copies(root) == [f"202611{day}T020000Z.sealed" for day in ("30",)] + [
        f"202612{day}T020000Z.sealed" for day in ("01", "02")
    ]


def test_a_clock_that_was_set_back_ends_no_copies(root: Root, clock: type[Clock]) -> None:
    state_copies.after_backup(root, LOCATION)
    clock.current = NIGHT - timedelta(days=300)
    state_copies.after_backup(root, LOCATION)

    assert state_copies.record(root).copied_at == clock.current.isoformat()


def test_a_failure_is_on_record_and_the_next_backup_tries_again(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_copies.after_backup(root, LOCATION)
    good = state_copies.record(root)
    Clock.current = NIGHT + timedelta(days=1)

    def fails(_root: Root, sink: own_state.Sink) -> None:
        sink.write(b"half" * 1000)
        raise StoreError("the bucket is gone")

    with monkeypatch.context() as patch:
        patch.setattr(own_state, "pack", fails)
        state_copies.after_backup(root, LOCATION)
    known = state_copies.record(root)
    assert (known.copied_at, known.url) == (good.copied_at, good.url)
    assert known.error == "2026-11-29 02:00:00 UTC: the bucket is gone"
    assert copies(root) == ["20261128T020000Z.sealed"]

    state_copies.after_backup(root, LOCATION)
    assert state_copies.record(root).error == ""
    assert len(copies(root)) == 2


def test_what_a_killed_process_left_is_removed_by_the_next_copy(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_killed(_root: Root, sink: own_state.Sink) -> None:
        sink.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(own_state, "pack", is_killed)
        patch.setattr(LocalStore, "remove_all", lambda *_what: None)
        with pytest.raises(KeyboardInterrupt):
            state_copies.after_backup(root, LOCATION)
    assert copies(root) == ["20261128T020000Z.sealed.partial"]

    Clock.current = NIGHT + timedelta(hours=1)
    state_copies.after_backup(root, LOCATION)
    assert copies(root) == ["20261128T030000Z.sealed"]


def test_two_backups_that_end_at_once_make_one_copy(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    pack = own_state.pack

    def waits(root: Root, sink: own_state.Sink) -> None:
        begun.set()
        assert go_on.wait(30)
        pack(root, sink)

    monkeypatch.setattr(own_state, "pack", waits)
    first = threading.Thread(target=state_copies.after_backup, args=(root, LOCATION))
    first.start()
    assert begun.wait(30)
    state_copies.after_backup(root, LOCATION)
    go_on.set()
    first.join()

    assert len(copies(root)) == 1


def test_nothing_is_copied_into_the_own_swift(root: Root) -> None:
    state_copies.after_backup(root, "http://127.0.0.1:1/v1/AUTH_p/c/i_a.tar.zst")

    assert state_copies.record(root) == state_copies.Record()


def test_copies_of_another_cloud_stay_and_are_not_opened(root: Root, store: LocalStore) -> None:
    key = b"k" * 32
    with pytest.raises(RecoveryError, match=r"own state in file:.*/backups\.$"):
        state_copies.names(store, key)
    for day in range(4):
        Clock.current = NIGHT + timedelta(days=day)
        state_copies.after_backup(root, LOCATION)
    with pytest.raises(RecoveryError, match="for this key; there are copies for another one"):
        state_copies.names(store, key)

    recovery_key.keep(root, key)
    for day in range(4, 8):
        Clock.current = NIGHT + timedelta(days=day)
        state_copies.after_backup(root, LOCATION)
    assert len(copies(root)) == 6
    assert len(state_copies.names(store, key)) == 3
