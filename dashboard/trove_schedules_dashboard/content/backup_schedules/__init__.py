# SPDX-License-Identifier: Apache-2.0
"""The panel *Scheduled Backups*: schedules, their details and their executions."""
