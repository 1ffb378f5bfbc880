# SPDX-License-Identifier: Apache-2.0
"""The words of the pages and of the release notes are those of the glossary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import PAGES, REPOSITORY, prose

GLOSSARY = REPOSITORY / "docs" / "glossary.md"
NOTES = sorted(REPOSITORY.joinpath("releasenotes", "notes").glob("*.yaml"))


def _rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def _parts() -> tuple[str, str]:
    """The glossary's words, and those that it forbids."""
    said, _, forbidden = GLOSSARY.read_text(encoding="utf-8").partition(
        "## Words that we don't use"
    )
    return said, forbidden


def _forbidden() -> Iterator[str]:
    for words, _ in _rows(_parts()[1])[1:]:
        yield from (word.strip() for word in words.split(","))


def _found(text: str) -> list[str]:
    """What a text has of the forbidden words, in the singular or the plural."""
    text = re.sub(r"\s+", " ", text)
    return [
        f"{word}: … {text[max(0, at.start() - 40) : at.end() + 40]} …"
        for word in _forbidden()
        for at in re.finditer(rf"\b{re.escape(word)}s?\b", text, re.IGNORECASE)
    ]


def test_the_glossary_says_each_word_once() -> None:
    words = [row[0].strip("*") for row in _rows(_parts()[0]) if row[0].startswith("**")]
    assert len(words) > 30
    assert sorted(words) == sorted(set(words))
    assert not set(words) & set(_forbidden())


def test_a_forbidden_word_is_found() -> None:
    assert len(list(_forbidden())) > 5
    assert _found("A guard\ntick, and so many more.")
    assert not _found("A further attempt. Ticket 7.")


@pytest.mark.parametrize("page", sorted(set(PAGES) - {GLOSSARY}), ids=lambda page: page.name)
def test_a_page_has_no_forbidden_word(page: Path) -> None:
    assert _found(prose(page)) == []


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.name)
def test_a_release_note_has_no_forbidden_word(note: Path) -> None:
    parts = yaml.safe_load(note.read_text(encoding="utf-8")).values()
    text = " ".join(part if isinstance(part, str) else " ".join(part) for part in parts)
    assert _found(re.sub(r"``[^`]+``", "", text)) == []
