# SPDX-License-Identifier: Apache-2.0
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest
import requests_mock

from tests.unit.minicloud import examples
from tests.unit.minicloud.clients.conftest import url_of
from trove_minicloud import settings
from trove_minicloud.clients import user
from trove_minicloud.clients.user import User
from trove_minicloud.errors import MiniCloudError, NotUpError, WaitTimeoutError
from trove_minicloud.guest import datastores, folders, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.supervision import state

_LATER = datetime(2999, 1, 1, tzinfo=UTC)


def _backup(number: int, name: str, status: str = "COMPLETED") -> dict[str, Any]:
    return {
        "id": f"id{number}",
        "name": name,
        "status": status,
        "created": f"2026-03-0{number % 9 + 1}T00:00:00",
        "size": number / 4,
    }


def _serve_backups(trove: requests_mock.Mocker, root: Root, backups: list[dict[str, Any]]) -> None:
    def page(request: Any, _context: Any) -> Any:
        start, limit = int(request.qs["marker"][0]), int(request.qs["limit"][0])
        return {"backups": backups[start : start + limit]}

    trove.get(url_of(root, "/backups"), json=page)


def test_a_cloud_that_is_down_is_an_error_that_says_how_to_start_it(root: Root) -> None:
    settings.load_or_create(root)
    with pytest.raises(NotUpError, match="trove-minicloud up"):
        User(root)


@pytest.fixture
def instance(root: Root) -> Instance:
    return examples.saved(root, id="i1")


def _stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing sleep, and no second pass, as one may on a busy machine."""
    clock = SimpleNamespace(sleep=lambda _seconds: None, monotonic=lambda: 0.0)
    monkeypatch.setattr(user, "time", clock)


def _answers(monkeypatch: pytest.MonkeyPatch, *serving: bool) -> None:
    """Let the server serve or not, one time after the other, then as at last; nothing sleeps."""
    left = list(serving)
    module = create_autospec(datastores.Datastore, instance=True)
    module.is_serving.side_effect = lambda *_: left.pop(0) if len(left) > 1 else left[0]
    monkeypatch.setattr(datastores, "named", lambda _name: module)
    _stop_the_clock(monkeypatch)


def _shown(status: str, operating_status: str = "", updated: datetime = _LATER) -> dict[str, Any]:
    return {
        "instance": {
            "status": status,
            "operating_status": operating_status,
            "service_status_updated": f"{updated:%Y-%m-%dT%H:%M:%S}",
        }
    }


def test_an_instance_is_waited_for_until_it_is_healthy(
    trove: requests_mock.Mocker, root: Root, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, True)
    trove.get(
        url_of(root, "/instances/i1"),
        [
            {"status_code": 404},
            {"json": _shown("SHUTDOWN")},
            {"json": _shown("ACTIVE", "HEALTHY")},
        ],
    )
    seen: list[str] = []
    User(root).wait_until_healthy(instance, 60, seen.append)
    assert seen == [
        "m: not known to Trove (0 s)",
        "m: SHUTDOWN (0 s)",
        "m: ACTIVE/HEALTHY (0 s)",
    ]


def test_what_trove_says_of_a_server_that_does_not_serve_or_of_an_earlier_time_is_not_believed(
    trove: requests_mock.Mocker,
    root: Root,
    instance: Instance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _answers(monkeypatch, False, True)
    before = datetime.now(UTC) - timedelta(seconds=3)
    trove.get(
        url_of(root, "/instances/i1"),
        [
            {"json": _shown("ACTIVE", "HEALTHY", before)},
            {"json": _shown("ACTIVE", "HEALTHY")},
        ],
    )
    seen: list[str] = []
    User(root).wait_until_healthy(instance, 60, seen.append)
    assert seen == [
        "m: not serving yet (0 s)",
        "m: ACTIVE/HEALTHY, as of before the last change (0 s)",
        "m: ACTIVE/HEALTHY (0 s)",
    ]


@pytest.mark.parametrize("what", ["stopped", "deleted"])
def test_a_wait_for_what_was_stopped_or_deleted_meanwhile_ends(
    trove: requests_mock.Mocker,
    root: Root,
    instance: Instance,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    _answers(monkeypatch, False)

    def meanwhile(_seconds: float) -> None:
        if what == "deleted":
            folders.remove(root, instance.id)
        else:
            instances.save(root, replace(instance, wanted="stopped"))

    # Not for everybody: others sleep too.
    clock = SimpleNamespace(sleep=meanwhile, monotonic=time.monotonic)
    monkeypatch.setattr(user, "time", clock)
    with pytest.raises(MiniCloudError, match=f"Instance m was {what} meanwhile"):
        User(root).wait_until_healthy(instance, 60, lambda _line: None)


def test_a_wait_ends_when_the_cloud_goes_down(
    trove: requests_mock.Mocker,
    root: Root,
    instance: Instance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = User(root)
    monkeypatch.setattr(state, "supervisor_pid", lambda _root: None)
    with pytest.raises(NotUpError, match="went down"):
        known.wait_until_healthy(instance, 60, lambda _line: None)


def test_the_wait_has_an_end_that_says_what_was_seen(
    trove: requests_mock.Mocker, root: Root, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, True)
    trove.get(url_of(root, "/instances/i1"), status_code=404)
    instance.log(root).write_text("redo starts at 0/2000028\n", encoding="utf-8")
    with pytest.raises(WaitTimeoutError) as waited:
        User(root).wait_until_healthy(instance, -1, lambda _line: None)
    first, last = str(waited.value).splitlines()
    assert re.search(r"m is not known to Trove.*runs no server for it", first)
    assert last == "redo starts at 0/2000028"


def test_a_backup_is_found_by_id_or_name_on_any_page(
    trove: requests_mock.Mocker, root: Root
) -> None:
    _serve_backups(trove, root, [_backup(number, f"name{number}") for number in range(250)])
    assert User(root).find_backup("id249")["id"] == "id249"
    assert User(root).find_backup("name120")["id"] == "id120"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("none", "There is no backup 'none'"),
        (
            "twice",
            "'twice'; use an id .the newest first.:"
            "\n  id2  2026-03-03T00:00:00 UTC  0.5 GB\n  id1  2026-03-02T00:00:00 UTC  0.25 GB",
        ),
        ("failed", "No backup 'failed' is COMPLETED: id3 is FAILED"),
        ("id3", "No backup 'id3' is COMPLETED: id3 is FAILED"),
    ],
)
def test_a_backup_that_can_not_be_restored_is_refused(
    trove: requests_mock.Mocker, root: Root, wanted: str, text: str
) -> None:
    backups = [_backup(1, "twice"), _backup(2, "twice"), _backup(3, "failed", "FAILED")]
    _serve_backups(trove, root, backups)
    with pytest.raises(MiniCloudError, match=text):
        User(root).find_backup(wanted)


def test_a_backup_that_failed_does_not_count_among_those_of_one_name(
    trove: requests_mock.Mocker, root: Root
) -> None:
    _serve_backups(trove, root, [_backup(1, "n", "FAILED"), _backup(2, "n"), _backup(3, "o")])
    assert User(root).find_backup("n")["id"] == "id2"


def test_a_trove_that_fails_is_an_error_of_ours(trove: requests_mock.Mocker, root: Root) -> None:
    trove.get(url_of(root, "/instances/i1"), status_code=500)
    with pytest.raises(MiniCloudError, match="Trove doesn't answer"):
        User(root).instance_state("i1")


def _making(status: str, operating_status: str = "", fault: str = "") -> dict[str, Any]:
    shown = _shown(status, operating_status)["instance"]
    return {"json": {"instance": shown | ({"fault": {"message": fault}} if fault else {})}}


@pytest.fixture
def made(trove: requests_mock.Mocker, root: Root, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was reported. Trove takes the request for an instance; nothing sleeps."""
    _stop_the_clock(monkeypatch)
    trove.post(url_of(root, "/instances"), json={"instance": {"id": "i1"}})
    return []


def test_trove_makes_an_instance_from_a_backup(
    trove: requests_mock.Mocker, root: Root, instance: Instance, made: list[str]
) -> None:
    answers = [_making("BUILD"), _making("ACTIVE"), _making("ACTIVE", "HEALTHY")]
    trove.get(url_of(root, "/instances/i1"), answers)
    assert User(root).make_instance("m", "postgresql", made.append, "b1") == instance
    assert made == ["m: BUILD (0 s)", "m: ACTIVE (0 s)", "m: ACTIVE/HEALTHY (0 s)"]
    [asked] = [each.json() for each in trove.request_history if each.path.endswith("/instances")]
    assert asked["instance"] == {
        "name": "m",
        "flavorRef": "1",
        "datastore": {"type": "postgresql"},
        "restorePoint": {"backupRef": "b1"},
    }


def test_an_instance_that_can_not_be_made_goes_again_and_the_cause_is_told(
    trove: requests_mock.Mocker, root: Root, made: list[str]
) -> None:
    # The cause may come after the state, and Trove breaks it into lines.
    answers = [_making("ERROR"), _making("ERROR"), _making("ERROR", "", "The disk\nis full.")]
    trove.get(url_of(root, "/instances/i1"), answers)
    deleted = trove.delete(url_of(root, "/instances/i1"), status_code=202)
    with pytest.raises(MiniCloudError, match=r"Instance m could not be made: The disk is full\."):
        User(root).make_instance("m", "postgresql", made.append)
    assert deleted.called


def test_a_copy_whose_rows_are_wrong_stays_to_be_looked_at(
    trove: requests_mock.Mocker, root: Root, instance: Instance, made: list[str]
) -> None:
    trove.get(url_of(root, "/instances/i1"), [_making("ERROR", "", "The check of o is answered")])
    deleted = trove.delete(url_of(root, "/instances/i1"), status_code=202)
    with pytest.raises(MiniCloudError, match=r"The check of o is answered\nThe server stays"):
        User(root).make_instance("m", "postgresql", made.append, "b1")
    assert not deleted.called


def test_what_trove_refuses_to_make_is_told_in_its_words(
    trove: requests_mock.Mocker, root: Root, made: list[str]
) -> None:
    answer = {"overLimit": {"message": "Quota exceeded", "code": 413}}
    trove.post(url_of(root, "/instances"), json=answer, status_code=413)
    with pytest.raises(MiniCloudError, match=r"Trove refuses: Quota exceeded \(HTTP 413\)"):
        User(root).make_instance("m", "postgresql", made.append)


def test_the_wait_for_a_new_instance_ends_with_it_or_with_the_cloud(
    trove: requests_mock.Mocker, root: Root, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trove.get(url_of(root, "/instances/i1"), [_making("BUILD"), {"status_code": 404}])
    with pytest.raises(MiniCloudError, match="m was deleted meanwhile"):
        User(root).make_instance("m", "postgresql", made.append)
    trove.get(url_of(root, "/instances/i1"), [_making("BUILD")])
    known = User(root)
    monkeypatch.setattr(state, "supervisor_pid", lambda _root: None)
    with pytest.raises(NotUpError, match="went down"):
        known.make_instance("m", "postgresql", made.append)
