# SPDX-License-Identifier: Apache-2.0
import stat
from pathlib import Path

import pytest

from trove_minicloud.errors import RecoveryError
from trove_minicloud.root import Root
from trove_minicloud.services import recovery_key


def test_a_key_is_drawn_once_and_nobody_else_can_read_it(root: Root) -> None:
    assert recovery_key.ensure(root)
    key = recovery_key.read(root.recovery_key)
    assert not recovery_key.ensure(root)

    assert recovery_key.read(root.recovery_key) == key
    assert len(key) == 32
    assert stat.S_IMODE(root.recovery_key.stat().st_mode) == 0o600
    assert str(root.recovery_key) in recovery_key.advice(root)


def test_a_key_is_kept_as_it_was(root: Root) -> None:
    recovery_key.keep(root, b"k" * 32)

    assert recovery_key.read(root.recovery_key) == b"k" * 32


@pytest.mark.parametrize("content", [b"", b"short", b"not base64!", b"\xff\xfe", b"a" * 200])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)

    with pytest.raises(RecoveryError, match=f"{file} holds no recovery key"):
        recovery_key.read(file)
    file.unlink()
    with pytest.raises(RecoveryError, match="can't be read"):
        recovery_key.read(file)
