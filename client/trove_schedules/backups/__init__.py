# SPDX-License-Identifier: Apache-2.0
"""A schedule's backups: which of them are kept."""
