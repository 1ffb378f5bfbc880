# SPDX-License-Identifier: Apache-2.0
"""What the mini cloud, and the advice to operators, assume of Mistral's expiration policy."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mistral import config
from mistral.db.sqlalchemy import base
from mistral.db.v2 import api as db_api
from mistral.db.v2.sqlalchemy import models
from mistral.engine import engine_server
from mistral.services import expiration_policy
from oslo_config import cfg

from tests.mistral_api import MistralApi
from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services import mistral, mistral_history
from trove_minicloud.services.backend import single_process
from trove_minicloud.services.mistral_database import add_indexes
from trove_schedules.workbook import DRILL, POLICY_DRILL

GROUP = config.EXECUTION_EXPIRATION_POLICY_GROUP
OLD, YOUNG = timedelta(days=36), timedelta(days=34)


@pytest.fixture
def policy() -> Iterator[None]:
    """That of a mini cloud, as its mistral.conf has it."""
    written = cfg.ConfigOpts()
    written.register_opts(config.execution_expiration_policy_opts, group=GROUP)
    # As uid 0 no root may be in pytest's own folder, which nobody else can pass.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        root = Root.at(Path(folder) / "cloud")
        root.prepare()
        mistral.configure(root, settings.load_or_create(root), single_process(root))
        written(["--config-file", str(root.service("mistral") / "mistral.conf")])
    for option, value in written[GROUP].items():
        cfg.CONF.set_override(option, value, group=GROUP)
    yield
    for option in written[GROUP]:
        cfg.CONF.clear_override(option, group=GROUP)


def _execution(api: MistralApi, project: str, age: timedelta, state: str = "SUCCESS") -> str:
    """A run with a task, an action, and a sub-workflow with a task of its own."""
    root = _workflow(api, project, age, state=state)
    task = _task(api, project, root)
    with api.as_project(project), db_api.transaction():
        db_api.create_action_execution({"name": "a", "state": state, "task_execution_id": task})
    inner = {"task_execution_id": task, "root_execution_id": root}
    _task(api, project, _workflow(api, project, age, state=state, **inner))
    return root


def _workflow(api: MistralApi, project: str, age: timedelta, **values: Any) -> str:
    at = datetime.now(UTC).replace(tzinfo=None) - age
    row = api.add_execution(project, created_at=at, updated_at=at, **values)
    return str(row["id"])


def _task(api: MistralApi, project: str, execution: str) -> str:
    values = {
        "name": "t",
        "workflow_name": "w",
        "workflow_id": "w",
        "spec": {},
        "workflow_execution_id": execution,
    }
    with api.as_project(project), db_api.transaction():
        return str(db_api.create_task_execution(values).id)


def _count() -> list[int]:
    with base.get_engine().connect() as connection:
        return [
            connection.exec_driver_sql(f"select count(*) from {model.__tablename__}").scalar()
            for model in (models.WorkflowExecution, models.TaskExecution, models.ActionExecution)
        ]


def test_old_executions_of_every_project_go_with_all_that_belongs_to_them(
    api: MistralApi, policy: None
) -> None:
    for number in range(12):  # more than a batch
        _execution(api, f"project-{number % 2}", OLD)
    kept = [_execution(api, "project-0", YOUNG), _execution(api, "project-0", OLD, "RUNNING")]
    assert _count() == [28, 28, 14]
    # By the engine's timer: without a context, as an administrator of its own making.
    expiration_policy.run_execution_expiration_policy(None, None)
    assert _count() == [4, 4, 2]
    with api.as_project("project-0"):
        roots = [each for each in db_api.get_workflow_executions() if not each.task_execution_id]
        assert sorted(each.id for each in roots) == sorted(kept)


def test_the_newest_executions_and_all_drills_are_kept(api: MistralApi) -> None:
    kept = []
    for hours in range(15):  # more than two batches
        new = _execution(api, f"project-{hours % 2}", timedelta(hours=hours))
        drills = POLICY_DRILL if hours % 2 else DRILL
        drill = api.add_execution("project-0", workflow_name=drills)["id"]
        kept += [new, drill] if hours < 3 else [drill]
    kept.append(_execution(api, "project-0", YOUNG, "RUNNING"))
    mistral_history.forget_superfluous_executions(limit=3)
    with base.get_engine().connect() as connection:
        found = connection.exec_driver_sql(
            "select id from workflow_executions_v2 where task_execution_id is null"
        )
        assert sorted(id for (id,) in found) == sorted(kept)
    # Four with a sub-workflow each, and the drills, which have no tasks here.
    assert _count() == [8 + 15, 8, 4]


def test_triggers_don_t_expire() -> None:
    assert "CronTrigger" not in inspect.getsource(expiration_policy)


def test_engines_expire_executions_at_their_start_and_then_by_a_timer(policy: None) -> None:
    assert "expiration_policy.setup()" in inspect.getsource(engine_server.EngineServer.start)
    tasks = expiration_policy.ExecutionExpirationPolicy(cfg.CONF)
    assert tasks._periodic_spacing == {"run_execution_expiration_policy": 3600}
    assert tasks._periodic_last_run == {"run_execution_expiration_policy": None}


def test_nothing_expires_by_default() -> None:
    written = cfg.ConfigOpts()
    written.register_opts(config.execution_expiration_policy_opts, group=GROUP)
    written([])
    assert (written[GROUP].evaluation_interval, written[GROUP].older_than) == (None, None)


def test_what_belongs_to_a_deleted_execution_is_found_by_indexes(api: MistralApi) -> None:
    """Mistral's models lack three: a deletion read whole tables, three for each task."""
    engine = base.get_engine()
    add_indexes(engine)
    add_indexes(engine)  # as at the next start
    with engine.connect() as connection:
        for table, column in [
            ("action_executions_v2", "task_execution_id"),
            ("workflow_executions_v2", "task_execution_id"),
            ("workflow_executions_v2", "root_execution_id"),
            ("task_executions_v2", "workflow_execution_id"),
        ]:
            query = f"explain query plan select id from {table} where {column} = 'x'"
            plan = connection.exec_driver_sql(query).fetchone()
            assert plan is not None
            assert f"USING INDEX {table}_{column}" in plan[3]
