# SPDX-License-Identifier: Apache-2.0
"""The panel *Backup Policies*: one schedule for all instances that it selects."""
