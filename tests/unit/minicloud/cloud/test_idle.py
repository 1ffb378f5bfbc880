# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.conftest import wait_for
from trove_minicloud.cloud.idle import idle
from trove_minicloud.errors import InstanceBusyError, StopError
from trove_minicloud.guest import instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root


@pytest.fixture
def instance(root: Root) -> Instance:
    return examples.saved(root, name="orders")


def test_running_backups_are_waited_for_and_none_begins(root: Root, instance: Instance) -> None:
    said: list[str] = []
    over = threading.Event()
    entered = threading.Event()

    def wait() -> None:
        with idle(root, said.append):
            entered.set()
            over.wait(60)

    thread = threading.Thread(target=wait)
    with instances.backup_lock(root, instance.id, "backup b1"):
        thread.start()
        wait_for(lambda: said == ["waiting for the end of backup b1 of instance orders"])
        assert not entered.is_set()
    assert entered.wait(60)
    with pytest.raises(InstanceBusyError, match="the end of the mini cloud"):
        instances.backup_lock(root, instance.id, "backup b2").__enter__()
    over.set()
    thread.join()
    with instances.backup_lock(root, instance.id, "backup b2"):
        pass


def test_a_backup_without_an_end_is_an_error_that_names_it(root: Root, instance: Instance) -> None:
    with (
        instances.backup_lock(root, instance.id, "backup b1"),
        pytest.raises(StopError, match=r"no end of backup b1 of instance orders.*down --now"),
        idle(root, print, timeout=0.1),
    ):
        pytest.fail("it ended")
