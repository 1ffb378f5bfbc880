# SPDX-License-Identifier: Apache-2.0
"""Drills of schedules. A drill is an execution of the workbook's ``backup_drill``."""
