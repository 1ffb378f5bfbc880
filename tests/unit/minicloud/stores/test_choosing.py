# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from trove_minicloud import cli
from trove_minicloud.errors import MiniCloudError, RootError, StoreError
from trove_minicloud.root import Root
from trove_minicloud.stores import choosing, destination
from trove_minicloud.stores.destination import S3
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.s3 import S3Store, read_login
from trove_minicloud.supervision import ports, state


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The buckets that were asked, instead of a request."""
    checked: list[str] = []
    monkeypatch.setattr(S3Store, "check", lambda store: checked.append(store.bucket))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return checked


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret % = [x]")


def test_backups_go_to_a_folder_until_something_else_is_chosen(root: Root) -> None:
    assert destination.strategy(root) == "local"
    assert destination.swift(root) is None

    choosing.use(root, "swift")
    assert destination.strategy(root) == "swift"
    swift = destination.swift(root)

    choosing.use(root, "local")
    assert destination.strategy(root) == "local"
    assert destination.swift(root) == swift, "what was stored there is still to be had"
    choosing.use(root, "swift")
    assert destination.swift(root) == swift


def test_the_ports_of_swift_are_not_chosen_for_anything_else(root: Root) -> None:
    swift = destination.want_swift(root)

    assert {swift.proxy_port, swift.account_port, swift.container_port, swift.object_port} <= set(
        ports._kept(root)
    )
    assert (root.service("storage") / "swift.json").stat().st_mode & 0o077 == 0


def test_a_cloud_that_is_up_keeps_its_store(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "supervisor_pid", lambda _root: 1)

    choosing.use(root, "local")
    with pytest.raises(MiniCloudError, match="keeps its backups in a folder; take it down"):
        choosing.use(root, "swift")
    assert destination.strategy(root) == "local"
    assert destination.swift(root) is None


def test_the_login_for_s3_is_taken_from_the_environment_once(
    root: Root, checked: list[str], login: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    choosing.use_s3(root, "https://s3.example.org", "backups", None)

    kept = destination.s3(root)
    assert kept is not None
    assert (kept.endpoint, kept.bucket) == ("https://s3.example.org", "backups")
    assert destination.strategy(root) == "s3"
    file = Path(kept.credentials)
    assert file.stat().st_mode & 0o077 == 0
    expected = {"aws_access_key_id": "key", "aws_secret_access_key": "secret % = [x]"}
    assert read_login(file) == expected
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    choosing.use_s3(root, "https://s3.example.org", "others", None)
    assert read_login(file) == expected
    assert checked == ["backups", "others"]


def test_a_bucket_that_refuses_us_is_not_chosen(
    root: Root, checked: list[str], login: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_store: S3Store) -> None:
        raise StoreError("the secret does not belong to the access key")

    monkeypatch.setattr(S3Store, "check", refuse)
    with pytest.raises(StoreError, match="does not belong"):
        choosing.use_s3(root, "https://s3.example.org", "backups", None)

    assert destination.strategy(root) == "local"
    assert not (root.service("storage") / "s3.credentials").exists()


@pytest.mark.parametrize(
    "endpoint", ["s3.example.org", "ftp://s3.example.org", "https://", "https://key:secret@h"]
)
def test_what_is_no_address_of_a_server_is_refused(
    root: Root, checked: list[str], login: None, endpoint: str
) -> None:
    with pytest.raises(MiniCloudError, match="no address of an S3 server"):
        choosing.use_s3(root, endpoint, "backups", None)
    assert checked == []


def test_no_login_is_said_to_be_missing(root: Root, checked: list[str]) -> None:
    with pytest.raises(StoreError, match="no aws_access_key_id and no aws_secret_access_key in"):
        choosing.use_s3(root, "https://s3.example.org", "backups", None)
    assert destination.strategy(root) == "local"


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        ("[default]\naws_access_key_id=k\naws_secret_access_key=very\n", 0o644, "mode 0644.*chmod"),
        ("[default]\naws_access_key_id=k\naws_secret_access_key=very\n", 0o640, "mode 0640.*chmod"),
        ("[default]\naws_access_key_id=k\n", 0o600, "no aws_secret_access_key in"),
        ("[other]\naws_secret_access_key=very\n", 0o600, r"needs a section \[default\]"),
        ("very secret", 0o600, r"needs a section \[default\]"),
    ],
)
def test_a_file_of_credentials_that_can_not_be_used_is_refused_without_showing_it(
    root: Root, checked: list[str], tmp_path: Path, text: str, mode: int, complaint: str
) -> None:
    file = tmp_path / "credentials"
    file.write_text(text)
    file.chmod(mode)

    with pytest.raises(StoreError, match=complaint) as refused:
        choosing.use_s3(root, "https://s3.example.org", "backups", file)
    assert "very" not in str(refused.value)
    assert destination.strategy(root) == "local"


def test_a_file_of_credentials_stays_where_it_is(
    root: Root, checked: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = k\naws_secret_access_key = s\n")
    file.chmod(0o600)

    choosing.use_s3(root, "https://s3.example.org", "backups", file)

    assert destination.s3(root) == S3("https://s3.example.org", "backups", str(file))
    with pytest.raises(StoreError, match=r"can't be read: .*No such file"):
        choosing.use_s3(root, "https://s3.example.org", "backups", tmp_path / "none")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--s3", "https://s3.example.org"], "add --s3-bucket"),
        (["--s3-bucket", "backups"], "are for --s3 URL"),
        (["--swift", "--s3-credentials", "f"], "are for --s3 URL"),
    ],
)
def test_options_that_do_not_belong_together_are_refused(
    root: Root, capsys: pytest.CaptureFixture[str], options: list[str], complaint: str
) -> None:
    assert cli.main(["up", "--root", str(root.path), *options]) == 1
    assert complaint in capsys.readouterr().err
    assert destination.strategy(root) == "local"


def test_the_folder_of_backups_may_lie_on_another_disk(
    root: Root, store: LocalStore, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    with pytest.raises(MiniCloudError, match="no folder"):
        choosing.use_folder(root, disk)
    disk.mkdir()
    choosing.use(root, "swift")
    choosing.use_folder(root, disk)
    examples.put(store, examples.manifest("backup-1"))
    assert list((disk / "backups").glob("*/backup-1.json"))
    assert destination.strategy(root) == "local"
    # Again is fine, and the next start, too.
    choosing.use_folder(root, disk)
    root.prepare()
    assert (disk / "backups").stat().st_mode & 0o777 == 0o700


def test_backups_that_are_there_are_not_left_behind(
    root: Root, store: LocalStore, tmp_path: Path
) -> None:
    examples.put(store, examples.manifest("backup-1"))
    with pytest.raises(MiniCloudError, match=f"Move what is in {root.backups} to {tmp_path}"):
        choosing.use_folder(root, tmp_path)
    assert not root.backups.is_symlink()


def test_a_cloud_that_is_up_keeps_its_folder(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "supervisor_pid", lambda _root: 1)
    with pytest.raises(MiniCloudError, match="is up; take it down"):
        choosing.use_folder(root, tmp_path)


def test_a_start_without_the_disk_of_the_backups_is_refused(root: Root, tmp_path: Path) -> None:
    choosing.use_folder(root, tmp_path)
    (tmp_path / "backups").rename(tmp_path / "unmounted")
    with pytest.raises(RootError, match="mount its disk"):
        root.prepare()
