# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest
import requests_mock

from tests.unit.minicloud import examples
from tests.unit.minicloud.clients.conftest import url_of
from trove_minicloud.clients import administrator
from trove_minicloud.clients.administrator import Administrator
from trove_minicloud.errors import MiniCloudError, WaitTimeoutError
from trove_minicloud.root import Root

_GONE = {"status_code": 404}
_ACCEPTED = {"status_code": 202}
_FAILED = "The instance could not be\ndeleted: its server still runs"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administrator.time, "sleep", lambda _seconds: None)


def _shown(fault: str = "", created: str = "") -> dict[str, Any]:
    shown: dict[str, Any] = {"status": "SHUTDOWN"}
    if fault:
        shown["fault"] = {"message": fault, "created": created}
    return {"json": {"instance": shown}}


def test_an_instance_is_deleted_when_trove_knows_it_no_more(
    trove: requests_mock.Mocker, root: Root
) -> None:
    url = url_of(root, "/instances/instance-1")
    # One that was added a moment ago becomes known first.
    trove.delete(url, [_GONE, _ACCEPTED])
    seen = trove.get(url, [_GONE, _shown(), _shown(), _GONE])
    Administrator(root).delete_instance(examples.saved(root))
    assert seen.call_count == 4


def test_an_instance_that_trove_never_comes_to_know_is_an_error(
    trove: requests_mock.Mocker, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(administrator, "_KNOWN_TIMEOUT", -1)
    url = url_of(root, "/instances/instance-1")
    trove.get(url, status_code=404)
    trove.delete(url, status_code=404)
    with pytest.raises(MiniCloudError, match="Trove doesn't know instance m"):
        Administrator(root).delete_instance(examples.saved(root))


def test_a_deletion_that_failed_is_told_with_its_cause_and_one_of_before_is_not(
    trove: requests_mock.Mocker, root: Root
) -> None:
    url = url_of(root, "/instances/instance-1")
    trove.delete(url, status_code=202)
    before, now = _shown(_FAILED, "10:00"), _shown(_FAILED, "11:00")
    trove.get(url, [before, before, now])
    with pytest.raises(MiniCloudError, match="could not be deleted: its server still runs"):
        Administrator(root).delete_instance(examples.saved(root))


def test_the_wait_for_a_deletion_has_an_end(
    trove: requests_mock.Mocker, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(administrator, "_DELETED_TIMEOUT", -1)
    url = url_of(root, "/instances/instance-1")
    trove.delete(url, status_code=202)
    trove.get(url, [_shown()])
    with pytest.raises(WaitTimeoutError, match="m is SHUTDOWN"):
        Administrator(root).delete_instance(examples.saved(root))
