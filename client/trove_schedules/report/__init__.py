# SPDX-License-Identifier: Apache-2.0
"""The report for people who sign: what schedules promised, and what became of it."""

from trove_schedules.report.due_times import DueTime, Outcome
from trove_schedules.report.report import ProvedRestore, Report, RunByHand, ScheduleReport

__all__ = ["DueTime", "Outcome", "ProvedRestore", "Report", "RunByHand", "ScheduleReport"]
