# SPDX-License-Identifier: Apache-2.0
"""The page *What works where*: a table of what the last run on each OpenStack release has shown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "operators" / "what-works-where.md"
RESULTS = Path(__file__).with_name("results")
YES = "yes"

#: The table is between them.
BEGIN = "<!-- `make test-releases` writes what follows. -->\n\n"
END = "\n<!-- Until here. -->\n"


@dataclass(frozen=True)
class Result:
    """What one run has shown.

    :ivar release: the OpenStack release.
    :ivar tested: the day of the run, UTC.
    :ivar versions: of the programs, by name.
    :ivar rows: `YES` for each thing that works, or why it doesn't.
    """

    release: str
    tested: str
    versions: dict[str, str]
    rows: dict[str, str]


def save(result: Result) -> None:
    """Write the result, and the table of the page.

    A run of some of the tests leaves the other rows as they were.
    """
    last = next((each for each in load() if each.release == result.release), None)
    if last is not None and last.versions == result.versions:
        result = replace(result, rows=last.rows | result.rows)
    text = json.dumps(asdict(result), indent=2) + "\n"
    RESULTS.joinpath(f"{result.release}.json").write_text(text, encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + table(load()) + END + after, encoding="utf-8")


def load() -> list[Result]:
    """The last result of each release, the oldest release first."""
    files = sorted(RESULTS.glob("*.json"))
    return [Result(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def table(results: list[Result]) -> str:
    """The table, and below it why something doesn't work."""
    reasons: list[str] = []

    def cell(why: str | None) -> str:
        if why is None or why == YES:
            return why or ""
        if why not in reasons:
            reasons.append(why)
        return f"no ({reasons.index(why) + 1})"

    newest = results[-1]
    lines = [
        _line(["", *(each.release for each in results)]),
        _line(["---"] * (len(results) + 1)),
        *(
            _line([name, *(each.versions.get(name, "") for each in results)])
            for name in newest.versions
        ),
        *(_line([name, *(cell(each.rows.get(name)) for each in results)]) for name in newest.rows),
        _line(["tested", *(each.tested for each in results)]),
    ]
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, start=1)]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
