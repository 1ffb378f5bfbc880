# SPDX-License-Identifier: Apache-2.0
import io
from pathlib import Path

import pytest

from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.unpacking import Receiver, require_inside, unpack


class Lines:
    """A format of lines: `path text` goes on with a file, `path` ends it, `path/` is a folder."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._rest = b""

    def feed(self, data: memoryview) -> None:
        *lines, self._rest = (self._rest + bytes(data)).split(b"\n")
        for line in lines:
            path, space, text = line.partition(b" ")
            if space:
                self._receiver.write(path.decode(), memoryview(text))
            elif path.endswith(b"/"):
                self._receiver.folder(path.decode())
            else:
                self._receiver.end(path.decode())

    def finish(self) -> None:
        if self._rest:
            raise VerificationError("ends early")


class Pieces(io.RawIOBase):
    """A stream of pieces; one that is an error is raised."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = [*pieces, b""]

    def read(self, size: int = -1) -> bytes:
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece


def _unpack(folder: Path, *pieces: bytes | Exception) -> None:
    unpack(Pieces(*pieces), folder, Lines)  # type: ignore[arg-type]


def test_files_and_folders_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    _unpack(tmp_path, b"a/b one\nc tw", b"o\na/b more\na/b\n", b"empty\nd/e/\nc\n")

    assert (tmp_path / "a" / "b").read_text() == "onemore"
    assert (tmp_path / "c").read_text() == "two"
    assert (tmp_path / "empty").read_text() == ""
    assert (tmp_path / "d" / "e").is_dir()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_an_early_end_and_a_stream_that_fails_are_told(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="ends early"):
        _unpack(tmp_path, b"a one")
    with pytest.raises(OSError, match="gone"):
        _unpack(tmp_path, b"b one\n", OSError("gone"))


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExistsError):
        _unpack(tmp_path, b"a one\n", b"a two\n", b"a\n")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("path", ["../a", "/a", "a/../b", "a\0b"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(VerificationError, match="would lead out"):
        require_inside(path)
    require_inside("a/..b/c..")
