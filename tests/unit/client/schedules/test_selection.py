# SPDX-License-Identifier: Apache-2.0
"""Which instances a selection takes, and that a regular expression says what its globs say."""

import fnmatch
import json
import re
import time

import pytest
from hypothesis import example, given, settings, strategies as st

from trove_schedules.clients.instances import Instance
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.selection import MAX_SIZE, Choice, Selection, regex

AN_ID = "2b1df1e6-52e2-48ac-affb-49ef33319758"
ANOTHER = "77777777-52e2-48ac-affb-49ef33319758"


def instance(name="orders-1", **values):
    standard = {"id": AN_ID, "status": "ACTIVE", "datastore": "mysql"}
    return Instance(name=name, **(standard | values))


LETTERS = "ab*?[]!-^\\.&~|(){}$\né"


class TestRegex:
    @settings(max_examples=1500, deadline=None)
    @given(st.lists(st.text(LETTERS, max_size=8), min_size=1, max_size=3), st.text("ab-[]!^\\.é\n"))
    @example(["a*b*c"], "aXbXbXc")
    @example(["[a*]*", "[!]]*["], "*x")
    @example(["a**b", "*a*a*"], "aa")
    @example(["[z-a]"], "z")
    def test_it_fits_what_any_of_the_globs_fits(self, globs, name):
        fits = any(fnmatch.fnmatchcase(name, each) for each in globs)
        assert bool(re.match(regex(tuple(globs)), name)) is fits
        assert bool(re.search(regex(tuple(globs)), name)) is fits

    def test_many_stars_take_no_time(self):
        pattern = re.compile(regex(("*a" * 40 + "b",)))
        began = time.process_time()
        assert pattern.match("a" * 255) is None
        assert time.process_time() - began < 1

    def test_no_python_of_mistrals_finds_syntax_that_it_does_not_know(self):
        said = regex(("a*b*c*", "[!x]?*", "*z*z"))
        assert "(?>" not in said
        assert "\\z" not in said


class TestChoice:
    @pytest.mark.parametrize(
        ("selection", "values", "why"),
        [
            (Selection(), {}, None),
            (Selection(), {"status": "HEALTHY"}, None),
            (Selection(), {"status": "RESTART_REQUIRED"}, None),
            (Selection(), {"status": "BACKUP"}, None),
            (Selection(), {"status": "SHUTDOWN"}, "status SHUTDOWN"),
            (Selection(), {"status": None}, "status None"),
            (Selection(), {"replica_of": ANOTHER}, f"replica of {ANOTHER}"),
            (Selection(replicas=True), {"replica_of": ANOTHER}, None),
            (Selection(match=("orders-*",)), {}, None),
            (Selection(match=("x", "orders-?")), {}, None),
            (Selection(match=("Orders-*",)), {}, "no match"),
            (Selection(match=("orders",)), {}, "no match"),
            (Selection(match=(AN_ID,)), {}, None),
            (Selection(exclude=("*-1",)), {}, "excluded"),
            (Selection(exclude=(AN_ID[:8] + "*",)), {}, "excluded"),
            (Selection(match=("*",), exclude=("*-1",)), {}, "excluded"),
            (Selection(datastores=("mysql", "mariadb")), {}, None),
            (Selection(datastores=("MySQL",)), {}, "datastore mysql"),
            (Selection(), {"name": f"trove-drill-{AN_ID}-{ANOTHER}"}, "temporary instance of a "),
        ],
    )
    def test_what_is_left_is_said(self, selection, values, why):
        said = selection.candidate(instance(**values)).reason
        assert said == why if why is None else said.startswith(why)

    def test_what_is_left_on_purpose_is_not_unable(self):
        selection = Selection(match=("orders-*",))
        chosen = [
            selection.candidate(instance(**values)).choice
            for values in ({}, {"status": "ERROR"}, {"name": "test", "status": "ERROR"})
        ]
        assert chosen == [Choice.TAKEN, Choice.UNABLE, Choice.LEFT]


class TestInput:
    def test_what_is_as_usual_is_left_out(self):
        assert Selection().written() == {}

    def test_all_else_is_there_with_what_the_globs_come_to(self):
        selection = Selection(("a*",), ("b",), ("mysql",), replicas=True, max_parallel=9)
        assert selection.written() == {
            "match": ["a*"],
            "exclude": ["b"],
            "datastores": ["mysql"],
            "replicas": True,
            "max_parallel": 9,
            "takes": r"^(?s:a.*)\Z",
            "leaves": r"^(?s:b)\Z",
        }

    @given(
        st.builds(
            Selection,
            st.lists(st.text(), unique=True).map(tuple),
            st.lists(st.text(), unique=True).map(tuple),
            st.lists(st.text(), unique=True).map(tuple),
            st.booleans(),
            st.integers(1, 50),
        )
    )
    def test_what_was_written_is_read(self, selection):
        assert Selection.read(json.loads(json.dumps(selection.written()))) == selection

    @pytest.mark.parametrize(
        "odd",
        [
            None,
            "text",
            [],
            {"match": "a*", "exclude": {"a": 1}, "datastores": 5, "replicas": "yes"},
            {"max_parallel": 0, "match": [None, 5, ["a"]]},
            {"max_parallel": True, "more": "than known"},
        ],
    )
    def test_what_somebody_else_wrote_breaks_nothing(self, odd):
        assert Selection.read(odd) == Selection()

    def test_a_glob_that_would_be_refused_is_read_as_it_is(self):
        selection = Selection.read({"match": ["[a", ""], "max_parallel": 7})
        assert selection == Selection(match=("[a", ""), max_parallel=7)
        assert selection.candidate(instance("[a")).reason is None


class TestCheck:
    @pytest.mark.parametrize(
        "selection",
        [
            Selection(),
            Selection(match=("*", "[[]a", "[]a]", "[!]]", "a]"), exclude=("é ü",)),
            Selection(max_parallel=1),
            Selection(max_parallel=50),
        ],
    )
    def test_what_can_be_meant_is_taken(self, selection):
        selection.check()

    @pytest.mark.parametrize(
        ("selection", "said"),
        [
            (Selection(match=("",)), "match '' is no pattern"),
            (Selection(exclude=("a\nb",)), r"exclude 'a\\nb' is no pattern"),
            (Selection(match=("a", "b[")), r"match 'b\[' has a \[ without its \]"),
            (Selection(exclude=("[a][]",)), "without its"),
            (Selection(match=("[!]",)), "without its"),
            (Selection(datastores=("",)), "datastore '' is not"),
            (Selection(datastores=("my\tsql",)), "is not the name"),
            (Selection(max_parallel=0), "max-parallel 0 is not a number from 1 to 50"),
            (Selection(max_parallel=51), "max-parallel 51 is not a number from 1 to 50"),
            (Selection(match=tuple(f"{n}-{'x' * 200}" for n in range(100))), "40000 fit"),
        ],
    )
    def test_what_can_not_is_refused(self, selection, said):
        with pytest.raises(InvalidScheduleError, match=said):
            selection.check()

    def test_a_letter_that_json_writes_in_six_counts_as_six(self):
        length = MAX_SIZE // 6 // 2
        with pytest.raises(InvalidScheduleError, match="fit"):
            Selection(match=("é" * length,)).check()
        Selection(match=("e" * length,)).check()
