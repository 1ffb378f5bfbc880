# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.conftest import MakeProgram
from trove_minicloud.guest import datastores, instances, server_programs
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.server_programs import InstancePrograms
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import DATABASE_VARIABLES, Program


@pytest.fixture
def instance(root: Root, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch) -> Instance:
    class Datastore:
        @staticmethod
        def server_program(_root: Root, instance: Instance) -> Program:
            return make_program(f"database-{instance.id}")

    monkeypatch.setattr(datastores, "named", lambda _name: Datastore)
    made = examples.instance()
    made.folder(root).mkdir()
    instances.save(root, made)
    return made


def test_a_database_gets_next_to_nothing_of_the_callers_environment(
    root: Root, instance: Instance
) -> None:
    (program,) = InstancePrograms(root)()
    assert program.inherits == DATABASE_VARIABLES
    assert program.env["TROVE_MINICLOUD_ROOT"] == str(root.path)


def test_a_damaged_instance_does_not_stop_the_others(root: Root, instance: Instance) -> None:
    damaged = Path(root.instances / "zz" / "instance.json")
    damaged.parent.mkdir()
    damaged.write_text("{}")
    assert [program.name for program in InstancePrograms(root)()] == [f"database-{instance.id}"]


def test_a_database_is_not_restarted_because_it_does_not_answer(
    root: Root, instance: Instance
) -> None:
    (program,) = InstancePrograms(root)()
    assert program.if_silent == "tell"


def _make_unreadable(file: Path) -> None:
    file.unlink()
    file.mkdir()


def test_an_instance_that_can_not_be_read_any_more_runs_on(root: Root, instance: Instance) -> None:
    programs = InstancePrograms(root)
    before = programs()
    _make_unreadable(instance.folder(root) / "instance.json")
    assert programs() == programs() == before
    (problem,) = programs.problems()
    assert instance.id in problem and "Is a directory" in problem


def test_a_database_that_can_not_be_run_is_told_and_tried_again(
    root: Root, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = server_programs.datastores.named("x")

    class Missing:
        @staticmethod
        def server_program(_root: Root, _instance: Instance) -> Program:
            raise FileNotFoundError("no postgres")

    programs = InstancePrograms(root)
    with monkeypatch.context() as patch:
        patch.setattr(datastores, "named", lambda _name: Missing)
        assert programs() == []
    assert "can't be run: no postgres" in programs.problems()[0]
    monkeypatch.setattr(datastores, "named", lambda _name: there)
    assert programs() == []
    monkeypatch.setattr(programs, "_try_again_at", 0.0)
    assert len(programs()) == 1
    assert programs.problems() == []
