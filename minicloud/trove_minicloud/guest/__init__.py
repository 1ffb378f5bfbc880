# SPDX-License-Identifier: Apache-2.0
"""The guest hop: database servers, their backups, and what is restored from them."""
