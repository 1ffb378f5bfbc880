# SPDX-License-Identifier: Apache-2.0
import io
import sys
import tarfile
from collections.abc import Iterator
from unittest import mock

import psycopg
import pytest

from tests.unit.minicloud import examples
from trove_minicloud.guest.postgresql import backing_up, base_backup
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports

FAR = {"PG_18_202506291/5/16402": b"far" * 5000, "PG_18_202506291/5/16402_fsm": b""}
BASE = {"backup_label": b"START", "base/5/1259": b"rows" * 5000, "global/pg_control": b"x" * 512}
MANIFEST = b'{"Files": []}'


def folder(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def messages(archives: dict[str, bytes], step: int, manifest: bytes = MANIFEST) -> Iterator[bytes]:
    """What a server copies, in pieces of this size."""
    for name, content in archives.items():
        yield b"n" + name.encode() + b"\0/srv/far\0"
        for start in range(0, len(content), step):
            yield b"d" + content[start : start + step]
        yield b"p" + bytes(8)
    if manifest:
        yield b"m"
        for start in range(0, len(manifest), step):
            yield b"d" + manifest[start : start + step]


def joined(copied: Iterator[bytes]) -> tarfile.TarFile:
    output = io.BytesIO()
    base_backup.join(map(memoryview, copied), output)
    return tarfile.open(fileobj=io.BytesIO(output.getvalue()))


@pytest.mark.parametrize("step", [1 << 20, 4096, 777])
def test_all_archives_become_one_tar_whose_names_are_those_of_the_manifest(step: int) -> None:
    archives = {
        "16401.tar": examples.tar(FAR, [folder("PG_18_202506291")]),
        "base.tar": examples.tar(BASE, [folder("pg_tblspc")]),
    }

    with joined(messages(archives, step)) as tar:
        found = {
            each.name: file.read() for each in tar if (file := tar.extractfile(each)) is not None
        }
        folders = [each.name for each in tar if each.isdir()]

    inside = {f"pg_tblspc/16401/{name}": content for name, content in FAR.items()}
    assert found == inside | BASE | {"backup_manifest": MANIFEST}
    assert list(found)[-1] == "backup_manifest"
    assert folders == ["pg_tblspc/16401/PG_18_202506291", "pg_tblspc"]


def test_an_archive_that_ends_early_and_one_without_a_manifest_are_no_backup() -> None:
    whole = examples.tar(BASE)

    with pytest.raises(ValueError, match="an archive of the server ended early"):
        joined(messages({"16401.tar": whole[:3000], "base.tar": whole}, 4096))
    with pytest.raises(ValueError, match="an archive of the server ended early"):
        joined(messages({"base.tar": whole[:3000]}, 4096))
    with pytest.raises(ValueError, match="the server sent no manifest"):
        joined(messages({"base.tar": whole}, 4096, b""))


def test_a_server_that_is_down_is_an_error_and_no_output(
    root: Root, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    [port] = ports.choose(1, root)
    monkeypatch.setattr(sys, "argv", ["base_backup", f"host=127.0.0.1 port={port} user=taker"])

    assert base_backup.main() == 1

    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.startswith("error: connection failed")


def test_an_old_server_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server = mock.MagicMock()
    server.__enter__.return_value.info.server_version = 140020
    monkeypatch.setattr(sys, "argv", ["base_backup", ""])
    monkeypatch.setattr(psycopg, "connect", lambda *_a, **_k: server)

    assert base_backup.main() == 1

    said = capfd.readouterr().err
    hints = [hint for text, hint in backing_up._HINTS.items() if text in said]
    assert "needs PostgreSQL 15 or newer" in said
    assert "ALTER TABLE ALL IN TABLESPACE" in hints[0]
