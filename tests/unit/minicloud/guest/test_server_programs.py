# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.conftest import MakeProgram
from trove_minicloud.guest import datastores, instances
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
