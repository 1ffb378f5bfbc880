# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.stores import destination, places
from trove_minicloud.stores.s3 import read_login

S3 = "https://s3.example.org"


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize("inside", ["", "backups"])
def test_a_folder_becomes_that_of_a_root_without_backups(
    root: Root, tmp_path: Path, inside: str
) -> None:
    folder = tmp_path / "disk" / inside
    folder.mkdir(parents=True)
    place = places.named(root, str(tmp_path / "disk"), None, None)

    assert place.strategy == "local"
    assert place.store.url == f"file://{folder}"
    place.keep(root)
    place.keep(root)
    assert root.backups.resolve() == folder


def test_a_root_with_backups_of_its_own_keeps_its_folder(root: Root, tmp_path: Path) -> None:
    (root.backups / "instance-1").mkdir()
    (tmp_path / "disk").mkdir()

    with pytest.raises(MiniCloudError, match=f"Move what is in {tmp_path}/disk there"):
        places.named(root, str(tmp_path / "disk"), None, None).keep(root)
    assert not root.backups.is_symlink()
    places.named(root, str(root.backups), None, None).keep(root)


def test_a_bucket_is_kept_with_its_login(root: Root, login: None) -> None:
    place = places.named(root, "s3://backups/copied/here", S3, None)

    assert place.strategy == "s3"
    assert place.store.url == "s3://backups/copied/here"
    place.keep(root)
    kept = destination.s3(root)
    assert kept is not None
    assert (kept.endpoint, kept.bucket) == (S3, "backups")
    assert read_login(Path(kept.credentials))["aws_access_key_id"] == "key"
    assert destination.strategy(root) == "local", "new backups go where they went"
    # From now on the root knows the server.
    assert places.named(root, "s3://backups/", None, None).store.url == "s3://backups"


def test_a_root_has_one_bucket(root: Root, login: None) -> None:
    places.named(root, "s3://backups", S3, None).keep(root)

    with pytest.raises(MiniCloudError, match="in the bucket backups of"):
        places.named(root, "s3://other", S3, None).keep(root)
    places.named(root, "s3://other", S3, None).keep(root, instead=True)
    kept = destination.s3(root)
    assert kept is not None and kept.bucket == "other"


@pytest.mark.parametrize(
    ("name", "endpoint", "complaint"),
    [
        ("/nowhere", None, "There is no folder /nowhere"),
        ("/tmp", S3, "are for s3://BUCKET"),
        ("s3://backups", None, "Name the server of s3://backups: add --s3 URL"),
        ("s3://backups", "s3.example.org", "is no address of an S3 server"),
    ],
)  # fmt: skip
def test_a_store_that_can_t_be_found_is_refused(
    root: Root, login: None, name: str, endpoint: str | None, complaint: str
) -> None:
    with pytest.raises(MiniCloudError, match=complaint):
        places.named(root, name, endpoint, None)
