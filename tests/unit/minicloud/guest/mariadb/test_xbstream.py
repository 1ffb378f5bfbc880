# SPDX-License-Identifier: Apache-2.0
import io
import tempfile
from pathlib import Path

import pytest

from tests.unit.minicloud.guest import fake_mariadb
from tests.unit.minicloud.guest.fake_mariadb import FILES, chunk, remove, rename, seek
from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.mariadb.xbstream import XbstreamReader
from trove_minicloud.guest.unpacking import unpack

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

    def seek(self, path: str, offset: int) -> None:
        raise AssertionError(path)

    def remove(self, path: str) -> None:
        raise AssertionError(path)

    def rename(self, path: str, new_path: str) -> None:
        raise AssertionError(path)


def read(content: bytes, step: int = 1 << 20) -> Received:
    received = Received()
    reader = XbstreamReader(received)
    for start in range(0, len(content), step):
        reader.feed(memoryview(content)[start : start + step])
    sizes = reader.finish()
    assert sizes == {path: len(data) for path, data in received.files.items()}
    return received


def unpacked(*chunks: bytes) -> dict[str, bytes]:
    """The files in the end, and the empty folders as `name/`; the reader has to count the same."""
    stream = b"".join(chunks)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        readers = []

        def reader_for(writer: object) -> XbstreamReader:
            readers.append(XbstreamReader(writer))  # type: ignore[arg-type]
            return readers[0]

        unpack(io.BytesIO(stream), folder, reader_for)
        paths = list(folder.rglob("*"))
        files = {str(path.relative_to(folder)): path for path in paths if path.is_file()}
        found = {name: path.read_bytes() for name, path in files.items()}
        assert readers[0].finish() == {name: len(data) for name, data in found.items()}
        empty = [path for path in paths if path.is_dir() and not any(path.iterdir())]
        return found | {f"{path.relative_to(folder)}/": b"" for path in empty}


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
    assert refused(WHOLE + b"XBSTCK01\0W" + bytes(100)) == (
        "The backup's stream holds a chunk of the unknown kind b'W'."
    )


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "a\0b"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    for stream in (chunk(path, b"x") + chunk(path), remove(path), rename("a", path)):
        assert "would lead out" in refused(chunk("a") + stream)


def test_what_comes_twice_or_leaves_a_gap_is_refused() -> None:
    assert refused(chunk("a") + chunk("a")) == "The backup holds a twice."
    assert refused(chunk("a", b"x") + chunk("a", b"y", 2)) == (
        "a goes on at byte 2, and should at 1."
    )


A, B = chunk("w/a.MAD", b"rows of a") + chunk("w/a.MAD"), chunk("w/b.MAD", b"b") + chunk("w/b.MAD")


def test_a_table_that_was_dropped_meanwhile_is_removed() -> None:
    assert unpacked(A, B, remove("w/a.MAD")) == {"w/b.MAD": b"b"}
    # One that was made meanwhile, too, and was never copied.
    assert unpacked(A, remove("w/other.MAD")) == {"w/a.MAD": b"rows of a"}
    # The database is still there.
    assert unpacked(chunk("ibdata1"), A, remove("w/a.MAD")) == {"ibdata1": b"", "w/": b""}


def test_the_files_of_a_dropped_tables_partitions_are_removed() -> None:
    parts = [chunk(f"w/t#P#{number}.MAD") for number in range(3)]

    assert unpacked(A, *parts, remove("w/t#P#*")) == {"w/a.MAD": b"rows of a"}


def test_a_dropped_database_is_removed_and_may_come_again() -> None:
    other = chunk("w2/db.opt", b"o") + chunk("w2/db.opt")

    assert unpacked(A, other, remove("w")) == {"w2/db.opt": b"o"}
    assert unpacked(A, other, remove("w"), B)["w/b.MAD"] == b"b"


def test_a_renamed_table_is_renamed() -> None:
    assert unpacked(A, rename("w/a.MAD", "v/c.MAD"))["v/c.MAD"] == b"rows of a"
    swap = [rename("w/a.MAD", "w/x.MAD"), rename("w/b.MAD", "w/a.MAD")]
    assert unpacked(A, B, *swap, rename("w/x.MAD", "w/b.MAD")) == {
        "w/a.MAD": b"b",
        "w/b.MAD": b"rows of a",
    }


def test_a_table_that_was_copied_after_its_renaming_is_left() -> None:
    assert unpacked(A, rename("w/other.MAD", "w/a.MAD")) == {"w/a.MAD": b"rows of a"}
    # A new table has the old name by now.
    assert unpacked(A, B, rename("w/b.MAD", "w/a.MAD")) == {
        "w/a.MAD": b"rows of a",
        "w/b.MAD": b"b",
    }


def test_a_renamed_table_that_was_never_copied_is_missed_unless_it_is_gone() -> None:
    renamed = (A, rename("w/other.MAD", "w/x.MAD"), rename("w/x.MAD", "w/c.MAD"))

    assert refused_edit(*renamed) == (
        "w/c.MAD got its name during the backup, which lacks it. Try again."
    )
    assert unpacked(*renamed, remove("w/c.MAD")) == {"w/a.MAD": b"rows of a"}
    again = chunk("w/c.MAD", b"c", flags=2) + chunk("w/c.MAD", flags=2)
    assert unpacked(*renamed, again)["w/c.MAD"] == b"c"


def test_a_table_that_was_made_again_stays() -> None:
    frm = chunk("w/a.frm")
    removed = (remove("w/a.MAD"), remove("w/a.frm"))
    assert unpacked(A, frm, *removed) == {"w/a.MAD": b"rows of a", "w/a.frm": b""}
    # Or what was copied is the old one: then the new one follows.
    again = chunk("w/a.MAD", b"new", flags=2) + chunk("w/a.MAD", flags=2)
    assert unpacked(A, frm, *removed, again) == {"w/a.MAD": b"new", "w/a.frm": b""}
    assert unpacked(A, B, frm, *removed, rename("w/b.MAD", "w/a.MAD")) == {
        "w/a.MAD": b"b",
        "w/a.frm": b"",
    }


def test_a_database_that_was_made_again_keeps_its_tables() -> None:
    tables = [chunk(f"w/{name}") for name in ("a.frm", "p.frm", "p#P#1.MAD", "p.par", "old.ibd")]

    assert unpacked(A, B, *tables, remove("w")) == {
        "w/a.MAD": b"rows of a",
        "w/a.frm": b"",
        "w/p.frm": b"",
        "w/p.par": b"",
        "w/p#P#1.MAD": b"",
    }


def test_an_increment_forgets_the_changes_of_tables_that_were_dropped_with_their_database() -> None:
    names = ("w/t.frm", "w/t.new", "w/t.ibd.delta", "w/t.ibd.meta")

    assert unpacked(*map(chunk, names), remove("w")) == {"w/t.frm": b"", "w/t.new": b""}


def test_a_file_that_is_rewritten_has_its_last_content() -> None:
    again = chunk("w/a.MAD", b"2", flags=2) + chunk("w/a.MAD", b"3", 1, flags=2)

    assert unpacked(A, again, chunk("w/a.MAD", flags=2)) == {"w/a.MAD": b"23"}
    assert unpacked(A, chunk("w/a.MAD", flags=2)) == {"w/a.MAD": b""}


def test_the_end_of_a_log_is_written_over() -> None:
    start = chunk("aria_log.00000001", b"page1page2")
    end = chunk("aria_log.00000001", b"PAGE2page3", 5) + chunk("aria_log.00000001")

    assert unpacked(start, seek("aria_log.00000001", 5), end) == {
        "aria_log.00000001": b"page1PAGE2page3"
    }
    assert "goes on at byte 5, and should at 2" in refused_edit(
        start, seek("aria_log.00000001", 2), end
    )


@pytest.mark.parametrize("edit", [remove("a"), rename("a", "b"), rename("b", "a"), remove("d")])
def test_what_is_not_whole_yet_is_neither_removed_nor_renamed(edit: bytes) -> None:
    assert "before its end" in refused_edit(chunk("b"), chunk("a", b"x"), chunk("d/c", b"x"), edit)


def refused_edit(*chunks: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        unpacked(*chunks)
    return str(caught.value)
