# SPDX-License-Identifier: Apache-2.0
import pytest

from trove_minicloud.errors import BackupNotFoundError, StoreError
from trove_minicloud.root import Root
from trove_minicloud.stores import destination
from trove_minicloud.stores.destination import S3
from trove_minicloud.stores.finding import location_for, store_of
from trove_minicloud.stores.manifest import Key
from trove_minicloud.stores.s3 import save_login
from trove_minicloud.stores.store import key_of

KEY = Key("i", "b")


@pytest.mark.parametrize(
    "location",
    ["file:///folder/i/b.tar.zst", "s3://bucket/i/b.tar.zst", "http://h/v1/AUTH_p/c/i_b.tar.zst"],
)
def test_every_location_names_its_backup(location: str) -> None:
    assert key_of(location) == KEY


@pytest.mark.parametrize("location", ["file:///c/b.xbstream", "b.tar.zst", "/c/b.tar.zst", ""])
def test_what_is_no_location_is_refused(location: str) -> None:
    with pytest.raises(BackupNotFoundError):
        key_of(location)


def info(driver: str, container: str | None = None, url: str = "") -> dict[str, object]:
    return {"storage_driver": driver, "swift_container": container, "swift_url": url}


def test_a_backup_goes_where_trove_says(root: Root) -> None:
    url = f"{destination.want_swift(root).url}p"

    for backup_info, location in (
        (info("local"), f"file://{root.backups}/i/b.tar.zst"),
        (info("swift", url=url), f"{url}/usual/i_b.tar.zst"),
        (info("swift", "asked", url), f"{url}/asked/i_b.tar.zst"),
    ):
        assert location_for(root, KEY, backup_info, "usual", "t") == location
        assert store_of(root, location, "t").location(KEY) == location


def test_what_lies_in_a_folder_of_the_bucket_is_found_there(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = root.service("storage") / "s3.credentials"
    destination.keep_s3(root, S3("https://s3.example.org", "backups", str(file)))
    save_login(file, {"aws_access_key_id": "key", "aws_secret_access_key": "right"})

    for folder in ("", "copied/here/"):
        location = f"s3://backups/{folder}i/b.tar.zst"
        assert store_of(root, location, None).location(KEY) == location
        assert key_of(location) == KEY


@pytest.mark.parametrize(
    ("backup_info", "complaint"),
    [
        (info("tape"), "no store of the kind 'tape'"),
        (info("s3"), "no bucket of S3"),
        ({"storage_driver": "swift", "swift_container": None}, "from release 2026.2 on"),
        (info("swift", url="http://127.0.0.1:1/v1/AUTH_p"), "keeps no backups in"),
        (info("swift", "a/b", "http://127.0.0.1:1/v1/AUTH_p"), "'a/b' can't be the name"),
    ],
)
def test_a_store_that_is_not_there_is_named(
    root: Root, backup_info: dict[str, object], complaint: str
) -> None:
    with pytest.raises(StoreError, match=complaint):
        location_for(root, KEY, backup_info, "usual", "t")


def test_a_token_is_for_the_own_swift_only(root: Root) -> None:
    # Trove takes the locations of backups in other regions from users.
    url = destination.want_swift(root).url

    with pytest.raises(StoreError, match="keeps no backups in"):
        store_of(root, "http://127.0.0.1:1/v1/AUTH_p/c/i_b.tar.zst", "t")
    with pytest.raises(StoreError, match="with a token of its project only"):
        store_of(root, f"{url}p/c/i_b.tar.zst", None)
