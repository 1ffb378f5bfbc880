# SPDX-License-Identifier: Apache-2.0
import os
import pwd
from pathlib import Path

import pytest

from trove_minicloud.errors import UnreachableFolderError
from trove_minicloud.guest.accounts import give_to, require_reachable, server_account

NOBODY = pwd.getpwnam("nobody")
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")


def test_whoever_is_not_root_runs_servers_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert server_account("daemon") is None


def test_root_runs_servers_by_their_customary_account_or_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert server_account("daemon") == pwd.getpwnam("daemon")
    assert server_account("no-such-account") == NOBODY


def test_a_folder_that_the_servers_user_cannot_get_at_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "root").mkdir(parents=True)
    closed.chmod(0o700)

    with pytest.raises(UnreachableFolderError, match=f"{closed} is closed to others"):
        require_reachable(closed / "root", NOBODY)
    require_reachable(closed / "root", None)


@only_root
def test_all_below_a_folder_is_given_away(tmp_path: Path) -> None:
    (tmp_path / "data" / "below").mkdir(parents=True)
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    (tmp_path / "data" / "link").symlink_to("/etc/passwd")
    (tmp_path / "data" / "below" / "folder").symlink_to(outside)

    give_to(NOBODY, tmp_path / "data")
    (tmp_path / "link").symlink_to(outside)
    give_to(NOBODY, tmp_path / "link")

    for path in ("data", "data/below", "data/link", "data/below/folder", "link"):
        assert (tmp_path / path).lstat().st_uid == NOBODY.pw_uid
    for kept in (Path("/etc/passwd"), outside, outside / "kept"):
        assert kept.stat().st_uid == 0


def test_one_file_can_be_given_away_to_ourselves(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    give_to(None, tmp_path / "file")

    assert (tmp_path / "file").stat().st_uid == os.geteuid()
