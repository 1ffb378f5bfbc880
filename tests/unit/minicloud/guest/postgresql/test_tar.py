# SPDX-License-Identifier: Apache-2.0
import tarfile

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.postgresql.tar import TarReader

FILES = {"PG_VERSION": b"18\n", "base/1/1259": b"rows" * 5000, "empty": b"", "block": b"x" * 512}


class Received:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ended: list[str] = []
        self.folders: list[str] = []

    def folder(self, path: str) -> None:
        self.folders.append(path)

    def write(self, path: str, data: memoryview) -> None:
        assert path not in self.ended
        self.files[path] = self.files.get(path, b"") + bytes(data)

    def end(self, path: str) -> None:
        self.files.setdefault(path, b"")
        self.ended.append(path)


def tar(*others: tarfile.TarInfo) -> bytes:
    return examples.tar(FILES, others)


def member(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    return info


def read(content: bytes, step: int = 1 << 20) -> Received:
    received = Received()
    reader = TarReader(received)
    for start in range(0, len(content), step):
        reader.feed(memoryview(content)[start : start + step])
    reader.finish()
    return received


@pytest.mark.parametrize("step", [1 << 20, 4096, 512, 7, 1])
def test_every_file_and_folder_arrives_however_the_stream_is_cut(step: int) -> None:
    received = read(tar(member("pg_notify", tarfile.DIRTYPE)), step)

    assert received.files == FILES
    assert received.ended == list(FILES)
    assert received.folders == ["pg_notify"]


def test_what_follows_the_end_is_not_looked_at() -> None:
    assert read(tar() + b"anything").files == FILES


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_nothing_but_files_and_folders_is_taken(kind: bytes) -> None:
    with pytest.raises(VerificationError, match="odd is neither a file nor a folder"):
        read(tar(member("odd", kind)))


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE])
def test_a_path_that_leads_out_is_refused(name: str, kind: bytes) -> None:
    with pytest.raises(VerificationError, match="would lead out"):
        read(tar(member(name, kind)))


def test_an_early_end_is_told_with_the_last_whole_file() -> None:
    content = tar()
    for size, last in ((0, "its beginning"), (1024, "PG_VERSION"), (1024 + 512 + 20_000, "PG_V")):
        with pytest.raises(VerificationError, match=f"ends early, after {last}"):
            read(content[:size])
