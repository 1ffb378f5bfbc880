# SPDX-License-Identifier: Apache-2.0
"""A real Keystone, Mistral and Trove on one machine, with real databases to back up."""
