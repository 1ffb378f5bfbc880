# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import sys
from pathlib import Path

import pytest
import zstandard

from trove_minicloud.errors import BackupError, BackupToolError, VerificationError
from trove_minicloud.guest.stream import stream

ENV = {"PATH": os.defpath}


class Sink:
    def __init__(self) -> None:
        self.content = b""

    def append(self, data: bytes) -> None:
        self.content += data


class Check:
    """Content with that many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.seen = 0

    def feed(self, data: memoryview) -> None:
        self.seen += len(data)

    def finish(self) -> bytes:
        if self.seen != self.size:
            raise VerificationError(f"{self.seen} bytes instead of {self.size}")
        return b"basis"


def tool(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import os, signal, sys, time; {script}")


def test_what_the_tool_writes_arrives_compressed_counted_and_hashed() -> None:
    sink = Sink()
    script = "sys.stdout.buffer.write(b'ab' * 2_000_000)"

    streamed = stream(tool(script), ENV, Check(4_000_000), sink, {})

    raw = zstandard.ZstdDecompressor().stream_reader(sink.content).read()
    assert raw == b"ab" * 2_000_000
    assert streamed.raw_size == 4_000_000
    assert streamed.stored_size == len(sink.content) < 10_000
    assert streamed.sha256 == hashlib.sha256(sink.content).hexdigest()
    assert streamed.basis == b"basis"


def test_the_compressed_stream_carries_its_own_checksum() -> None:
    sink = Sink()
    stream(tool("print('x')"), ENV, Check(2), sink, {})

    assert zstandard.get_frame_parameters(sink.content).has_checksum


def test_a_tool_that_fails_after_whole_output_fails_the_backup() -> None:
    script = "print('x', flush=True); sys.exit('the server went away')"

    with pytest.raises(BackupToolError, match="exited 1 after 2 bytes: the server went away") as e:
        stream(tool(script), ENV, Check(2), Sink(), {})
    assert (e.value.returncode, e.value.raw_bytes) == (1, 2)


def test_a_killed_tool_fails_the_backup() -> None:
    script = "print('x', flush=True); os.kill(os.getpid(), signal.SIGKILL)"

    with pytest.raises(BackupToolError, match="was ended by signal 9") as e:
        stream(tool(script), ENV, Check(2), Sink(), {})
    assert e.value.returncode == -9


def test_too_short_an_output_fails_the_backup_though_the_tool_says_success() -> None:
    with pytest.raises(VerificationError, match="2 bytes instead of 3"):
        stream(tool("print('x')"), ENV, Check(3), Sink(), {})


def test_a_tool_that_stalls_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    # By a shell: on a busy machine Python may take a second to begin.
    script = 'echo $$ > "$0"; echo waiting >&2; echo x; exec sleep 60'

    with pytest.raises(BackupError, match=r"nothing for 1 s after 2 bytes and was killed. waiting"):
        stream(("sh", "-c", script, str(pid)), ENV, Check(2), Sink(), {}, stall_timeout=1)
    assert not Path("/proc", pid.read_text().strip()).exists()


def test_a_sink_that_fails_ends_the_tool(tmp_path: Path) -> None:
    class Full:
        def append(self, data: bytes) -> None:
            raise OSError("full")

    pid = tmp_path / "pid"
    script = (
        f"open({str(pid)!r}, 'w').write(str(os.getpid()));"
        " [sys.stdout.buffer.write(os.urandom(1 << 20)) for _ in range(1000)]"
    )

    with pytest.raises(OSError, match="full"):
        stream(tool(script), ENV, Check(0), Full(), {})
    assert not Path("/proc", pid.read_text()).exists()


def test_the_tool_sees_no_environment_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    sink = Sink()

    stream(tool("print('PGPASSWORD' in os.environ)"), ENV, Check(6), sink, {})

    assert zstandard.ZstdDecompressor().stream_reader(sink.content).read() == b"False\n"


def test_what_helps_against_a_complaint_is_added_to_it() -> None:
    script = "sys.exit('no room for more')"
    hints = {"no room": "Make room.", "no door": "Make a door."}

    with pytest.raises(BackupToolError) as caught:
        stream(tool(script), ENV, Check(0), Sink(), hints)
    assert caught.value.reason == "no room for more\nMake room."
