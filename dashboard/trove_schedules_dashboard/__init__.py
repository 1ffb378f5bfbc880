# SPDX-License-Identifier: Apache-2.0
"""Panels for Horizon, next to trove-dashboard's: backup schedules and their executions."""
