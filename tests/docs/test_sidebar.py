# SPDX-License-Identifier: Apache-2.0
"""The site's sidebar and front page, and pages that can be read on a code host too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, REPOSITORY, prose

DOCS = REPOSITORY / "docs"
INDEX = DOCS / "index.md"
SITE = [page for page in PAGES if DOCS in page.parents]


def _trees(page: Path) -> list[str]:
    """What the tables of contents of a page hold."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_sidebar_is_grouped_and_names_each_page_once() -> None:
    assert all(":caption:" in tree for tree in _trees(INDEX))
    named = []
    for page in SITE:
        for tree in _trees(page):
            for entry in (line for line in tree.split("\n") if line and not line.startswith(":")):
                named += sorted(page.parent.glob(f"{entry}.md"))
    assert sorted(named) == sorted(set(SITE) - {INDEX})


def test_the_front_page_links_every_page_of_the_sidebar() -> None:
    text = INDEX.read_text(encoding="utf-8")
    entries = re.findall(r"^[\w/-]+$", "\n".join(_trees(INDEX)), re.MULTILINE)
    assert entries
    assert [entry for entry in entries if f"]({entry}.md)" not in text] == []


def test_the_front_page_has_a_picture_and_a_session() -> None:
    text = INDEX.read_text(encoding="utf-8")
    assert re.search(r"^!\[.+\]\(images/.+\)$", text, re.MULTILINE)
    assert re.search(r"^    \$ openstack database backup schedule .+\n    \S", text, re.MULTILINE)


@pytest.mark.parametrize("page", SITE, ids=lambda page: page.name)
def test_a_page_is_more_than_a_directive(page: Path) -> None:
    assert len(prose(page).split()) > 35
