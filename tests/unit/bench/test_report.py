# SPDX-License-Identifier: Apache-2.0
"""The benchmarks' table, JSON and charts."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from bench import report
from bench.report import Report


def lines_of(*reports: Report) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in report.table(reports).splitlines()[2:]
    ]


def test_a_row_shows_medians_their_ratio_and_whether_the_goal_is_met() -> None:
    found = Report("example")
    found.add("list", "s", [1, 2, 9], against="old", theirs=[20, 18, 22], at_most=0.2)
    found.add("list", "s", 3, against="old", theirs=10, at_most=0.2)
    found.add("stream", "MB/s", 90, against="pipe", theirs=100, at_least=1)
    found.add("firings", "runs/s", 6, at_least=5)
    found.add("start", "s", 8)
    assert lines_of(found) == [
        ["list", "s", "2", "old", "20", "1/10", "≤ 0.2: met"],
        ["list", "s", "3", "old", "10", "0.30", "≤ 0.2: MISSED"],
        ["stream", "MB/s", "90", "pipe", "100", "0.90", "≥ 1: MISSED"],
        ["firings", "runs/s", "6", "", "", "", "≥ 5: met"],
        ["start", "s", "8", "", "", "", ""],
    ]


def test_a_lateness_of_no_second_has_a_ratio_only_against_one_that_has() -> None:
    found = Report("example")
    found.add("lateness", "s", 0, against="defaults", theirs=40)
    found.add("lateness", "s", 3, against="defaults", theirs=0, at_most=5)
    assert [row[5] for row in lines_of(found)] == ["0.00", ""]
    assert [row[6] for row in lines_of(found)] == ["", ""]


def test_rounds_alternate_so_that_neither_side_is_always_the_second() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return len(order)

    ours, theirs = report.in_turns(3, lambda: side("a"), lambda: side("b"))
    assert "".join(order) == "abbaab"
    assert (ours, theirs) == ([1, 4, 5], [2, 3, 6])


def test_json_keeps_every_round_the_machine_and_its_load(tmp_path: Path) -> None:
    found = Report("example", series={"points": [[1, 2]]})
    found.add("list", "s", [1, 3], against="old", theirs=[4, 4], at_most=0.5)
    content = json.loads(found.write(tmp_path).read_text())
    assert content["rows"][0]["ours"] == [1, 3]
    assert (content["rows"][0]["ratio"], content["rows"][0]["goal"]) == (0.5, "≤ 0.5: met")
    assert content["series"] == {"points": [[1, 2]]}
    assert content["machine"]["cores"] > 0
    assert len(content["machine"]["load_before"]) == len(content["load_after"]) == 3


@pytest.mark.parametrize(("answer", "status"), [(5, 0), (4, 1)])
def test_a_wrong_answer_fails_the_command_and_a_missed_goal_does_not(
    answer: int,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(full: bool) -> Report:
        found = Report("example")
        found.add("list", "s", 2 if full else 1, against="old", theirs=1, at_most=0.5)
        found.expect("rows", answer, 5)
        return found

    def draw(found: Report, folder: Path) -> None:
        drawn = {"ours": found.rows[0].ours}
        report.bar_chart(folder / "bars.svg", "List", "s", ["list"], drawn)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bench", "--full", "--charts", "charts"])
    assert report.main(run, draw) == status
    printed = capsys.readouterr()
    assert "MISSED" in printed.out and "| 2" in printed.out
    assert ("WRONG: example: rows: 4, expected 5" in printed.err) == (status == 1)
    assert (tmp_path / report.RESULTS / "example.json").is_file()
    assert (tmp_path / "charts" / "bars.svg").is_file()


def test_what_is_told_to_end_runs_what_stops_its_mini_clouds() -> None:
    stopped = []
    before = signal.getsignal(signal.SIGTERM)
    try:
        report.end_when_told()
        with pytest.raises(SystemExit) as ended:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                stopped.append("mini cloud")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (ended.value.code, stopped) == (143, ["mini cloud"])


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    for name in ("first.svg", "second.svg"):
        report.line_chart(
            tmp_path / name, "Growth", ("rows", "s"), {"ours": [(1, 2), (10, 3)]}, logarithmic=True
        )
    first = (tmp_path / "first.svg").read_bytes()
    assert b"<svg" in first
    assert first == (tmp_path / "second.svg").read_bytes()
