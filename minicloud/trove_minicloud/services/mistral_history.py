# SPDX-License-Identifier: Apache-2.0
"""How many executions Mistral keeps: for 35 days, and no more than fit into a small database.

Mistral's own option for a number, `max_finished_executions`, would count drills as well. They are
rare, and health knows by them alone that backups were proven.
"""

import sqlalchemy as sa
from mistral import context
from mistral.db.sqlalchemy import base
from mistral.db.v2 import api as db_api
from mistral.db.v2.sqlalchemy import models
from mistral.workflow import states

#: Of all projects, without sub-workflows. With 30 KB for each that is 1.2 GB.
LIMIT = 40_000
#: A drill, and what has one of a policy's instances drilled: with it Mistral deletes the drill.
_DRILLS = ("trove.backup_drill", "trove.backup_policy_drill")
_AT_ONCE = 10


def forget_superfluous_executions(limit: int = LIMIT) -> None:
    """Delete what has ended, but for drills and the newest of the others up to the limit."""
    while superfluous := _oldest(limit):
        with db_api.transaction():
            for execution, project in superfluous:
                context.set_ctx(
                    context.MistralContext(
                        user_id=None, project_id=project, auth_token=None, is_admin=True
                    )
                )
                try:
                    db_api.delete_workflow_execution(execution)
                finally:
                    context.set_ctx(None)


def _oldest(limit: int) -> list[tuple[str, str]]:
    """Ids of some that are beyond the limit, each with its project."""
    table = models.WorkflowExecution.__table__.c
    query = (
        sa.select(table.id, table.project_id)
        .where(
            table.task_execution_id.is_(None),
            table.state.in_(states.TERMINAL_STATES),
            table.workflow_name.not_in(_DRILLS),
        )
        .order_by(table.updated_at.desc())
        .offset(limit)
        .limit(_AT_ONCE)
    )
    with base.get_engine().connect() as connection:
        return [(row.id, row.project_id) for row in connection.execute(query)]
