# SPDX-License-Identifier: Apache-2.0
import pytest

from bench.cluster import mistral
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import NotReadyError


def test_a_cluster_has_one_program_for_each_server(root: Root) -> None:
    programs = mistral.server_programs(root, engines=2, executors=1, periodics=2)
    assert [program.name for program in programs] == [
        "mistral-engine-1",
        "mistral-engine-2",
        "mistral-executor-1",
        "mistral-periodic-1",
        "mistral-periodic-2",
    ]
    assert [program.argv[-1] for program in programs] == [
        "engine",
        "engine",
        "executor",
        "periodic",
        "periodic",
    ]


def test_a_server_is_ready_when_it_says_so_after_its_last_start(root: Root) -> None:
    said = "INFO Engine server started.\n"
    root.log("mistral-engine-1").write_text(f"of the cloud's run before: {said}")
    program = mistral.server_programs(root, 1, 0, 0)[0]
    for _start in range(2):
        with pytest.raises(NotReadyError):
            program.ready()
        with program.log.open("a") as log:
            log.write(said)
        program.ready()
