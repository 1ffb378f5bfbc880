# SPDX-License-Identifier: Apache-2.0
"""Why the workbook isn't one of Mistral's preinstalled workflows (docs/operators/workbook.md)."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from mistral import exceptions
from mistral.services import workflows

from tests.mistral_api import MistralApi
from trove_schedules import workbook


def test_it_takes_no_workbook(api: MistralApi, tmp_path: Path) -> None:
    file = tmp_path / "trove.yaml"
    file.write_text(workbook.text())
    with pytest.raises(exceptions.MistralException):
        workflows.register_workflow(True, str(file))


def test_each_populate_deletes_what_live_triggers_refer_to() -> None:
    """So a workflow that was named like ours would have another id after each ``populate``."""
    body = inspect.getsource(workflows.sync_db)
    assert body.index("_clear_system_workflow_db()") < body.index("register_preinstalled_workflows")
    assert "delete_workflow_definitions(is_system=True)" in inspect.getsource(
        workflows._clear_system_workflow_db
    )
