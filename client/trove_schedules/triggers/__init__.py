# SPDX-License-Identifier: Apache-2.0
"""A schedule as Mistral keeps it: a cron trigger, found, created, replaced and deleted."""
