# SPDX-License-Identifier: Apache-2.0
# `make ansible-options` writes this file. Don't edit it.

from __future__ import annotations

SCHEDULE = {
    "instance": {"type": "str", "required": True},
    "paused": {"type": "bool"},
    "drill_every": {"type": "str"},
    "pattern": {"type": "str"},
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "parent_id": {"type": "str"},
    "timezone": {"type": "str"},
    "incremental": {"type": "bool"},
    "full_every": {"type": "int"},
    "keep_last": {"type": "int"},
    "keep_days": {"type": "int"},
    "keep_hourly": {"type": "int"},
    "keep_daily": {"type": "int"},
    "keep_weekly": {"type": "int"},
    "keep_monthly": {"type": "int"},
    "keep_yearly": {"type": "int"},
    "swift_container": {"type": "str"},
    "storage_driver": {"type": "str"},
    "attempts": {"type": "int"},
    "retry_every": {"type": "int"},
    "deadline": {"type": "int"},
    "notify_url": {"type": "str", "no_log": True},
    "notify_start": {"type": "str"},
    "notify_success": {"type": "str"},
    "notify_fail": {"type": "str"},
    "webhook_url": {"type": "str", "no_log": True},
    "webhook_on": {"type": "str", "choices": ["failure", "success", "always"]},
    "webhook_format": {"type": "str", "choices": ["json", "slack", "alertmanager"]},
}

SECRETS = ("notify_url", "webhook_url")
