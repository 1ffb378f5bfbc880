# SPDX-License-Identifier: Apache-2.0
"""Instances by id and name, backups, and Trove's pages and troubles."""

import itertools
import random
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import requests
import requests_mock
from urllib3.exceptions import ProtocolError

from trove_schedules.clients.scope import Scope
from trove_schedules.clients.trove import Backup, Trove
from trove_schedules.errors import (
    AmbiguousNameError,
    AuthenticationError,
    BackupNotFoundError,
    InstanceNotFoundError,
    InvalidScheduleError,
    PermissionDeniedError,
    ServiceError,
    ServiceUnavailableError,
)

# Workers that share the tests must find the same ones, so none is named by a fresh id.
AN_ID = "2b1df1e6-52e2-48ac-affb-49ef33319758"


@pytest.fixture
def trove(cloud):
    return Trove(cloud.session(), None, None)


def answer(cloud, **values):
    cloud.mock.get(f"http://trove.test/v1.0/{cloud.project}/instances", **values)


def test_an_id_is_looked_up_by_one_request(cloud, trove):
    cloud.add_instance("other")
    instance = cloud.add_instance("orders")
    assert trove.instance_id(instance) == instance
    assert cloud.trove_paths() == [f"instances/{instance}"]


def test_a_name_is_found_on_any_of_troves_pages(cloud, trove):
    ids = {f"db-{i}": cloud.add_instance(f"db-{i}") for i in range(65)}
    for name, instance in ids.items():
        cloud.mock.reset_mock()
        assert trove.instance_id(name) == instance
        assert cloud.trove_paths() == ["instances"] * 4


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 40, 41])
def test_pages_end_where_the_instances_do(cloud, trove, count):
    for i in range(count):
        cloud.add_instance(f"db-{i}")
    with pytest.raises(InstanceNotFoundError, match="'orders'"):
        trove.instance_id("orders")
    assert len(cloud.trove_paths()) == max(1, -(-count // 20))


def test_a_name_of_two_instances_is_ambiguous_and_both_ids_are_told(cloud, trove):
    ids = [cloud.add_instance("orders"), cloud.add_instance("orders")]
    with pytest.raises(AmbiguousNameError) as caught:
        trove.instance_id("orders")
    assert all(each in str(caught.value) for each in ids)


def test_an_id_wins_over_an_instance_that_is_named_so(cloud, trove):
    instance = cloud.add_instance("orders")
    cloud.add_instance(instance)
    assert trove.instance_id(instance) == instance


def test_an_instance_may_be_named_like_an_id(cloud, trove):
    name = str(uuid.uuid4())
    instance = cloud.add_instance(name)
    assert trove.instance_id(name) == instance


@pytest.mark.parametrize("name", ["", "../backups", "a/b?c=d", "é 😀", AN_ID, AN_ID.upper()])
def test_an_unknown_one_is_not_found_whatever_it_is_called(cloud, trove, name):
    with pytest.raises(InstanceNotFoundError, match="openstack database instance list"):
        trove.instance_id(name)


def test_names_are_not_prefixes(cloud, trove):
    cloud.add_instance("orders-2")
    with pytest.raises(InstanceNotFoundError):
        trove.instance_id("orders")


def test_a_backup_is_read_into_typed_values(cloud, trove):
    parent = str(uuid.uuid4())
    backup = cloud.add_backup(
        "the-instance",
        "BUILDING",
        description="d",
        parent_id=parent,
        created="2026-03-01T02:00:05",
        updated="2026-03-01T02:09:05",
        size=None,
    )
    assert trove.backup(backup) == Backup(
        id=backup,
        instance_id="the-instance",
        name="nightly",
        description="d",
        status="BUILDING",
        parent_id=parent,
        created=datetime(2026, 3, 1, 2, 0, 5, tzinfo=UTC),
        size=None,
        updated=datetime(2026, 3, 1, 2, 9, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize("backup", [AN_ID, "nightly", "../instances/x", ""])
def test_an_unknown_backup_is_not_found(trove, backup):
    with pytest.raises(BackupNotFoundError):
        trove.backup(backup)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (400, ServiceError),
        (500, ServiceError),
        (503, ServiceUnavailableError),
    ],
)
def test_an_http_error_tells_what_trove_said(cloud, trove, status, error):
    body = {"someFault": {"code": status, "message": "because of that"}}
    answer(cloud, status_code=status, json=body, headers={"x-openstack-request-id": "req-7"})
    with pytest.raises(error, match="because of that") as caught:
        trove.instance_id("orders")
    if status != 401:
        assert (caught.value.service, caught.value.request_id) == ("Trove", "req-7")


def test_a_missing_list_is_not_a_missing_instance(cloud, trove):
    answer(cloud, status_code=404, text="no such path")
    with pytest.raises(ServiceError, match="HTTP 404"):
        trove.instance_id("orders")


@pytest.mark.parametrize("text", ["<html>maintenance</html>", "", "[]"])
def test_an_answer_that_is_no_json_object_is_an_error(cloud, trove, text):
    answer(cloud, text=text)
    with pytest.raises(ServiceError, match="not a JSON object"):
        trove.instance_id("orders")


def test_nobody_listening_is_unavailable(cloud, trove):
    answer(cloud, exc=requests.exceptions.ConnectionError)
    with pytest.raises(ServiceUnavailableError) as caught:
        trove.instance_id("orders")
    assert caught.value.service == "Trove"


def test_a_list_whose_connection_is_cut_is_asked_for_again(cloud, trove):
    cut = {"exc": requests.exceptions.ConnectionError(ProtocolError("cut"))}
    url = f"http://trove.test/v1.0/{cloud.project}/instances"
    cloud.mock.get(url, [cut, {"json": {"instances": []}}])
    with pytest.raises(InstanceNotFoundError):
        trove.instance_id("orders")
    assert len(cloud.trove_paths()) == 2


def test_a_cloud_without_trove_is_told_so(cloud, trove):
    del cloud.services["database"]
    with pytest.raises(ServiceError, match=r"database.*is it installed"):
        trove.instance_id("orders")


def test_keystone_down_is_keystones_trouble(cloud, trove):
    cloud.mock.post("http://keystone.test/v3/auth/tokens", status_code=503)
    with pytest.raises(ServiceUnavailableError) as caught:
        trove.backup(str(uuid.uuid4()))
    assert caught.value.service == "Keystone"


def test_a_wrong_address_of_keystone_is_not_a_missing_backup(cloud, trove):
    cloud.mock.post("http://keystone.test/v3/auth/tokens", status_code=404)
    with pytest.raises(ServiceError) as caught:
        trove.backup(str(uuid.uuid4()))
    assert caught.value.service == "Keystone"


def add_backups(cloud, count):
    """Of one instance, each updated a second after the one before; their ids, the oldest first."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        cloud.add_backup("i", updated=f"{began + timedelta(seconds=n):%Y-%m-%dT%H:%M:%S}")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (1, 1), (999, 1), (1000, 3), (1001, 3), (2000, 4)]
)
def test_every_backup_of_an_instance_is_listed_whatever_the_page(cloud, trove, count, requests):
    wanted = add_backups(cloud, count)
    cloud.add_backup("another")
    assert sorted(each.id for each in trove.backups("i")) == sorted(wanted)
    assert cloud.trove_paths() == ["backups"] * requests
    assert len(trove.backups()) == count + 1


@pytest.mark.parametrize("many", [1, 2, 999, 1000, 1500])
def test_backups_deleted_between_pages_hide_none_that_stays(cloud, trove, many):
    ids = add_backups(cloud, 3001)
    newest = set(ids[-many:])

    def delete_the_newest():
        if len(cloud.trove_paths()) == 2:
            cloud.backups = [each for each in cloud.backups if each["id"] not in newest]

    cloud.meanwhile = delete_the_newest
    assert {each.id for each in trove.backups("i")} >= set(ids) - newest


def test_a_backup_updated_between_pages_is_met_at_the_top(cloud, trove):
    ids = add_backups(cloud, 1500)

    def update_the_oldest_and_delete_the_newest():
        if len(cloud.trove_paths()) == 2:
            cloud.backups[0]["updated"] = "2026-02-01T00:00:00"
            cloud.backups.pop()

    cloud.meanwhile = update_the_oldest_and_delete_the_newest
    assert {each.id for each in trove.backups("i")} >= set(ids[:-1])


def somebody_who_works(chance, rows, stays, add):
    """Adds, updates and deletes some rows at each call; what is deleted stays no more."""
    clock = itertools.count()

    def somebody_works():
        for _ in range(chance.randrange(4)):
            now = f"2026-02-01T00:00:{next(clock):02}"
            match chance.choice(["add", "update", "delete"]):
                case "add":
                    add(now)
                case "update":
                    chance.choice(rows)["updated"] = now
                case "delete":
                    stays.discard(rows.pop(chance.randrange(len(rows)))["id"])

    return somebody_works


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_between_pages_every_backup_that_stays_is_listed(
    cloud, trove, seed, monkeypatch
):
    monkeypatch.setattr("trove_schedules.clients.trove.PAGE", 10)
    chance = random.Random(seed)
    stays = set(add_backups(cloud, 60))
    cloud.meanwhile = somebody_who_works(
        chance, cloud.backups, stays, lambda now: cloud.add_backup("i", updated=now)
    )
    assert {each.id for each in trove.backups("i")} >= stays


class TestInstancesOfOtherProjects:
    """Trove cuts their list by position, and sorts each page by an order of its own."""

    @pytest.fixture
    def everybodys(self, cloud):
        return Trove(cloud.session(), None, None, Scope(all_projects=True))

    @pytest.mark.parametrize(("count", "requests"), [(0, 1), (99, 1), (100, 3), (300, 5)])
    def test_each_is_listed_by_a_request_for_each_hundred(self, cloud, everybodys, count, requests):
        ids = add_instances(cloud, count)
        assert sorted(each.id for each in everybodys.instances()) == sorted(ids)
        assert cloud.trove_paths() == ["mgmt/instances"] * requests

    def test_each_says_whose_it_is_and_what_it_replicates(self, cloud, everybodys):
        first = cloud.add_instance("a", tenant_id="p1")
        replica = cloud.add_instance("b", tenant_id="p2", replica_of={"id": first, "links": []})
        found = {each.id: each for each in everybodys.instances()}
        assert (found[first].project_id, found[first].replica_of) == ("p1", None)
        assert (found[replica].project_id, found[replica].replica_of) == ("p2", first)
        assert found[first].updated == datetime(2026, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize("seed", range(5))
    def test_whatever_happens_between_pages_each_that_stays_is_listed(
        self, cloud, everybodys, seed, monkeypatch
    ):
        monkeypatch.setattr("trove_schedules.clients.trove.INSTANCES_PAGE", 10)
        chance = random.Random(seed)
        stays = set(add_instances(cloud, 60))
        cloud.meanwhile = somebody_who_works(
            chance, cloud.instances, stays, lambda now: cloud.add_instance("new", updated=now)
        )
        assert {each.id for each in everybodys.instances()} >= stays


def add_instances(cloud, count):
    """Each updated a second after the one before; their ids, the oldest first."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        cloud.add_instance(f"m{n}", updated=f"{began + timedelta(seconds=n):%Y-%m-%dT%H:%M:%S}")
        for n in range(count)
    ]


def test_own_instances_are_of_the_own_project(cloud, trove):
    mine = cloud.add_instance("m")
    replica = cloud.add_instance("r", replica_of={"id": mine, "links": []})
    found = {each.id: each for each in trove.instances()}
    assert {each.project_id for each in found.values()} == {cloud.project}
    assert found[replica].replica_of == mine


def test_a_page_that_brings_nothing_new_is_an_error_and_not_an_endless_list(cloud, trove):
    add_backups(cloud, 1)
    (row,) = cloud.backups
    link = {"rel": "next", "href": "http://h/v1.0/x/backups?marker=1000"}
    url = f"http://trove.test/v1.0/{cloud.project}/backups"
    cloud.mock.get(url, json={"backups": [row], "links": [link]})
    with pytest.raises(ServiceError, match="nothing new"):
        trove.backups()


def test_a_deleted_backup_goes_with_what_builds_on_it(cloud, trove):
    first = cloud.add_backup("i")
    cloud.add_backup("i", parent_id=first)
    other = cloud.add_backup("i")
    trove.delete_backup(first)
    assert [each.id for each in trove.backups("i")] == [other]


def test_deleting_what_is_gone_is_fine_and_a_refusal_is_not(cloud, trove):
    gone, running = str(uuid.uuid4()), str(uuid.uuid4())
    trove.delete_backup(gone)
    body = {"unprocessableEntity": {"code": 422, "message": "it is running"}}
    url = f"http://trove.test/v1.0/{cloud.project}/backups/{running}"
    cloud.mock.delete(url, status_code=422, json=body)
    with pytest.raises(ServiceError, match="it is running"):
        trove.delete_backup(running)


@pytest.mark.parametrize(
    "text",
    [
        '{"itemNotFound": {"message": "Could not find trust: 5a. (HTTP 404)"}}',
        f'{{"itemNotFound": {{"message": "Resource {AN_ID} can not be retrieved."}}}}',
        f"<html>The requested URL /v1.0/p/backups/{AN_ID} was not found on this server.</html>",
    ],
    ids=["keystone's", "nova's", "a proxy's"],
)
def test_a_404_of_somebody_else_does_not_say_that_it_is_gone(cloud, trove, text):
    cloud.mock.register_uri(
        requests_mock.ANY, re.compile("http://trove.test/"), status_code=404, text=text
    )
    for ask in (trove.delete_backup, trove.backup, trove.instance_status, trove.instance_id):
        with pytest.raises(ServiceError, match="HTTP 404"):
            ask(AN_ID)


class TestWhatSchedulesAreOf:
    """Instances and backups as the API lists them, for the dashboard."""

    def test_all_names_by_id_on_however_many_pages(self, cloud, schedules):
        names = {cloud.add_instance(f"db-{i}"): f"db-{i}" for i in range(45)}
        assert schedules.instance_names() == names
        assert cloud.trove_paths() == ["instances"] * 3

    def test_one_name_by_one_request_and_none_of_what_is_gone(self, cloud, schedules, instance):
        assert schedules.instance_name(instance) == "m"
        assert schedules.instance_name(AN_ID) is None
        assert cloud.trove_paths() == [f"instances/{instance}", f"instances/{AN_ID}"]

    def test_the_newest_backups_by_one_request_the_newest_made_first(
        self, cloud, schedules, instance
    ):
        other = cloud.add_instance("other")
        first = cloud.add_backup(instance, created="2026-01-01T02:00:00")
        second = cloud.add_backup(instance, created="2026-01-02T02:00:00")
        third = cloud.add_backup(other, created="2026-01-03T02:00:00")
        assert [each.id for each in schedules.backup_list()] == [third, second, first]
        assert [each.id for each in schedules.backup_list(instance)] == [second, first]
        assert len(schedules.backup_list(limit=2)) == 2
        assert cloud.trove_paths() == ["backups"] * 3
        assert [each.id for each in schedules.backup_list("other")] == [third]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_that_is_no_number_of_backups_is_refused(self, cloud, schedules, limit):
        with pytest.raises(InvalidScheduleError, match=f"limit {limit} is not a number of 1"):
            schedules.backup_list(limit=limit)
        assert cloud.mock.request_history == []
