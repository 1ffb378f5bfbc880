# SPDX-License-Identifier: Apache-2.0
"""What the built pages link to inside the documentation is there, anchors too."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

from tests.docs.pages import PAGES, REPOSITORY

BUILT = REPOSITORY / "build" / "docs"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for key, value in attributes:
            if key in ("href", "src") and value:
                self.links.add(value)
            elif key in ("id", "name") and value:
                self.anchors.add(value)


@cache
def _page(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _broken(path: Path) -> list[str]:
    broken = []
    for link in _page(path).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        anchor = unquote(parts.fragment)
        if not target.exists() or (
            anchor and target.suffix == ".html" and anchor not in _page(target).anchors
        ):
            broken.append(f"{path.relative_to(BUILT)}: {link}")
    return broken


def test_every_link_inside_the_built_pages_leads_somewhere() -> None:
    built = sorted(BUILT.rglob("*.html"))
    assert len(built) > 10, f"{BUILT} holds no documentation: 'make docs' builds it"
    assert [link for path in built for link in _broken(path)] == []


def test_every_link_of_the_pages_outside_the_documentation_leads_somewhere() -> None:
    outside = [page for page in PAGES if "docs" not in page.relative_to(REPOSITORY).parts]
    assert REPOSITORY / "README.md" in outside
    links = {
        (page, link)
        for page in outside
        for link in _markdown_links(page)
        if not re.match(r"[a-z]+:", link)
    }
    assert links
    missing = [
        f"{page.name}: {link}"
        for page, link in sorted(links)
        if not (page.parent / link.partition("#")[0]).exists()
    ]
    assert missing == []


def _markdown_links(page: Path) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    return [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for token in tokens
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ]
