# SPDX-License-Identifier: Apache-2.0
"""The same of every kind of store: what was committed is there, and nothing else is a backup."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests

from tests.contract import stores
from tests.contract.stores import LOGIN, Container, Files, Place
from tests.unit.minicloud import examples
from trove_minicloud.errors import (
    BackupNotFoundError,
    DamagedManifestError,
    RestoreError,
    StoreError,
)
from trove_minicloud.guest import stored
from trove_minicloud.guest.restoring import fetch
from trove_minicloud.stores import parts
from trove_minicloud.stores.destination import S3
from trove_minicloud.stores.manifest import Key
from trove_minicloud.stores.s3 import S3Store
from trove_minicloud.stores.store import Store, key_of
from trove_minicloud.stores.swift_objects import SwiftStore, SwiftWriter, containers

KEY = Key("instance-1", "backup-1")
PART = 100_000
#: Doesn't compress, and is of four parts.
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(90_000))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    with stores.serving_s3(tmp_path_factory.mktemp("s3")) as place:
        yield place


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    with stores.serving_swift(tmp_path_factory.mktemp("swift")) as place:
        yield place


@pytest.fixture(params=["local", "swift", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.setattr(parts, "PART_SIZE", PART)
    place: Place = (
        stores.local(tmp_path)
        if request.param == "local"
        else request.getfixturevalue(request.param)
    )
    yield place
    for backup in ("backup-1", "backup-10", "backup-2"):
        place.store.delete(Key("instance-1", backup))
    assert place.names() == []


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


def bytes_of(store: Store, key: Key) -> bytes:
    with store.open_read(key) as stream:
        read = []
        while data := stream.read(70_000):
            read.append(data)
        return b"".join(read)


def test_what_was_committed_can_be_read(store: Store) -> None:
    manifest = examples.put(store, examples.manifest("backup-1"), CONTENT, b"basis \xc3\xa9")

    assert store.head(KEY) == manifest
    assert store.stored_size(KEY) == len(CONTENT)
    assert store.read_basis(KEY) == b"basis \xc3\xa9"
    assert bytes_of(store, KEY) == CONTENT


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1])
def test_every_size_is_kept(store: Store, size: int) -> None:
    examples.put(store, examples.manifest("backup-1"), CONTENT[:size])

    assert store.stored_size(KEY) == size
    assert bytes_of(store, KEY) == CONTENT[:size]


def test_a_location_names_its_backup(store: Store) -> None:
    location = store.location(KEY)

    assert store.key_of(location) == key_of(location) == KEY
    assert location.endswith("backup-1.tar.zst")
    with pytest.raises(BackupNotFoundError, match="another store"):
        store.key_of("ftp://elsewhere/instance-1/backup-1.tar.zst")


def test_an_upload_is_no_backup_before_its_commit(store: Store) -> None:
    store.begin(KEY).append(CONTENT)

    for look in (store.head, store.open_read, store.stored_size, store.read_basis):
        with pytest.raises(BackupNotFoundError):
            look(KEY)


def test_an_aborted_upload_leaves_nothing(place: Place) -> None:
    upload = place.store.begin(KEY)
    upload.append(CONTENT)

    upload.abort()

    assert place.names() == []


@pytest.mark.parametrize("written", [0, 1])
def test_a_crash_in_the_commit_leaves_no_backup(
    place: Place, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    names: list[str] = []
    put = place.store.put

    def crash(name: str, content: bytes) -> None:
        # Only what a commit writes: a part of the stream is put as well.
        if name.endswith((".json", ".basis")):
            if len(names) == written:
                raise RuntimeError("crash")
            names.append(name)
        put(name, content)

    monkeypatch.setattr(type(place.store), "put", lambda _store, *what: crash(*what))
    with pytest.raises(RuntimeError, match="crash"):
        examples.put(place.store, examples.manifest("backup-1"), CONTENT)

    assert place.names()
    with pytest.raises(BackupNotFoundError):
        place.store.head(KEY)
    assert not any(name.endswith(".json") for name in names)


def test_every_object_is_listed(place: Place) -> None:
    for backup in ("backup-1", "backup-2"):
        examples.put(place.store, examples.manifest(backup), CONTENT)

    assert sorted(place.store.names()) == place.names()
    name = place.store.name(KEY)
    begin = sorted(listed for listed in place.names() if listed.startswith(name))
    assert sorted(place.store.names(name)) == begin
    assert set(begin) >= {f"{name}.json", f"{name}.basis", f"{name}.tar.zst"}


def test_the_backups_of_a_store_are_found_and_all_else_is_named(place: Place) -> None:
    full = examples.put(place.store, examples.manifest("backup-1"), CONTENT)
    last = examples.put(
        place.store,
        examples.manifest("backup-10", 1, kind="incremental", parent_id="backup-1"),
        CONTENT,
    )
    half = examples.put(place.store, examples.manifest("backup-2", 2), CONTENT)
    place.store.remove(f"{place.store.name(half.key)}.json")
    place.store.put("notes", b"not ours")

    found = stored.look(place.store)

    assert found.backups == [full, last]
    assert list(found.refused) == [place.store.location(half.key)]
    assert found.foreign == [f"{place.store.url}/notes"]
    place.store.remove("notes")


def test_the_containers_of_a_project_are_found(swift: Container) -> None:
    url = f"{swift.swift.url}p"

    assert containers(f"{swift.swift.url}nobody", "no token") == []
    examples.put(swift.store, examples.manifest("backup-1"), CONTENT)
    assert containers(url, "no token") == ["backups"]
    swift.store.delete(KEY)


def test_a_folder_of_a_bucket_is_a_store_of_its_own(s3: Files) -> None:
    assert isinstance(s3.store, S3Store)
    store = S3Store(S3(s3.endpoint, "backups", ""), LOGIN, "copied/here")
    manifest = examples.put(store, examples.manifest("backup-1"), CONTENT)
    name = "instance-1/backup-1"

    assert store.location(KEY) == f"s3://backups/copied/here/{name}.tar.zst"
    assert store.head(KEY) == manifest
    assert bytes_of(store, KEY) == CONTENT
    assert sorted(store.names()) == [f"{name}.basis", f"{name}.json", f"{name}.tar.zst"]
    assert sorted(s3.names()) == [f"copied/here/{listed}" for listed in sorted(store.names())]
    store.delete(KEY)
    assert s3.names() == []


def test_the_servers_of_swift_answer_each_other_alone(swift: Container) -> None:
    examples.put(swift.store, examples.manifest("backup-1"), CONTENT)
    forged = {"X-Backend-Between-Servers": "guessed"}

    for port in (swift.swift.account_port, swift.swift.container_port, swift.swift.object_port):
        url = f"http://127.0.0.1:{port}"
        assert requests.get(f"{url}/healthcheck", timeout=30).ok
        for method, headers in (("GET", {}), ("DELETE", forged)):
            answer = requests.request(
                method, f"{url}/device/0/AUTH_p/backups", headers=headers, timeout=30
            )
            assert answer.status_code == 403
        assert requests.request("REPLICATE", f"{url}/device/0", timeout=30).status_code == 403
    assert bytes_of(swift.store, KEY) == CONTENT
    swift.store.delete(KEY)


def test_deletion_takes_all_of_a_backup_and_nothing_of_others(place: Place) -> None:
    others = {}
    for backup in ("backup-10", "backup-2"):
        others[backup] = examples.put(place.store, examples.manifest(backup), CONTENT)
    before = place.names()
    examples.put(place.store, examples.manifest("backup-1"), CONTENT)

    place.store.delete(KEY)
    place.store.delete(KEY)

    assert place.names() == before
    for manifest in others.values():
        assert place.store.head(manifest.key) == manifest


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]"])
def test_a_damaged_manifest_is_an_error_that_names_it(store: Store, content: bytes) -> None:
    examples.put(store, examples.manifest("backup-1"), CONTENT)
    name = f"{store.name(KEY)}.json"
    store.put(name, content)

    with pytest.raises(DamagedManifestError, match=f"{store.url}/{name} is damaged"):
        store.head(KEY)


class Copying:
    """A datastore whose backups are unpacked by copying them."""

    @staticmethod
    def unpack(stream: BinaryIO, folder: Path) -> None:
        with (folder / "copy").open("wb") as copy:
            shutil.copyfileobj(stream, copy)


@pytest.mark.parametrize("fault", ["damage", "lose"])
def test_damaged_or_lost_bytes_are_refused_with_their_location(
    place: Place, tmp_path: Path, fault: str
) -> None:
    manifest = examples.put(
        place.store, examples.manifest("backup-1"), examples.compressed(CONTENT + CONTENT[::-1])
    )
    getattr(place, fault)(f"{place.store.name(KEY)}.tar.zst")

    kind: Any = Copying()
    with pytest.raises(RestoreError, match=str(place.store.name(KEY))):
        fetch(place.store, kind, manifest, tmp_path)


def test_whole_bytes_are_fetched(store: Store, tmp_path: Path) -> None:
    content = examples.compressed(CONTENT)
    manifest = examples.put(store, examples.manifest("backup-1"), content)

    kind: Any = Copying()
    fetch(store, kind, manifest, tmp_path)

    assert (tmp_path / "copy").read_bytes() == CONTENT


# Swift's own


def test_swift_refuses_segments_that_are_not_those_that_were_sent(
    swift: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_SIZE", PART)
    writer = swift.store.writer("instance-1_backup-1.tar.zst")
    assert isinstance(writer, SwiftWriter)
    with pytest.raises(StoreError, match="422"):
        swift.store.send("instance-1_backup-1.tar.zst_00000009", b"other", etag="0" * 32)
    writer.append(CONTENT)
    swift.damage("instance-1_backup-1.tar.zst")

    with pytest.raises(StoreError, match="400"):
        writer.finish()
    with pytest.raises(BackupNotFoundError):
        swift.store.size("instance-1_backup-1.tar.zst")
    swift.store.delete(KEY)
    assert swift.names() == []


def test_swift_says_that_a_quota_is_used_up(
    swift: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_SIZE", PART)
    header = "X-Container-Meta-Quota-Bytes"
    upload = swift.store.begin(KEY)
    swift.store.connection.post_container("backups", {header: str(PART + PART // 2)})
    try:
        with pytest.raises(StoreError, match=r"^a quota .* is used up: Swift answers 413"):
            upload.append(CONTENT)
    finally:
        swift.store.connection.post_container("backups", {header: ""})
    upload.abort()
    assert swift.names() == []


def test_swift_says_that_its_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swiftclient.client.sleep", lambda _seconds: None)
    with stores.serving_swift(tmp_path, full=True) as place:
        with pytest.raises(StoreError, match=r"^its disk is full, .*: Swift answers 503"):
            examples.put(place.store, examples.manifest("backup-1"), CONTENT)
        assert place.names() == []


@pytest.mark.parametrize("kind", ["swift", "s3"])
def test_a_server_that_is_not_there_is_said_not_to_answer(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "http://127.0.0.1:9"
    store: Store = SwiftStore(f"{nobody}/v1/AUTH_p", "backups", "t")
    if kind == "s3":
        store = S3Store(S3(endpoint=nobody, bucket="backups", credentials=""), stores.LOGIN)
    monkeypatch.setattr("swiftclient.client.sleep", lambda _seconds: None)

    with pytest.raises(StoreError, match=r"not answer|can't be reached"):
        store.begin(KEY)


# S3's own


@pytest.mark.parametrize(
    ("login", "bucket", "complaint"),
    [
        ({"aws_secret_access_key": "wrong"}, "backups", "the secret does not belong to the access"),
        ({"aws_access_key_id": "nobody"}, "backups", "it does not know the access key"),
        ({}, "absent", "no such bucket"),
    ],
)
def test_s3_says_what_is_wrong_with_a_login_or_a_bucket(
    s3: Files, login: dict[str, str], bucket: str, complaint: str
) -> None:
    assert isinstance(s3.store, S3Store)
    endpoint = s3.store.client.meta.endpoint_url
    store = S3Store(S3(endpoint=endpoint, bucket=bucket, credentials=""), stores.LOGIN | login)

    with pytest.raises(StoreError, match=complaint) as refused:
        store.check()
    assert "wrong" not in str(refused.value)


def test_s3_answers_the_right_login(s3: Files) -> None:
    assert isinstance(s3.store, S3Store)

    s3.store.check()
