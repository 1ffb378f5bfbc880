# SPDX-License-Identifier: Apache-2.0
"""Ask the installed Trove's own code, and print the answers as JSON: see the ``trove`` fixture."""

import json
import sys
from types import SimpleNamespace
from unittest import mock

import jsonschema
import sqlalchemy
import webob
from trove.backup.models import Backup
from trove.backup.state import BackupState
from trove.backup.views import BackupView
from trove.common import apischema, cfg, exception, limits, pagination, utils, wsgi
from trove.db.sqlalchemy import api
from trove.extensions.mgmt.instances import models as mgmt_models, views as mgmt_views
from trove.instance import models, views

cfg.CONF.set_override("connection", f"sqlite:///{sys.argv[1]}/trove.sqlite", group="database")
api.db_sync(cfg.CONF)
api.configure_db()

UUID = "11111111-1111-4111-8111-111111111111"


def accepts(name: str, description: str | None) -> bool:
    """Whether the API takes a backup of this name and description."""
    backup = {"name": name, "instance": UUID, "incremental": 0, "parent_id": UUID}
    if description is not None:
        backup["description"] = description
    validator = jsonschema.Draft4Validator(apischema.backup["create"])
    return bool(validator.is_valid({"backup": backup}))


def makes(**values: object) -> bool:
    """Whether the API takes such an instance, as far as its schema knows."""
    usual = {"name": "again", "flavorRef": "7", "restorePoint": {"backupRef": UUID}}
    validator = jsonschema.Draft4Validator(apischema.instance["create"])
    return bool(validator.is_valid({"instance": usual | values}))


def backup_shown() -> dict[str, object]:
    """What a backup tells of its datastore."""
    version = SimpleNamespace(name="18.6", id=UUID)
    backup = mock.Mock(
        datastore_version_id=UUID,
        datastore=SimpleNamespace(name="postgresql"),
        datastore_version=version,
    )
    shown = BackupView(backup).data()["backup"]
    return dict(shown["datastore"])


def refusal(*, server: str = "ACTIVE", task: object = None, running: object = None) -> str | None:
    """What Trove says of a backup while an instance is in this state."""
    instance = mock.Mock(id=UUID, status=server)
    instance.db_info.server_status = server
    instance.db_info.task_status = task or models.InstanceTasks.NONE
    instance.datastore_status.status.action_is_allowed = True
    with mock.patch.object(models.Backup, "running", return_value=running):
        try:
            models.Instance.validate_can_perform_action(instance)
        except exception.UnprocessableEntity as error:
            return str(error)
    return None


def page() -> dict[str, object]:
    """A page of a list, as a client sees it."""
    view = SimpleNamespace(data=lambda: {"instances": [{"id": "a", "name": "b"}]})
    paged = pagination.SimplePaginatedDataView("http://h/v1.0/p/instances", "instances", view, "a")
    return dict(paged.data())


def statuses() -> dict[str, int]:
    """The HTTP status of the exceptions that a create or look can meet."""
    return {
        error.__name__: status.code
        for status, errors in wsgi.Controller.exception_map.items()
        for error in errors
    }


def checksum_length() -> int:
    """What the migrations make of the column."""
    engine = sqlalchemy.create_engine(cfg.CONF.database.connection)
    columns = sqlalchemy.inspect(engine).get_columns("backups")
    return int(next(each["type"].length for each in columns if each["name"] == "checksum"))


def rate_limited() -> dict[str, object]:
    """What the limiter answers a second create in its minute."""
    limiter = limits.RateLimitingMiddleware(webob.Response("served"), "(POST, *, .*, 1, MINUTE)")
    caller = {wsgi.CONTEXT_KEY: SimpleNamespace(project_id="p")}
    for _ in range(2):
        request = webob.Request.blank("/v1.0/p/backups", method="POST", environ=caller)
        answer = request.get_response(limiter)
    return {"status": answer.status_int, "body": answer.json_body}


def newest_first() -> str:
    """The order in which backups are listed."""
    query = mock.MagicMock()
    query.order_by.return_value.limit.return_value.offset.return_value.count.return_value = 0
    Backup._paginate(SimpleNamespace(marker=None, limit=5), query)
    return str(query.order_by.call_args.args[0])


def page_asked_for(limit: int, marker: int) -> dict[str, object]:
    """What the database is asked for where a client asks for a page, and the next page's marker."""
    query = mock.MagicMock()
    asked = query.order_by.return_value
    asked.limit.return_value.offset.return_value.count.return_value = limit
    _, following = Backup._paginate(SimpleNamespace(marker=str(marker), limit=str(limit)), query)
    return {
        "limit": asked.limit.call_args.args[0],
        "offset": asked.limit.return_value.offset.call_args.args[0],
        "next": following,
    }


def instances_page() -> dict[str, object]:
    """The query of a page of instances, and how many it has at most."""
    made = api._limits(api._query_by, models.DBInstance, {}, 20, marker=UUID)
    return {
        "query": str(made),
        "limit": utils.pagination_limit("1000", cfg.CONF.instances_page_size),
    }


def all_instances_page() -> dict[str, object]:
    """What the database is asked for where an administrator asks for a page, and the page."""
    query = mock.MagicMock()
    asked = query.order_by.return_value
    paged = asked.limit.return_value.offset.return_value
    paged.count.return_value = 100
    context = SimpleNamespace(marker="99", limit="100", is_admin=True)
    _, following = mgmt_models._paginate_instances(context, query, models.DBInstance)
    request = mock.MagicMock(environ={wsgi.CONTEXT_KEY: context})
    rows = [
        mock.MagicMock(id=f"i{day}", created=day, updated=day, tenant_id="p", slave_of_id=f"i{day}")
        for day in (1, 2)
    ]
    with mock.patch("trove.instance.views.create_links"):
        shown = mgmt_views.MgmtInstancesView(rows, request).data()["instances"]
    return {
        "order": str(query.order_by.call_args.args[0]),
        "limit": asked.limit.call_args.args[0],
        "offset": asked.limit.return_value.offset.call_args.args[0],
        "next": following,
        "shown": [
            [row["id"], row["tenant_id"], row["updated"], row["replica_of"]["id"]] for row in shown
        ],
    }


def instance_listed() -> dict[str, object]:
    """What a list of one's own instances tells that policies look at, with details and without."""
    context = SimpleNamespace(is_admin=False)
    request = mock.MagicMock(environ={wsgi.CONTEXT_KEY: context})
    row = mock.MagicMock(id="i", created="2026-01-01T00:00:00", status="ACTIVE", slave_of_id="s")
    row.datastore.name = "mysql"
    with mock.patch("trove.instance.views.create_links"):
        plain = views.InstancesView([row], req=request).data()["instances"][0]
        shown = views.InstancesView([row], views.InstanceDetailView, request).data()["instances"][0]
        page = [mock.MagicMock(id=each, created=each, status="ACTIVE") for each in ("1", "3", "2")]
        order = [each["id"] for each in views.InstancesView(page, req=request).data()["instances"]]
    return {
        "order": order,
        "plain": [plain["status"], plain["datastore"]["type"], plain["replica_of"]["id"]],
        "created": [plain.get("created"), shown["created"]],
    }


def renamed() -> dict[str, bool]:
    """What a new name changes in the row of an instance."""
    made = models.DBInstance.create(name="before", task_status=models.InstanceTasks.NONE)
    models.BaseInstance.update_db(SimpleNamespace(id=made.id), name="after")
    now = models.DBInstance.find_by(id=made.id)
    return {"name": now.name == "after", "updated": now.updated > made.updated}


print(  # noqa: T201 - the answer
    json.dumps(
        {
            "accepts": {
                json.dumps(each): accepts(*each)
                for each in [
                    ["nightly", None],
                    ["n" * 255, None],
                    ["n" * 256, None],
                    ["", None],
                    ["\U0001f600", None],
                    ["\U0001f600 1", None],
                    ["two\nlines", None],
                    ["<% env() %> {{ x }} '\"\\", None],
                    ["n", "d" * 255],
                    ["n", "d" * 256],
                    ["n", "two\nlines [schedule 1]"],
                    ["n", "\U0001f600 [schedule 1]"],
                ]
            },
            "control_characters": {
                name: accepts(name, None) for name in ("nightly\n", "a\tb", "\x1b[2Ja")
            },
            "refusals": {
                "running": refusal(running=object()),
                "down": refusal(server="SHUTDOWN"),
                "task": refusal(task=models.InstanceTasks.REBOOTING),
                "fine": refusal(),
            },
            "makes": {
                "like_the_source": makes(
                    volume={"size": 5, "type": "ssd"},
                    datastore={"type": "postgresql", "version": "18.6"},
                    nics=[{"network_id": UUID}],
                    configuration=UUID,
                ),
                "plain": makes(),
                "volume_of_zero": makes(volume={"size": 0}),
                "network_by_name": makes(nics=[{"network_id": "private"}]),
                "named_by_255": makes(name="n" * 255),
                "named_by_a_sign": makes(name="-"),
            },
            "restore_seconds": cfg.CONF.restore_usage_timeout,
            "backup_shown": backup_shown(),
            "states": {
                "running": BackupState.RUNNING_STATES,
                "end": BackupState.END_STATES,
            },
            "page_sizes": {
                "instances": cfg.CONF.instances_page_size,
                "backups": cfg.CONF.backups_page_size,
            },
            "page": page(),
            "checksum_length": checksum_length(),
            "requests_a_minute": cfg.CONF.http_get_rate,
            "statuses": statuses(),
            "rate_limited": rate_limited(),
            "backups_order": newest_first(),
            "backups_page": page_asked_for(1000, 999),
            "instances_page": instances_page(),
            "instance_listed": instance_listed(),
            "renamed": renamed(),
            "all_instances_page": all_instances_page(),
            "messages": {
                "quota": exception.QuotaExceeded.message % {"overs": ["backups"]},
                "missing": exception.NotFound.message % {"uuid": UUID},
            },
        }
    )
)
