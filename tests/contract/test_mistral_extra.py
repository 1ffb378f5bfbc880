# SPDX-License-Identifier: Apache-2.0
"""What the workbook assumes of mistral-extra's Trove actions."""

import inspect
import json
from importlib import resources

import pytest
from mistral_extra.actions.openstack import actions
from troveclient.v1.backups import Backups

MAPPING = json.loads(
    resources.files("mistral_extra.actions.openstack").joinpath("mapping.json").read_text()
)


@pytest.mark.parametrize("verb", ["create", "get", "list", "delete"])
def test_the_actions_are_there_and_call_troveclients_methods(verb):
    assert MAPPING["trove"][f"backups_{verb}"] == f"backups.{verb}"


def test_the_action_takes_where_a_backup_is_stored():
    taken = inspect.signature(Backups.create).parameters
    assert {"storage_driver", "swift_container"} <= set(taken)


def test_a_failure_holds_the_clients_text():
    class Failing(actions.TroveAction):
        client_method_name = "backups.create"

        def _create_client(self, context):
            raise RuntimeError("status was BACKUP (HTTP 422)")

    with pytest.raises(Exception, match=r"backups\.create failed: status was BACKUP") as caught:
        Failing().run(None)
    assert str(caught.value) == ("Failing.backups.create failed: status was BACKUP (HTTP 422)")


def test_the_actions_find_trove_as_the_database_service():
    assert actions.TroveAction._service_types == ["database"]
