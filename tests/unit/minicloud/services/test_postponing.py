# SPDX-License-Identifier: Apache-2.0
"""Modules that are loaded when somebody needs them."""

import sys
from pathlib import Path

import pytest

from trove_minicloud.services.postponing import postpone


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


def test_other_packages_are_loaded_at_once(package: Path) -> None:
    postpone("hea")
    import heavy.part.inner  # type: ignore[import-not-found]  # noqa: F401

    assert (package / "loaded").exists()


def test_what_is_not_there_is_missed_at_once(package: Path) -> None:
    postpone("heavy")
    with pytest.raises(ModuleNotFoundError, match="another"):
        import heavy.another  # type: ignore[import-not-found]  # noqa: F401
