# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest

from trove_minicloud.commands import logs
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root


def test_only_the_named_logs_are_read(root: Root) -> None:
    root.log("trove").write_text("a\n")
    root.log("mistral").write_text("b\n")
    assert list(logs.lines(logs.choose(root, ["trove"]), follow=False)) == [("trove", "a")]


def test_a_name_without_a_log_is_an_error(root: Root) -> None:
    with pytest.raises(MiniCloudError, match="none yet"):
        logs.choose(root, ["trove"])


def test_a_last_line_without_its_end_is_printed(root: Root) -> None:
    root.log("trove").write_text("a\nb")
    assert [line for _, line in logs.lines(logs.choose(root, []), follow=False)] == ["a", "b"]


def test_following_waits_for_the_end_of_a_line(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    log = root.log("trove")
    log.write_text("a\nhal")
    appended = iter(["f\n", "last\n"])

    def append(_seconds: float) -> None:
        with log.open("a") as stream:
            stream.write(next(appended))

    monkeypatch.setattr(logs.time, "sleep", append)
    followed = itertools.islice(logs.lines(logs.choose(root, []), follow=True), 3)
    assert [line for _, line in followed] == ["a", "half", "last"]


def test_following_goes_on_when_a_log_vanishes(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    root.log("deleted").write_text("a\n")
    root.log("kept").write_text("b\n")

    def change(_seconds: float) -> None:
        root.log("deleted").unlink()
        root.log("kept").write_text("b\nc\n")

    monkeypatch.setattr(logs.time, "sleep", change)
    followed = itertools.islice(logs.lines(logs.choose(root, []), follow=True), 3)
    assert [line for _, line in followed] == ["a", "b", "c"]


def test_following_goes_on_when_a_log_is_put_aside(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = root.log("trove")
    log.write_text("before\n")
    monkeypatch.setattr(logs.time, "sleep", lambda _seconds: log.write_text("b\n"))
    followed = itertools.islice(logs.lines(logs.choose(root, []), follow=True), 2)
    assert [line for _, line in followed] == ["before", "b"]
