# SPDX-License-Identifier: Apache-2.0
"""The pages that people read, and the commands that stand on them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.joinpath("ansible").rglob("*.md"),
        *REPOSITORY.joinpath("docs").rglob("*.md"),
        *REPOSITORY.joinpath("deploy").rglob("*.md"),
        *REPOSITORY.joinpath("devstack").rglob("*.md"),
        *REPOSITORY.joinpath("contrib").rglob("*.md"),
    ]
)
#: What a block of code may be called where it is not for a shell.
_NOT_SHELL = {"python", "yaml", "json", "hcl", "ini", "text", "sql", "promql", "diff", "none"}
#: Programs that the words of a sentence in code are taken for when they stand first.
_PROGRAMS = ("openstack", "trove", "trove-minicloud", "make")


@dataclass(frozen=True)
class Line:
    """One command of a page, as its words."""

    page: str
    number: int
    words: tuple[str, ...]
    #: In a sentence, where its arguments may be left out.
    named: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.number}: {' '.join(self.words)}"


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """The shell blocks of a page, with the line that each starts at."""
    for token in _tokens(page):
        if token.type not in ("fence", "code_block"):
            continue
        language = token.info.strip()
        if language.startswith("{") or language in _NOT_SHELL:
            continue
        assert token.map is not None
        first = token.map[0] + 1 + (token.type == "fence")
        yield first, token.content


def commands(page: Path) -> Iterator[Line]:
    """Every command in the shell blocks of a page, and those in its sentences."""
    name = str(page.relative_to(REPOSITORY))
    for first, text in blocks(page):
        # Where a block shows a session, what has no prompt was printed.
        shown = re.search(r"^\$ ", text, re.MULTILINE) is not None
        for number, line in _joined(text, first):
            if shown and not line.startswith("$ "):
                continue
            for words in split(line.removeprefix("$ ")):
                yield Line(name, number, words)
    for token in _tokens(page):
        for child in token.children or ():
            if child.type == "code_inline" and "…" not in child.content:
                for words in split(child.content):
                    if len(words) > 1 and words[0] in _PROGRAMS and "=" not in words[1]:
                        yield Line(name, (token.map or [0])[0] + 1, words, named=True)


def prose(page: Path) -> str:
    """What a page says outside of code, of directives and of links' addresses."""
    return " ".join(
        child.content
        for token in _tokens(page)
        for child in token.children or ()
        if child.type == "text"
    )


def split(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of a line for a shell, those in ``$(…)`` too, less what directs their output."""
    for inner in re.findall(r"\$\(([^()]+)\)", line):
        yield from split(inner)
    line = re.sub(r"\$\(([^()]+)\)", "$output", line)
    line = re.sub(r"\[?<([a-z][a-z -]*)>…?\]?", lambda match: match[1].replace(" ", "-"), line)
    line = re.sub(r"\[[^\]]*…\]|…", "", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>()")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set(";&|()"):
            yield from _command(words)
            words = []
        else:
            words.append(word)
    yield from _command(words)


def _command(words: list[str]) -> Iterator[tuple[str, ...]]:
    """Without variables set before it, what follows a ``>``, and the path of its program."""
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    for at, word in enumerate(words):
        if set(word) <= set("<>&"):
            words = words[: at - 1] if words[at - 1] in ("1", "2") else words[:at]
            break
    if words:
        yield words[0].rpartition("/")[2], *words[1:]


def _joined(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Lines, those that end with a backslash joined with the next, less what is typed into one."""
    whole, start, end = "", first, None
    for number, line in enumerate(text.splitlines(), first):
        if end is not None:
            end = None if line.strip() == end else end
            continue
        if heredoc := re.search(r"<<'(\w+)'$", line):
            end = heredoc[1]
        start = start if whole else number
        whole += line.strip()
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        if whole and not whole.startswith("#"):
            yield start, whole
        whole = ""


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
