# SPDX-License-Identifier: Apache-2.0
"""Modules that are loaded when somebody needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from trove_minicloud.services.postponing import load, postpone


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `heavy`, whose part `heavy.part.inner` leaves a file when it is loaded."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    part = tmp_path / "heavy" / "part"
    part.mkdir(parents=True)
    (part.parent / "__init__.py").touch()
    (part / "__init__.py").touch()
    text = "from pathlib import Path\nPath(__file__).with_name('loaded').touch()\nVALUE = 1\n"
    (part / "inner.py").write_text(text)
    return part


def test_a_module_is_loaded_when_an_attribute_is_asked_for(package: Path) -> None:
    postpone("heavy")
    from heavy.part import inner  # type: ignore[import-not-found]

    assert not (package / "loaded").exists()
    assert inner.VALUE == 1
    assert (package / "loaded").exists()


def test_what_was_postponed_is_loaded_at_once_and_so_is_what_follows(package: Path) -> None:
    (package / "next.py").write_text((package / "inner.py").read_text().replace("loaded", "too"))
    postpone("heavy")
    import heavy.part.inner  # type: ignore[import-not-found]

    load("heavy")

    assert (package / "loaded").exists()
    import heavy.part.next  # type: ignore[import-not-found]  # noqa: F401

    assert (package / "too").exists()


def test_other_packages_are_loaded_at_once(package: Path) -> None:
    postpone("hea")
    import heavy.part.inner  # type: ignore[import-not-found]  # noqa: F401

    assert (package / "loaded").exists()


def test_what_is_not_there_is_missed_at_once(package: Path) -> None:
    postpone("heavy")
    with pytest.raises(ModuleNotFoundError, match="another"):
        import heavy.another  # type: ignore[import-not-found]  # noqa: F401


def test_imports_leave_out_what_nobody_asks_for_and_collect_no_garbage() -> None:
    text = """
import gc, sys
from trove_minicloud.services.postponing import begin_imports, end_imports
begin_imports()
import eventlet, mako.exceptions
assert not gc.isenabled()
end_imports()
assert gc.isenabled() and gc.get_freeze_count() > 1000
print(sorted({"dns", "pygments"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
