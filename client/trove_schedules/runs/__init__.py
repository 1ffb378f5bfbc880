# SPDX-License-Identifier: Apache-2.0
"""The executions of schedules, and why they failed."""
