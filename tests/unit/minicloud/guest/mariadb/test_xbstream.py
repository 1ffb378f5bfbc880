# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.minicloud.guest import fake_mariadb
from tests.unit.minicloud.guest.fake_mariadb import FILES, chunk
from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.mariadb.xbstream import XbstreamReader

WHOLE = fake_mariadb.backup(FILES)


class Received:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ended: list[str] = []

    def folder(self, path: str) -> None:
        raise AssertionError(path)

    def write(self, path: str, data: memoryview) -> None:
        self.files[path] = self.files.get(path, b"") + bytes(data)

    def end(self, path: str) -> None:
        self.files.setdefault(path, b"")
        self.ended.append(path)


def read(content: bytes, step: int = 1 << 20) -> Received:
    received = Received()
    reader = XbstreamReader(received)
    for start in range(0, len(content), step):
        reader.feed(memoryview(content)[start : start + step])
    sizes = reader.finish()
    assert sizes == {path: len(data) for path, data in received.files.items()}
    return received


def refused(content: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        read(content)
    return str(caught.value)


@pytest.mark.parametrize("step", [1 << 20, 4096, 7, 1])
def test_every_file_arrives_whole_however_the_stream_is_cut(step: int) -> None:
    received = read(WHOLE, step)

    assert received.files == FILES
    assert received.ended == list(FILES)


def test_files_may_come_interleaved() -> None:
    stream = chunk("a", b"1") + chunk("b", b"x") + chunk("a", b"2", 1) + chunk("b") + chunk("a")

    assert read(stream).files == {"a": b"12", "b": b"x"}


def test_a_stream_that_ends_early_is_refused_wherever_it_ends() -> None:
    ends = {len(chunk("ib_logfile0")) + start for start in range(0, len(WHOLE), 997)}
    for size in sorted(
        {0, 1, 13, 14, 40, len(WHOLE) - 1} | {end for end in ends if end < len(WHOLE)}
    ):
        assert "ends early" in refused(WHOLE[:size]), size


def test_a_changed_byte_is_refused_with_the_files_name() -> None:
    content = bytearray(WHOLE)
    content[content.index(b"rowsrows") + 1] ^= 1

    assert refused(bytes(content)) == (
        "The content of test/account.ibd isn't what mariadb-backup sent."
    )


def test_an_empty_payload_has_a_checksum_too() -> None:
    assert "isn't what" in refused(chunk("a", b"", crc=1) + chunk("a"))


def test_something_else_than_such_a_stream_is_refused() -> None:
    assert "no stream" in refused(b"mariadb-backup: error" * 100)
    assert "no stream" in refused(WHOLE + b"XBSTCK01\0R" + bytes(100))


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "a\0b"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    assert "would lead out" in refused(chunk(path, b"x") + chunk(path))


def test_what_comes_twice_or_leaves_a_gap_is_refused() -> None:
    assert refused(chunk("a") + chunk("a")) == "The backup holds a twice."
    assert refused(chunk("a", b"x") + chunk("a", b"y", 2)) == (
        "a goes on at byte 2, and should at 1."
    )
